package api

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
	"github.com/tearoff/tearoff/store"
)

// quoteAtMost bounds how many coupons of a wallet one quote looks at, soonest expiry first.
const quoteAtMost = 100

type quoteInput struct {
	Body struct {
		User           customer    `json:"user"`
		Cart           models.Cart `json:"cart"`
		CouponIDs      *[]string   `json:"coupon_ids,omitempty" maxItems:"100" nullable:"false" doc:"Only these coupons of the user, with codes and batch_ids, and no auto batch; [] is none of the user's. Default: up to 100 coupons of the wallet, codes and batch_ids, and the auto batches of the platform and of the cart's merchants."`
		Codes          []string    `json:"codes,omitempty" maxItems:"20" nullable:"false" doc:"What the customer typed. After too many wrong ones the quote is without them, and says so with too_many_attempts."`
		BatchIDs       []string    `json:"batch_ids,omitempty" maxItems:"100" nullable:"false" doc:"Batches whose coupons are issued when they are used, without a code."`
		OnInapplicable string      `json:"on_inapplicable,omitempty" enum:"skip,fail" default:"skip" doc:"skip: the best combination of what applies. fail: exactly the named coupons; the first that doesn't apply refuses the quote."`
		At             *time.Time  `json:"at,omitempty" doc:"The instant to judge windows and hours for. Default: now."`
		DraftBatchIDs  []string    `json:"draft_batch_ids,omitempty" maxItems:"20" nullable:"false" doc:"Drafts to try, as if they were published and needed neither claim nor code. Admin keys only."`
	}
}

type quoteOutput struct{ Body quote }

type quote struct {
	At      time.Time `json:"at" doc:"The instant it was judged for."`
	Coupons []verdict `json:"coupons" nullable:"false" doc:"What became of each coupon, code and batch."`
	Best    priced    `json:"best" doc:"The cart with the best combination: the largest discount, then the fewest coupons, then the soonest expiry."`
}

func (s *Server) quote(ctx context.Context, in *quoteInput) (*quoteOutput, error) {
	query, err := s.quoteQuery(ctx, in)
	if err != nil {
		return nil, err
	}
	exact := in.Body.OnInapplicable == "fail"
	found, err := s.offers(ctx, query, in.Body.User.UserRef)
	var limited []verdict
	if tooMany := new(models.Error); errors.As(err, &tooMany) && tooMany.Code == models.CodeTooMany && !exact {
		limited = untyped(query.Codes, tooMany, in.Body.Cart.Currency)
		query.Codes = nil // a cart has a price whatever was typed
		found, err = s.offers(ctx, query, in.Body.User.UserRef)
	}
	if err != nil {
		return nil, err
	}
	if exact && len(found.Missing) > 0 {
		return nil, found.Missing[0].NotFound()
	}
	candidates, err := candidates(found.Offers, query.UserID)
	if err != nil {
		return nil, err
	}
	checkout := rules.Checkout{Cart: in.Body.Cart, User: in.Body.User.UserFacts, At: found.At.Time}
	quoted, err := rules.Quote(checkout, candidates)
	if err == nil && exact {
		quoted, err = exactly(checkout, candidates, quoted)
	}
	if err != nil {
		return nil, err
	}
	view := viewQuote(quoted, found)
	view.Coupons = append(view.Coupons, limited...)
	view.Best.Redeem.BatchIDs = slices.DeleteFunc(view.Best.Redeem.BatchIDs, func(id string) bool { return slices.Contains(query.DraftIDs, id) })
	return &quoteOutput{Body: view}, nil
}

// untyped are the verdicts on codes that were not looked at.
func untyped(codes []string, why *models.Error, currency models.Currency) []verdict {
	verdicts := make([]verdict, len(codes))
	for i, code := range codes {
		verdicts[i] = verdict{
			CouponRef: models.CouponRef{Code: code}, Status: rules.Inapplicable, Reason: reasonOf(models.RefusalOf(why)), Amount: money(0, currency),
		}
	}
	return verdicts
}

// exactly is the quote with all candidates instead of the best of them.
func exactly(checkout rules.Checkout, candidates []rules.Candidate, quoted rules.Quoted) (rules.Quoted, error) {
	var err error
	quoted.Best, err = rules.Price(checkout, candidates)
	for i := range quoted.Coupons {
		quoted.Coupons[i].Status, quoted.Coupons[i].Reason = rules.Applicable, nil
	}
	return quoted, err
}

// quoteQuery is what a quote looks at.
func (s *Server) quoteQuery(ctx context.Context, in *quoteInput) (store.OfferQuery, error) {
	body := &in.Body
	if err := body.User.check(ctx); err != nil {
		return store.OfferQuery{}, err
	}
	if len(body.DraftBatchIDs) > 0 && keyOf(ctx).Role != models.RoleAdmin {
		return store.OfferQuery{}, models.NewError(models.CodeForbidden, "only an admin key can try drafts")
	}
	if body.OnInapplicable == "fail" && body.CouponIDs == nil {
		return store.OfferQuery{}, invalid(Fault{Path: "body.coupon_ids", Message: "is needed with on_inapplicable fail: [] for none"})
	}
	userID, err := s.findUser(ctx, body.User.UserRef, "body.user")
	if err != nil {
		return store.OfferQuery{}, err
	}
	s.store.Seen(ctx, userID)
	chosen := Selection{Codes: body.Codes, BatchIDs: body.BatchIDs}
	if body.CouponIDs != nil {
		chosen.CouponIDs = *body.CouponIDs
	}
	q := chosen.query(ctx, userID, body.User.UserRef)
	if q.DraftIDs = body.DraftBatchIDs; body.CouponIDs == nil {
		q.Wallet, q.Auto = quoteAtMost, autoMerchants(ctx, body.Cart)
	}
	if body.At != nil {
		if !models.InYears(*body.At) {
			return store.OfferQuery{}, invalid(Fault{Path: "body.at", Message: models.ErrNoYear.Error()})
		}
		q.At = models.NewTime(*body.At)
	}
	return q, nil
}

// autoMerchants are those whose auto batches are considered: the platform and whose goods are in the cart, or only the
// key's.
func autoMerchants(ctx context.Context, cart models.Cart) []string {
	if own := keyOf(ctx).MerchantID; own != "" {
		return []string{own}
	}
	merchants := cart.Merchants()
	if !slices.Contains(merchants, "") {
		merchants = append(merchants, "")
	}
	return merchants
}

// candidates turns offers into what rules can price.
func candidates(offers []models.Offer, userID string) ([]rules.Candidate, error) {
	out := make([]rules.Candidate, len(offers))
	for i, o := range offers {
		var err error
		if out[i], err = rules.CandidateOf(o, userID); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func viewQuote(q rules.Quoted, found store.Offered) quote {
	view := quote{At: found.At.Time, Coupons: make([]verdict, 0, len(q.Coupons)+len(found.Missing)), Best: viewPriced(q.Best)}
	for i, v := range q.Coupons {
		view.Coupons = append(view.Coupons, verdict{
			CouponRef: v.CouponRef, Name: found.Offers[i].Batch.Name, Status: v.Status, Reason: reasonOf(v.Reason),
			Amount: money(v.Amount, q.Best.Currency),
		})
	}
	for _, ref := range found.Missing {
		view.Coupons = append(view.Coupons, verdict{
			CouponRef: ref, Status: rules.Inapplicable, Reason: reasonOf(models.RefusalOf(ref.NotFound())), Amount: money(0, q.Best.Currency),
		})
	}
	return view
}
