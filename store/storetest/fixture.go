package storetest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
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
	return f.UserNamed(models.UserRef{ID: Name("user")})
}

// UserNamed makes a user that is known by the reference.
func (f Fixture) UserNamed(ref models.UserRef) string {
	f.T.Helper()
	id, err := f.Store.EnsureUser(f.T.Context(), ref)
	f.must(err)
	return id
}

// BatchSpec says what matters of a batch; the zero value is an unlimited active batch of merchant m1 in USD that is
// claimed, takes 5 USD off and is valid for a day.
type BatchSpec struct {
	Quantity      int64            // 0: unlimited
	ClaimMode     models.ClaimMode // "": claim
	Codes         models.CodeKind
	CodeTerms     models.CodeTerms
	ClaimsPerUser int
	LimitBy       []models.LimitKind
	FaceMin       int64 // with FaceMax: what is drawn at issue
	FaceMax       int64
	Caps          models.Caps
	Content       string // of the rule; "": amount_off 500
	Draft         bool
	ValidUntil    models.Time
	MerchantID    string
	Refunds       models.RefundTerms
	TimeZone      string // "": UTC
	Notices       models.Notices
}

// Batch makes a batch.
func (f Fixture) Batch(spec BatchSpec) store.BatchRow {
	f.T.Helper()
	content := cmp.Or(spec.Content, `{"kind":"amount_off","amount_off":{"amount":500}}`)
	merchant := cmp.Or(spec.MerchantID, "m1")
	rule, err := f.Store.CreateRule(f.T.Context(), models.Rule{MerchantID: merchant, Name: "rule", Content: json.RawMessage(content)})
	f.must(err)
	b := models.Batch{
		MerchantID: merchant, RuleID: rule.ID, RuleVersion: rule.Version, Name: "batch",
		ClaimMode: cmp.Or(spec.ClaimMode, models.ClaimModeClaim), Codes: spec.Codes, CodeTerms: spec.CodeTerms, Currency: "USD",
		TimeZone: cmp.Or(spec.TimeZone, "UTC"), ClaimsPerUser: spec.ClaimsPerUser, LimitBy: spec.LimitBy, FaceMin: spec.FaceMin, FaceMax: spec.FaceMax,
		Caps: spec.Caps, ValidUntil: spec.ValidUntil, Refunds: spec.Refunds, Notices: spec.Notices,
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

// Code gives the batch a new code of its kind and returns its key. maxUses 0 sets no bound; a single code has its own.
func (f Fixture) Code(batchID string, maxUses int64) string {
	f.T.Helper()
	code := models.CouponCode{Display: Name("code"), Active: true}
	if maxUses > 0 {
		code.MaxUses = &maxUses
	}
	codes, err := f.Store.CreateCodes(f.T.Context(), batchID, []models.CouponCode{code}, models.AuditRecord{Action: "codes.create"})
	f.must(err)
	return codes[0].CodeKey
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

const planPrice, planOff = 5000, 500

// Plan prices nothing: it plans a redemption of 50 USD in one line on which each coupon takes off 5 USD.
func (f Fixture) Plan(kind models.RedemptionKind, coupons ...models.Coupon) models.Plan {
	userID := ""
	for _, c := range coupons {
		userID = c.UserID
	}
	p := f.PlanFor(kind, userID)
	for _, c := range coupons {
		p = add(p, models.RedemptionCoupon{CouponID: c.ID, BatchID: c.BatchID})
	}
	return p
}

// PlanFor is Plan without any coupon yet.
func (Fixture) PlanFor(kind models.RedemptionKind, userID string) models.Plan {
	order := Name("order")
	r := models.Redemption{
		Caller: "test", MerchantID: "m1", Kind: kind, OrderID: &order, UserID: userID, Currency: "USD", Goods: planPrice,
		Payable: planPrice, Fingerprint: models.Hash(order),
		Content: models.RedemptionContent{
			Cart: models.Cart{Currency: "USD", Lines: []models.CartLine{{LineID: "1", ProductID: "p1", Quantity: 1, UnitPrice: planPrice}}},
		},
	}
	if kind == models.KindOrchestrated {
		r.Content.Payment = models.PaymentTerms{Mode: models.PaymentNow, Method: "tok_approved"}
	}
	return models.Plan{Redemption: r, TTL: time.Hour}
}

// Issuing adds a coupon that the Try issues, for the code or, with "", for the batch alone.
func (Fixture) Issuing(p models.Plan, batchID, code string) models.Plan {
	return add(p, models.RedemptionCoupon{CouponID: models.NewID(models.PrefixCoupon), BatchID: batchID, Code: code, Issue: true})
}

// With adds a coupon that takes 5 USD off.
func (Fixture) With(p models.Plan, c models.RedemptionCoupon) models.Plan { return add(p, c) }

// add leaves the plan it is given as it is.
func add(p models.Plan, c models.RedemptionCoupon) models.Plan {
	c.Amount = planOff
	p.Redemption.Discount += planOff
	p.Redemption.Payable -= planOff
	p.Redemption.Content.Coupons = append(slices.Clip(p.Redemption.Content.Coupons), c)
	p.Lines = append(slices.Clip(p.Lines), models.RedemptionLine{
		CouponID: c.CouponID, Target: models.TargetLine, LineID: "1", Discount: planOff, PlatformShare: planOff,
	})
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
	found, err := f.Store.Offers(f.T.Context(), store.OfferQuery{UserID: c.UserID, CouponIDs: []string{c.ID}})
	f.must(err)
	if len(found.Offers) != 1 {
		f.T.Fatalf("there is no coupon %s", c.ID)
	}
	return found.Offers[0].Coupon
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
