package rules

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/tearoff/tearoff/models"
)

// PlanInput is a redemption as it was asked for, with the offers of its coupons in the order asked.
type PlanInput struct {
	ID            string // "": a new one is made
	Caller        string
	Key           string // "": only the order, if any, makes it repeatable
	MerchantID    string
	OrderID       string // "": none, for a hold
	UserID        string
	Kind          models.RedemptionKind
	Cart          models.Cart
	User          models.UserFacts
	LimitKeys     []models.LimitKey // of the request's reference to the user
	Offers        []models.Offer
	Names         []string    // of the coupons, codes and batches as they were asked for: a repeat asks for the same
	Skip          bool        // coupons that don't apply are left out, instead of refusing all
	At            models.Time // the store's clock, by which hours are judged
	Payment       models.PaymentTerms
	Participants  models.Participants
	TTL           time.Duration      // to the deadline
	ExpectedTotal *int64             // what the customer was shown, minor units; nil: not checked
	Hold          *models.Redemption // the one that is being changed: it keeps what it has of the offers
}

// Plan prices the cart with exactly the offered coupons, or with the best of them when some may be skipped, and builds the
// redemption to write. Without Skip it judges what the rules say and no state, window or limit: those are judged under
// locks when the coupons are tried.
//
// Errors are *models.Error: those of Price, CodeQuoteChanged when the total is not the expected one, and
// CodePaymentRequired when something is left to pay and nobody said how.
func Plan(in PlanInput) (models.Plan, error) {
	priced, err := in.price()
	if err != nil {
		return models.Plan{}, err
	}
	t := priced.Totals
	if in.ExpectedTotal != nil && *in.ExpectedTotal != t.Payable {
		return models.Plan{}, models.NewError(models.CodeQuoteChanged, "the total is not the expected one").
			With("expected", *in.ExpectedTotal).With("total", t.Payable)
	}
	elsewhere := in.Participants.Queue(models.BranchPayment) != "" // whoever takes the payment knows how
	if in.Kind == models.KindOrchestrated && t.Payable > 0 && !in.Payment.Usable() && !elsewhere {
		return models.Plan{}, models.NewError(models.CodePaymentRequired, "something is left to pay: say how").With("payable", t.Payable)
	}
	request, err := in.Request()
	if err != nil {
		return models.Plan{}, err
	}
	if in.ID == "" {
		in.ID = models.NewID(models.PrefixRedemption)
		request.ID = in.ID
	}
	request.MerchantID, request.UserID, request.Currency = in.MerchantID, in.UserID, in.Cart.Currency
	request.Goods, request.Shipping, request.Discount, request.Payable = t.Goods, t.Shipping, t.Discount, t.Payable
	request.Content = models.RedemptionContent{Cart: in.Cart, User: in.User, Coupons: []models.RedemptionCoupon{}, Payment: in.Payment}
	request.Content.Participants = in.Participants
	plan := models.Plan{TTL: in.TTL, Redemption: request}
	in.write(&plan, priced)
	return plan, nil
}

func (in PlanInput) price() (Priced, error) {
	checkout := Checkout{Cart: in.Cart, User: in.User, At: in.At.Time}
	candidates := make([]Candidate, len(in.Offers))
	for i, o := range in.Offers {
		var err error
		if in.Skip {
			candidates[i], err = CandidateOf(o, in.UserID)
		} else {
			candidates[i], err = candidate(o)
		}
		if err != nil {
			return Priced{}, err
		}
	}
	if !in.Skip {
		return Price(checkout, candidates)
	}
	quoted, err := Quote(checkout, candidates)
	return quoted.Best, err
}

