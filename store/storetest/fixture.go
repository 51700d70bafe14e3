package storetest

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// Fixture makes what tests need and fails them itself. Every name it makes is new, so tests share a database.
type Fixture struct {
	T     testing.TB
	Store *store.Store
}

// New returns a fixture.
func New(t testing.TB, s *store.Store) Fixture { return Fixture{T: t, Store: s} }

var counter atomic.Int64

// Name is a word that no other test has.
func Name(prefix string) string {
	return fmt.Sprintf("%s-%s-%d", prefix, models.NewID("t"), counter.Add(1))
}

// User makes a user.
func (f Fixture) User() string {
	f.T.Helper()
	id, err := f.Store.EnsureUser(f.T.Context(), models.UserRef{ID: Name("user")})
	f.must(err)
	return id
}

// BatchSpec says what matters of a batch; the zero value is an unlimited active batch of merchant m1 in USD that takes 5
// USD off and is valid for a day.
type BatchSpec struct {
	Quantity      int64 // 0: unlimited
	ClaimsPerUser int
	Caps          models.Caps
	Content       string // of the rule; "": amount_off 500
	Draft         bool
	ValidUntil    models.Time
	MerchantID    string
}

// Batch makes a batch.
func (f Fixture) Batch(spec BatchSpec) store.BatchRow {
	f.T.Helper()
	content, merchant := spec.Content, spec.MerchantID
	if content == "" {
		content = `{"kind":"amount_off","amount_off":{"amount":500}}`
	}
	if merchant == "" {
		merchant = "m1"
	}
	rule, err := f.Store.CreateRule(f.T.Context(), models.Rule{MerchantID: merchant, Name: "rule", Content: json.RawMessage(content)})
	f.must(err)
	b := models.Batch{
		MerchantID: merchant, RuleID: rule.ID, RuleVersion: rule.Version, Name: "batch", ClaimMode: models.ClaimModeClaim,
		Currency: "USD", TimeZone: "UTC", ClaimsPerUser: spec.ClaimsPerUser, Caps: spec.Caps, ValidUntil: spec.ValidUntil,
	}
	if b.ValidUntil.IsZero() {
		b.ValidSeconds = 24 * 3600
	}
	var quantity *int64
	if spec.Quantity > 0 {
		quantity = &spec.Quantity
	}
	row, err := f.Store.CreateBatch(f.T.Context(), b, quantity)
	f.must(err)
	if spec.Draft {
		return row
	}
	row, err = f.Store.ChangeBatch(f.T.Context(), store.BatchChange{BatchID: row.ID, To: models.BatchActive, Audit: models.AuditRecord{Action: "batch.publish"}})
	f.must(err)
	return row
}

// Claim gives the user a coupon of the batch.
func (f Fixture) Claim(batchID, userID string) models.Coupon {
	f.T.Helper()
	out, err := f.Store.Claim(f.T.Context(), []store.ClaimRequest{{Caller: "test", Key: Name("key"), BatchID: batchID, UserID: userID}})
	f.must(err)
	if out[0].Err != nil {
		f.T.Fatal(out[0].Err)
	}
	return *out[0].Coupon
}

// Plan prices nothing: it plans a redemption of 50 USD in one line on which each coupon takes off 5 USD.
func (f Fixture) Plan(kind models.RedemptionKind, coupons ...models.Coupon) models.Plan {
	const price, off = 5000, 500
	order := Name("order")
	r := models.Redemption{
		Caller: "test", MerchantID: "m1", Kind: kind, OrderID: &order, Currency: "USD", Goods: price,
		Fingerprint: models.Hash(order),
		Content: models.RedemptionContent{
			Cart: models.Cart{Currency: "USD", Lines: []models.CartLine{{LineID: "1", ProductID: "p1", Quantity: 1, UnitPrice: price}}},
		},
	}
	p := models.Plan{TTL: time.Hour}
	for _, c := range coupons {
		r.UserID = c.UserID
		r.Discount += off
		r.Content.Coupons = append(r.Content.Coupons, models.RedemptionCoupon{CouponID: c.ID, BatchID: c.BatchID, Amount: off})
		p.Lines = append(p.Lines, models.RedemptionLine{CouponID: c.ID, LineID: "1", Discount: off, PlatformShare: off})
	}
	r.Payable = r.Goods - r.Discount
	if kind == models.KindOrchestrated {
		r.Content.Payment = models.PaymentTerms{Mode: models.PaymentNow, Method: "tok_approved"}
	}
	p.Redemption = r
	return p
}

// Open writes a plan of an orchestrated redemption.
func (f Fixture) Open(p models.Plan) models.Redemption {
	f.T.Helper()
	out, err := f.Store.OpenRedemptions(f.T.Context(), []models.Plan{p})
	f.must(err)
	if out[0].Err != nil {
		f.T.Fatal(out[0].Err)
	}
	return out[0].Redemption
}

// Coupon reads a coupon.
func (f Fixture) Coupon(c models.Coupon) models.Coupon {
	f.T.Helper()
	offers, err := f.Store.Offers(f.T.Context(), c.UserID, []string{c.ID})
	f.must(err)
	return offers[0].Coupon
}

// AuditClean fails the test when the books of the batch don't agree.
func (f Fixture) AuditClean(batchIDs ...string) {
	f.T.Helper()
	report, err := f.Store.Audit(f.T.Context(), store.AuditScope{BatchIDs: batchIDs})
	f.must(err)
	for _, d := range report.Differences {
		f.T.Errorf("audit: invariant %d: %s: %s: want %s, got %s", d.Invariant, d.Subject, d.What, d.Want, d.Got)
	}
	if len(batchIDs) > 0 && report.Batches != len(batchIDs) {
		f.T.Errorf("audit looked at %d batches, not %d", report.Batches, len(batchIDs))
	}
}

func (f Fixture) must(err error) {
	f.T.Helper()
	if err != nil {
		f.T.Fatal(err)
	}
}
