package rules

import (
	"encoding/json"
	"time"

	"github.com/tearoff/tearoff/models"
)

// PlanInput is a redemption as it was asked for, with the offers of its coupons in the order asked.
type PlanInput struct {
	ID            string // "": the store makes one
	Caller        string
	Key           string // "": only the order, if any, makes it repeatable
	MerchantID    string
	OrderID       string // "": none, for a hold
	UserID        string
	Kind          models.RedemptionKind
	Cart          models.Cart
	Offers        []models.Offer
	Payment       models.PaymentTerms
	TTL           time.Duration // to the deadline
	ExpectedTotal *int64        // what the customer was shown, minor units; nil: not checked
}

// Plan prices the cart with exactly the offered coupons and builds the redemption to write. It judges what the rules say
// and no state, window or limit: those are judged under locks when the coupons are tried.
//
// Errors are *models.Error: those of Price, CodeQuoteChanged when the total is not the expected one, and
// CodePaymentRequired when something is left to pay and nobody said how.
func Plan(in PlanInput) (models.Plan, error) {
	candidates := make([]Candidate, len(in.Offers))
	for i, o := range in.Offers {
		var err error
		if candidates[i], err = candidate(o); err != nil {
			return models.Plan{}, err
		}
	}
	priced, err := Price(in.Cart, candidates)
	if err != nil {
		return models.Plan{}, err
	}
	t := priced.Totals
	if in.ExpectedTotal != nil && *in.ExpectedTotal != t.Payable {
		return models.Plan{}, models.NewError(models.CodeQuoteChanged, "the total is not the expected one").
			With("expected", *in.ExpectedTotal).With("total", t.Payable)
	}
	if in.Kind == models.KindOrchestrated && t.Payable > 0 && !in.Payment.Usable() {
		return models.Plan{}, models.NewError(models.CodePaymentRequired, "something is left to pay: say how").With("payable", t.Payable)
	}
	fingerprint, err := in.fingerprint()
	if err != nil {
		return models.Plan{}, err
	}
	r := models.Redemption{
		ID: in.ID, Caller: in.Caller, MerchantID: in.MerchantID, Kind: in.Kind, IdemKey: orNil(in.Key), Fingerprint: fingerprint,
		OrderID: orNil(in.OrderID), UserID: in.UserID, Currency: in.Cart.Currency,
		Goods: t.Goods, Shipping: t.Shipping, Discount: t.Discount, Payable: t.Payable,
		Content: models.RedemptionContent{Cart: in.Cart, Coupons: []models.RedemptionCoupon{}, Payment: in.Payment},
	}
	plan := models.Plan{Redemption: r, TTL: in.TTL}
	for _, c := range priced.Coupons {
		plan.Redemption.Content.Coupons = append(plan.Redemption.Content.Coupons, models.RedemptionCoupon{
			CouponID: c.CouponID, BatchID: c.BatchID, Amount: c.Amount,
		})
		for _, l := range c.Lines {
			plan.Lines = append(plan.Lines, models.RedemptionLine{
				CouponID: c.CouponID, LineID: l.LineID, Discount: l.Discount,
				PlatformShare: l.PlatformShare, MerchantShare: l.MerchantShare,
			})
		}
	}
	return plan, nil
}

// CandidateOf turns an offer into a candidate that knows already whether state, window and limits let the user use it.
func CandidateOf(o models.Offer, userID string) (Candidate, error) {
	c, err := candidate(o)
	if err != nil {
		return c, err
	}
	if refusal := o.Check(userID, 0); refusal != nil {
		c.Refusal = models.RefusalOf(refusal)
	}
	return c, nil
}

func candidate(o models.Offer) (Candidate, error) {
	rule, err := Parse(o.Rule.Content)
	return Candidate{
		CouponID: o.Coupon.ID, BatchID: o.Batch.ID, MerchantID: o.Batch.MerchantID, Rule: rule, Currency: o.Batch.Currency,
		ValidUntil: o.Coupon.ValidUntil.Time, FaceValue: o.Coupon.FaceValue,
	}, err
}

// fingerprint stands for the whole request, so that a repeat is told from another content under the same key.
func (in PlanInput) fingerprint() (string, error) {
	coupons := make([]string, len(in.Offers))
	for i, o := range in.Offers {
		coupons[i] = o.Coupon.ID
	}
	content, err := json.Marshal(struct {
		Cart     models.Cart
		Coupons  []string
		Payment  models.PaymentTerms
		TTL      time.Duration
		Expected *int64
	}{in.Cart, coupons, in.Payment, in.TTL, in.ExpectedTotal})
	if err != nil {
		return "", models.NewError(models.CodeInvalidCart, "the cart can't be written as JSON").Wrap(err)
	}
	return models.Hash("redemption", string(in.Kind), in.MerchantID, in.OrderID, in.UserID, string(content)), nil
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