// write adds the coupons, gifts and lines of what was priced. A coupon that is not issued yet gets its id here: the same
// for the same redemption, so that a repeated Try issues the same one.
func (in PlanInput) write(plan *models.Plan, priced Priced) {
	content := &plan.Redemption.Content
	for _, c := range priced.Coupons {
		use := models.RedemptionCoupon{CouponID: c.CouponID, BatchID: c.BatchID, Code: c.Code, Amount: c.Amount}
		if use.CouponID == "" {
			use.Issue, use.CouponID = true, in.couponID(c.CouponRef)
		} else if held := in.held(use.CouponID); held != nil {
			use.Issue, use.Code = held.Issue, held.Code
		}
		if use.Issue {
			content.LimitKeys = in.LimitKeys
		}
		content.Coupons = append(content.Coupons, use)
		for _, l := range c.Lines {
			plan.Lines = append(plan.Lines, models.RedemptionLine{
				CouponID: use.CouponID, Target: l.Target, LineID: l.LineID, Discount: l.Discount,
				PlatformShare: l.PlatformShare, MerchantShare: l.MerchantShare,
			})
		}
	}
	for _, g := range priced.Gifts {
		if g.CouponID == "" {
			g.CouponID = in.couponID(g.CouponRef)
		}
		content.Gifts = append(content.Gifts, g)
	}
}

// couponID is one that the redemption never had: a hold that has dropped a coupon may want one of its kind again.
func (in PlanInput) couponID(ref models.CouponRef) string {
	if in.Hold != nil {
		return models.DerivedID(models.PrefixCoupon, in.ID, ref.ID(), strconv.FormatInt(in.Hold.Seq, 10))
	}
	return models.DerivedID(models.PrefixCoupon, in.ID, ref.ID())
}

// held is the coupon as the hold that is being changed has it, or nil.
func (in PlanInput) held(couponID string) *models.RedemptionCoupon {
	if in.Hold == nil {
		return nil
	}
	for i, c := range in.Hold.Content.Coupons {
		if c.CouponID == couponID {
			return &in.Hold.Content.Coupons[i]
		}
	}
	return nil
}

// CandidateOf turns an offer into a candidate that knows already whether state, window and limits let the user use it.
func CandidateOf(o models.Offer, userID string) (Candidate, error) {
	c, err := candidate(o)
	if err != nil {
		return c, err
	}
	if refused := o.Check(userID, 0); refused != nil {
		c.Refusal = models.RefusalOf(refused)
	}
	if room := o.Room(); room != noBound {
		c.Room = &room
	}
	return c, nil
}

// noBound is the room of a batch that bounds nothing.
var noBound = models.Caps{}.Room(models.CapUse{})

func candidate(o models.Offer) (Candidate, error) {
	rule, err := Parsed(*o.Rule)
	c := Candidate{
		CouponRef: o.Ref(), MerchantID: o.Batch.MerchantID, Rule: rule, Currency: o.Batch.Currency, Zone: o.Batch.Zone(),
		ValidUntil: o.Coupon.ValidUntil.Time, FaceValue: o.Coupon.FaceValue,
	}
	if o.Coupon.ID == "" {
		_, until := o.Batch.Validity(o.At)
		c.ValidUntil, c.FaceValue = until.Time, o.Batch.FaceMin
	}
	return c, err
}

// Request is what tells a repeat from another request: its id, caller, key, order, kind, and a fingerprint of its whole
// content. It needs no offers.
func (in PlanInput) Request() (models.Redemption, error) {
	content, err := json.Marshal(struct {
		Cart         models.Cart
		User         models.UserFacts `json:",omitzero"`
		Coupons      []string
		Skip         bool `json:",omitempty"`
		Payment      models.PaymentTerms
		Participants models.Participants `json:",omitzero"`
		TTL          time.Duration
		Expected     *int64
	}{in.Cart, in.User, in.Names, in.Skip, in.Payment, in.Participants, in.TTL, in.ExpectedTotal})
	if err != nil {
		return models.Redemption{}, models.NewError(models.CodeInvalidCart, "the cart can't be written as JSON").Wrap(err)
	}
	return models.Redemption{
		ID: in.ID, Caller: in.Caller, Kind: in.Kind, IdemKey: orNil(in.Key), OrderID: orNil(in.OrderID),
		Fingerprint: models.Hash("redemption", string(in.Kind), in.MerchantID, in.OrderID, in.UserID, string(content)),
	}, nil
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
