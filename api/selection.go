package api

import (
	"context"
	"fmt"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
	"github.com/tearoff/tearoff/store"
)

// customer is who buys, with what the caller knows of them now.
type customer struct {
	models.UserRef
	models.UserFacts
}

// check turns away facts that a customer's own device could have made up.
func (c customer) check(ctx context.Context) error {
	if facts := c.UserFacts; facts.IsZero() || keyOf(ctx).Role != models.RoleStorefront {
		return nil
	}
	return invalid(Fault{Path: "body.user", Message: "first_order and tags are taken from server keys only"})
}

// Selection names coupons to use.
type Selection struct {
	CouponIDs []string `json:"coupon_ids,omitempty" maxItems:"100" nullable:"false" doc:"Coupons that the user owns."`
	Codes     []string `json:"codes,omitempty" maxItems:"20" nullable:"false" doc:"What the customer typed: codes of batches whose coupons are issued when they are used."`
	BatchIDs  []string `json:"batch_ids,omitempty" maxItems:"100" nullable:"false" doc:"Batches whose coupons are issued when they are used, without a code."`
}

// query asks for the selected coupons. What can't be a name of anything is kept: it is answered as missing.
func (s Selection) query(ctx context.Context, userID string, user models.UserRef) store.OfferQuery {
	q := store.OfferQuery{UserID: userID, LimitKeys: user.LimitKeys(), MerchantID: keyOf(ctx).MerchantID, CouponIDs: s.CouponIDs, BatchIDs: s.BatchIDs}
	for _, text := range s.Codes {
		q.Codes = append(q.Codes, models.CodeName(text))
	}
	return q
}

// names are all that was selected, as it was asked for. Ids of coupons stand as they are, so that requests of the time
// before codes are known again.
func (s Selection) names() []string {
	var names []string
	for _, id := range s.CouponIDs {
		if !models.IsID(id, models.PrefixCoupon) {
			id = "coupon:" + id
		}
		names = append(names, id)
	}
	for _, text := range s.Codes {
		names = append(names, "code:"+models.CodeName(text))
	}
	for _, id := range s.BatchIDs {
		names = append(names, "batch:"+id)
	}
	return names
}

func (s Selection) size() int { return len(s.CouponIDs) + len(s.Codes) + len(s.BatchIDs) }

// checkSize turns away more coupons than can be used together, where all of them must be.
func (s Selection) checkSize(onInapplicable string) error {
	if s.size() > rules.MaxCoupons && onInapplicable != "skip" {
		return invalid(Fault{Path: "body.coupon_ids", Message: fmt.Sprintf("with codes and batch_ids must be at most %d", rules.MaxCoupons)})
	}
	return nil
}

// issues reports whether using the selection gives the user a new coupon, so that the user must be known.
func (s Selection) issues() bool { return len(s.Codes)+len(s.BatchIDs) > 0 }
