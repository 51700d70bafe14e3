package rules

import (
	"slices"

	"github.com/tearoff/tearoff/models"
)

// settlement is a refund under way.
type settlement struct {
	items   []refundItem
	clawed  map[string]bool // coupons that have lost what was left of their discounts
	carried int64           // what earlier refunds could not keep back
	divider divider
	out     Refunded
}

// refundItem is a line, delivery or gift with what has come back of it.
type refundItem struct {
	models.Refundable
	before, now int64 // units
	gross       int64 // what came back for the units before, without discounts
	discounts   []discountLeft
}

// discountLeft is what of a coupon's discount on a line has not come back yet.
type discountLeft struct {
	models.RedemptionLine
	left, platform int64
}

func newSettlement(in RefundInput) *settlement {
	s := &settlement{clawed: map[string]bool{}, out: Refunded{Budgets: map[string]int64{}}}
	for _, r := range in.Content.Refundables() {
		s.items = append(s.items, refundItem{Refundable: r})
	}
	for _, l := range in.Lines {
		if at := s.find(l.Target, l.LineID); at >= 0 {
			s.items[at].discounts = append(s.items[at].discounts, discountLeft{l, l.Discount, l.PlatformShare})
		}
	}
	for _, l := range in.Before {
		if l.Kind == models.RefundCarry {
			s.carried += l.Amount
			continue
		}
		at := s.find(l.Target, l.LineID)
		if at < 0 {
			continue
		}
		it := &s.items[at]
		if it.before += l.Quantity; l.Kind == models.RefundReturn {
			it.gross += l.Amount
		}
		for i := range it.discounts {
			if d := &it.discounts[i]; d.CouponID == l.CouponID {
				d.left, d.platform = d.left+l.Amount, d.platform+l.PlatformShare
			}
		}
		s.clawed[l.CouponID] = s.clawed[l.CouponID] || l.Kind == models.RefundClawBack
	}
	return s
}

func (s *settlement) find(target models.LineTarget, lineID string) int {
	return slices.IndexFunc(s.items, func(i refundItem) bool { return i.Target == target && i.LineID == lineID })
}

// take notes what comes back.
func (s *settlement) take(lines []models.ReturnedLine) error {
	if len(lines) == 0 {
		return s.takeAll()
	}
	for _, l := range lines {
		if l.Target == "" {
			l.Target = models.TargetLine
		}
		at := s.find(l.Target, l.LineID)
		if at < 0 || s.items[at].now > 0 {
			return models.NewError(models.CodeInvalidRequest, "the redemption has no such line, or it is named twice").
				With("target", l.Target).With("line_id", l.LineID)
		}
		it := &s.items[at]
		left := it.Quantity - it.before
		if it.now = l.Quantity; it.now == 0 {
			it.now = left
		}
		if it.now > left || left == 0 {
			return models.NewError(models.CodeNothingLeft, "so much is not left to give back").
				With("target", l.Target).With("line_id", l.LineID).With("left", left)
		}
	}
	return nil
}

func (s *settlement) takeAll() error {
	var all int64
	for i := range s.items {
		it := &s.items[i]
		it.now = it.Quantity - it.before
		all += it.now
	}
	if all == 0 {
		return models.NewError(models.CodeNothingLeft, "all of it was given back before").With("left", 0)
	}
	return nil
}

// giveBack writes what comes back, with its part of the discounts.
func (s *settlement) giveBack() {
	for i := range s.items {
		it := &s.items[i]
		if it.now == 0 {
			continue
		}
		gross := it.due(it.Amount, it.Amount-it.gross)
		s.out.Lines = append(s.out.Lines, models.RefundLine{
			Kind: models.RefundReturn, Target: it.Target, LineID: it.LineID, Quantity: it.now, Amount: gross,
		})
		for n, off := range s.part(it, gross) {
			s.undo(models.RefundDiscount, &it.discounts[n], off)
		}
	}
}

// part is what of each discount comes back with the units that do. It is never more than their price: one that was turned
// down may have taken so little that its successor would take more than its units cost.
func (s *settlement) part(it *refundItem, gross int64) []int64 {
	var whole, left int64
	weights := make([]int64, len(it.discounts))
	for i, d := range it.discounts {
		if !s.clawed[d.CouponID] {
			whole, left, weights[i] = whole+d.Discount, left+d.left, d.left
		}
	}
	return s.divider.spread(min(it.due(whole, left), gross), weights)
}

// due is the part of an amount that comes back with the units that do, so that with those before it is the part of them
// all. left is what hasn't come back yet: when refunds between were turned down, that may be more or less than it was to be.
func (it *refundItem) due(whole, left int64) int64 {
	return max(0, fraction(whole, it.before+it.now, it.Quantity)-(whole-left))
}

// fraction returns amount × part ÷ whole, rounded half up.
func fraction(amount, part, whole int64) int64 {
	q, r := mulDiv(amount, part, whole)
	if 2*r >= uint64(whole) {
		q++
	}
	return q
}

// undo writes that so much of a discount is undone: the customer gets that much less, and the coupon's budget that much
// back.
func (s *settlement) undo(kind models.RefundLineKind, d *discountLeft, off int64) {
	if off == 0 {
		return
	}
	platform := fraction(d.platform, off, d.left)
	d.left, d.platform = d.left-off, d.platform-platform
	s.out.Budgets[d.CouponID] += off
	s.out.Lines = append(s.out.Lines, models.RefundLine{
		Kind: kind, Target: d.Target, LineID: d.LineID, CouponID: d.CouponID, Amount: -off, PlatformShare: -platform, MerchantShare: platform - off,
	})
}

// close carries what can't be kept back, and finds the coupons of which nothing is left.
func (s *settlement) close() Refunded {
	carry := func(amount int64) {
		if amount != 0 {
			s.out.Lines = append(s.out.Lines, models.RefundLine{Kind: models.RefundCarry, Amount: amount})
			s.out.Amount += amount
		}
	}
	for _, l := range s.out.Lines {
		s.out.Amount += l.Amount
	}
	carry(-s.carried)
	carry(max(0, -s.out.Amount))
	open, now := map[string]bool{}, map[string]bool{}
	for _, it := range s.items {
		for _, d := range it.discounts {
			open[d.CouponID] = open[d.CouponID] || it.before+it.now < it.Quantity
			now[d.CouponID] = now[d.CouponID] || it.now > 0
		}
	}
	for id := range now {
		if now[id] && !open[id] {
			s.out.Finished = append(s.out.Finished, id)
		}
	}
	slices.Sort(s.out.Finished)
	return s.out
}
