package rules

import (
	"errors"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// PlanRefund works out the refund of the lines; none are all that is left. Errors are those of Refund.
func PlanRefund(basis models.RefundBasis, lines []models.ReturnedLine) (models.RefundPlan, error) {
	coupons, err := ClawBacks(basis.Offers)
	if err != nil {
		return models.RefundPlan{}, err
	}
	content := basis.Redemption.Content
	back, err := Refund(RefundInput{
		Content: content, Lines: basis.Lines, Before: basis.Before, Return: lines, Coupons: coupons, At: basis.Redemption.CreatedAt,
	})
	if err != nil {
		return models.RefundPlan{}, err
	}
	plan := models.RefundPlan{Amount: back.Amount, Lines: back.Lines}
	for _, c := range content.Coupons {
		refunded := models.RefundedCoupon{
			CouponID: c.CouponID, BatchID: c.BatchID, Amount: back.Budgets[c.CouponID], Finished: slices.Contains(back.Finished, c.CouponID),
		}
		if refunded.Amount > 0 || refunded.Finished {
			plan.Coupons = append(plan.Coupons, refunded)
		}
	}
	return plan, nil
}

// RefundInput is a redemption with what of it comes back.
type RefundInput struct {
	Content models.RedemptionContent
	Lines   []models.RedemptionLine // what each coupon took off, as it was stored
	Before  []models.RefundLine     // of the refunds that were not turned down, oldest first
	Return  []models.ReturnedLine   // empty: all that is left
	// Coupons are those of the redemption whose discount is clawed back when their minimum is no longer reached; At is when
	// it was priced.
	Coupons []Candidate
	At      models.Time
}

// Refunded is what a refund gives back.
type Refunded struct {
	Lines    []models.RefundLine
	Amount   int64            // to the customer: the sum of the lines, 0 or more
	Budgets  map[string]int64 // of the discount, by coupon: what its batch gets back
	Finished []string         // coupons all of whose lines have come back, with this refund, by id
}

// Refund divides what was paid, as it was allocated when the redemption was priced. Of a line of which q of Q units have come
// back altogether, at least the fraction q/Q of its discounts, rounded half up, has come back too, divided over the coupons
// by what each has left: so the last unit takes the remainder, and all units give exactly what was paid. A coupon whose
// minimum what stays no longer reaches, and that is among Coupons, loses the rest of its discount: that is kept back, and
// what can't be, because the refund would be less than nothing, is carried to the next one.
//
// Errors are *models.Error: CodeInvalidRequest for a line that the redemption hasn't, or that is named twice, and
// CodeNothingLeft.
func Refund(in RefundInput) (Refunded, error) {
	s := newSettlement(in)
	if err := s.take(in.Return); err != nil {
		return Refunded{}, err
	}
	s.giveBack()
	if err := s.clawBack(in); err != nil {
		return Refunded{}, err
	}
	return s.close(), nil
}

// ClawBacks are the candidates of those offers whose batches keep discounts back that are no longer deserved.
func ClawBacks(offers []models.Offer) ([]Candidate, error) {
	var all []Candidate
	for _, o := range offers {
		if o.Batch.Refunds.Minimum != models.MinimumClawBack {
			continue
		}
		c, err := candidate(o)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

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
		it.before += l.Quantity
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
		gross := fraction(it.Amount, it.before+it.now, it.Quantity) - fraction(it.Amount, it.before, it.Quantity)
		off, sum := s.part(it), int64(0)
		for _, n := range off {
			sum += n
		}
		if it.Target == models.TargetGift {
			gross = sum // it was never paid for
		}
		s.out.Lines = append(s.out.Lines, models.RefundLine{
			Kind: models.RefundReturn, Target: it.Target, LineID: it.LineID, Quantity: it.now, Amount: gross,
		})
		for n := range it.discounts {
			s.undo(models.RefundDiscount, &it.discounts[n], off[n])
		}
	}
}

// part is what of each discount comes back with the units that do.
func (s *settlement) part(it *refundItem) []int64 {
	var whole, left int64
	weights := make([]int64, len(it.discounts))
	for i, d := range it.discounts {
		if !s.clawed[d.CouponID] {
			whole, left, weights[i] = whole+d.Discount, left+d.left, d.left
		}
	}
	due := fraction(whole, it.before+it.now, it.Quantity) - (whole - left)
	return s.divider.spread(min(max(0, due), left), weights)
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

// clawBack undoes the discounts that what stays no longer deserves.
func (s *settlement) clawBack(in RefundInput) error {
	broken, err := s.broken(in)
	if err != nil {
		return err
	}
	for i := range s.items {
		for n := range s.items[i].discounts {
			if d := &s.items[i].discounts[n]; broken[d.CouponID] {
				s.undo(models.RefundClawBack, d, d.left)
			}
		}
	}
	return nil
}

// broken are the coupons whose minimum is no longer reached by what stays, judged together as they were used.
func (s *settlement) broken(in RefundInput) (map[string]bool, error) {
	rest := in.Content.Cart
	rest.Lines, rest.Shipping = nil, nil
	for _, l := range in.Content.Cart.Lines {
		it := s.items[s.find(models.TargetLine, l.LineID)]
		if l.Quantity = it.Quantity - it.before - it.now; l.Quantity > 0 {
			rest.Lines = append(rest.Lines, l)
		}
	}
	for _, d := range in.Content.Cart.Shipping {
		if it := s.items[s.find(models.TargetShipping, d.ID)]; it.before+it.now == 0 {
			rest.Shipping = append(rest.Shipping, d)
		}
	}
	broken := map[string]bool{}
	coupons := slices.DeleteFunc(slices.Clone(in.Coupons), func(c Candidate) bool { return s.clawed[c.CouponID] })
	for len(rest.Lines) > 0 && len(coupons) > 0 {
		_, err := Price(Checkout{Cart: rest, User: in.Content.User, At: in.At.Time}, coupons)
		if err == nil {
			break
		}
		var refusal *models.Error
		if !errors.As(err, &refusal) {
			return nil, err
		}
		at := slices.IndexFunc(coupons, func(c Candidate) bool { return c.CouponID == refusal.Params["coupon_id"] })
		if at < 0 {
			return nil, err
		}
		if refusal.Code == models.CodeMinimumNotReached || refusal.Code == models.CodeTooFewUnits {
			broken[coupons[at].CouponID] = true
		}
		coupons = slices.Delete(coupons, at, at+1)
	}
	return broken, nil
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
