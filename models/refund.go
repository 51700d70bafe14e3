package models

import (
	"cmp"
	"slices"
	"time"
)

// RefundLineKind says what a line of a refund is for.
type RefundLineKind string

// The kinds. A refund pays the sum of its lines' amounts.
const (
	RefundReturn   RefundLineKind = "return"    // units that come back, at their price before coupons
	RefundDiscount RefundLineKind = "discount"  // what a coupon had taken off them: negative
	RefundClawBack RefundLineKind = "claw_back" // what a coupon took off units that stay, and no longer deserve it: negative
	RefundCarry    RefundLineKind = "carry"     // what a refund could not keep back, and the next one does
)

// RefundLine is one amount of a refund. Those of one target and line, over all refunds that were not turned down, never
// give back more than what was paid for it, and exactly that when all of it has come back.
type RefundLine struct {
	RefundID      string         `gorm:"primaryKey" json:"-"`
	Position      int            `gorm:"primaryKey" json:"-"`
	Kind          RefundLineKind `json:"kind"`
	Target        LineTarget     `json:"target,omitempty"`
	LineID        string         `json:"line_id,omitempty"`
	CouponID      string         `json:"coupon_id,omitempty"` // of a discount or a claw-back
	Quantity      int64          `json:"quantity,omitempty"`  // of a return
	Amount        int64          `json:"amount"`
	PlatformShare int64          `json:"platform_share"` // of Amount, for a discount or a claw-back
	MerchantShare int64          `json:"merchant_share"`
}

// ReturnedLine asks to give back a quantity of a line of the cart, a delivery, or a gift.
type ReturnedLine struct {
	Target   LineTarget `json:"target,omitempty" enum:"line,shipping,gift" default:"line" doc:"What line_id names. A gift is named by its product."`
	LineID   string     `json:"line_id" minLength:"1" maxLength:"100"`
	Quantity int64      `json:"quantity,omitempty" minimum:"1" doc:"How many units come back. Default: all that are left."`
}

// MinimumPolicy says what happens to a coupon whose minimum is no longer reached after a partial return.
type MinimumPolicy string

// The policies.
const (
	MinimumKeep     MinimumPolicy = "keep"      // what stays keeps its part of the discount
	MinimumClawBack MinimumPolicy = "claw_back" // the rest of the discount is kept back from the refund
)

// RestorePolicy says whether a coupon comes back to its user when all that it discounted was returned.
type RestorePolicy string

// The policies.
const (
	RestoreAlways       RestorePolicy = "always" // also one that is over: it is valid for the grace days then
	RestoreNever        RestorePolicy = "never"
	RestoreIfNotExpired RestorePolicy = "if_not_expired" // or if it ended at most the grace days ago
)

// RefundTerms is how refunds of a batch's coupons go. The zero value keeps proportions, restores coupons that are still
// valid, and has no window and no approval.
type RefundTerms struct {
	Minimum    MinimumPolicy `json:"minimum,omitempty" enum:"keep,claw_back" doc:"What happens when a partial return breaks the coupon's minimum: what stays keeps its part of the discount, or the rest of it is kept back from the refund. Default keep."`
	Restore    RestorePolicy `json:"restore,omitempty" enum:"always,never,if_not_expired" doc:"Whether the coupon comes back when all that it discounted was returned. Default if_not_expired."`
	GraceDays  int           `json:"grace_days,omitempty" minimum:"0" maximum:"365" doc:"A coupon that was over when it came back can be used for so many days more; with if_not_expired it may have been over for so many at most."`
	WindowDays int           `json:"window_days,omitempty" minimum:"0" maximum:"3650" doc:"Refunds are accepted for so many days after the confirmation. 0: always."`
	// ApproveAbove and ApproveHours concern redemptions that Tearoff charged.
	ApproveAbove *int64 `json:"approve_above,omitempty" minimum:"0" doc:"When the refunds of a redemption come to more than so much, in minor units, the one that does waits for an admin's approval. Default: none does. Of several batches the lowest counts."`
	ApproveHours int    `json:"approve_hours,omitempty" minimum:"0" maximum:"8760" doc:"A refund that nobody has approved after so many hours is rejected. Default 72."`
}

// IsZero reports whether nothing is set.
func (t RefundTerms) IsZero() bool { return t == RefundTerms{} }

// DefaultApproveHours is how long an admin has to approve a refund.
const DefaultApproveHours = 72

// ApproveWithin is how long an admin has to approve a refund.
func (t RefundTerms) ApproveWithin() time.Duration {
	return time.Duration(cmp.Or(t.ApproveHours, DefaultApproveHours)) * time.Hour
}

// Restores says whether a coupon comes back at the instant when all that it discounted was returned, and until when it
// is valid then.
func (t RefundTerms) Restores(c Coupon, now Time) (until Time, back bool) {
	grace := time.Duration(t.GraceDays) * 24 * time.Hour
	switch {
	case t.Restore == RestoreNever:
		return c.ValidUntil, false
	case now.Before(c.ValidUntil):
		return c.ValidUntil, true
	case t.Restore != RestoreAlways && !now.Before(c.ValidUntil.Add(grace)):
		return c.ValidUntil, false
	default:
		return now.Add(grace), grace > 0
	}
}

// Refundable is a line, delivery or gift that can be given back.
type Refundable struct {
	Target   LineTarget
	LineID   string
	Quantity int64
	Amount   int64 // of all units, before coupons
}

// Refundables are the lines, deliveries and gifts of a redemption; gifts of one product are one.
func (c RedemptionContent) Refundables() []Refundable {
	var all []Refundable
	for _, l := range c.Cart.Lines {
		all = append(all, Refundable{TargetLine, l.LineID, l.Quantity, l.Quantity * l.UnitPrice})
	}
	for _, s := range c.Cart.Shipping {
		all = append(all, Refundable{TargetShipping, s.ID, 1, s.Amount})
	}
	for _, g := range c.Gifts {
		at := slices.IndexFunc(all, func(r Refundable) bool { return r.Target == TargetGift && r.LineID == g.ProductID })
		if at < 0 {
			at, all = len(all), append(all, Refundable{Target: TargetGift, LineID: g.ProductID})
		}
		all[at].Quantity += g.Quantity
		all[at].Amount += g.Quantity * g.UnitPrice
	}
	return all
}

// Kept are the lines, deliveries and gifts of which units are left after the returns.
func (c RedemptionContent) Kept(returns []RefundLine) []Refundable {
	var kept []Refundable
	for _, r := range c.Refundables() {
		for _, l := range returns {
			if l.Kind == RefundReturn && l.Target == r.Target && l.LineID == r.LineID {
				r.Quantity -= l.Quantity
			}
		}
		if r.Quantity > 0 {
			kept = append(kept, r)
		}
	}
	return kept
}
