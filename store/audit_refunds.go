package store

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// compareRefunds checks that refunds give back no more than was paid and taken off, what ledger and order say of them, and
// that those under way are looked after.
func (a *auditor) compareRefunds(r auditedRedemption, s redemptionSlice) {
	audit := refundAudit{
		finding: a.about(3, r.ID), of: r, refunds: s.refunds[r.ID], content: s.contents[r.ID], discounts: s.lines[r.ID], ledger: s.booked[r.ID],
		booked: map[string]int64{},
	}
	if len(audit.refunds) > 0 && r.State != models.StateConfirmed {
		audit.differ("refunds", "none", len(audit.refunds))
	}
	for _, refund := range audit.refunds {
		audit.one(refund)
		if !refund.State.Released() {
			audit.counted = append(audit.counted, refund)
		}
	}
	audit.compareLines()
	audit.compareCoupons()
	audit.compareRestored()
	if r.Kind == models.KindOrchestrated && r.Participants.Order == nil && r.State == models.StateConfirmed {
		check(a.about(4, r.ID), "refunded by the order", audit.paidBack, s.orders[r.ID].Refunded)
	}
}

// refundAudit is the audit of a redemption's refunds.
type refundAudit struct {
	finding
	of        auditedRedemption
	content   models.RedemptionContent // empty when there are no refunds
	discounts []models.RedemptionLine
	ledger    booked
	refunds   []RefundRow
	counted   []RefundRow      // those that were not turned down
	booked    map[string]int64 // by coupon, what those that are booked give back to its budget
	paidBack  int64            // what those give the customer
}

// one checks a refund by itself.
func (a *refundAudit) one(r RefundRow) {
	check(a.finding, "amount of "+r.ID, sumOf(r.Lines, func(models.RefundLine) bool { return true }), r.Amount)
	var discount int64
	for _, c := range r.Coupons {
		discount += c.Amount
		ofCoupon := sumOf(r.Lines, func(l models.RefundLine) bool { return l.CouponID == c.CouponID })
		check(a.finding, "discount of "+c.CouponID+" in "+r.ID, -ofCoupon, c.Amount)
		if !r.BookedAt.IsZero() {
			a.booked[c.CouponID] += c.Amount
		}
	}
	check(a.finding, "discount of "+r.ID, discount, r.Discount)
	if r.Amount < 0 || r.Discount < 0 {
		a.differ("amounts of "+r.ID, "0 or more", fmt.Sprint(r.Amount, " and ", r.Discount))
	}
	done, booked := r.State == models.RefundDone || r.State == models.RefundBounced, !r.BookedAt.IsZero()
	if done && !booked || r.State.Released() && booked {
		a.differ("booked at, of "+r.ID+" in "+string(r.State), done, booked)
	}
	if booked {
		a.paidBack += r.Amount
	}
	if !r.State.Final() && r.DueAt.IsZero() {
		a.a.about(4, a.subject).differ("when the sweeper looks at "+r.ID, "an instant", "never")
	}
}

func sumOf(lines []models.RefundLine, counts func(models.RefundLine) bool) (sum int64) {
	for _, l := range lines {
		if counts(l) {
			sum += l.Amount
		}
	}
	return sum
}

// compareLines checks that of no line, delivery or gift more comes back than there was, and than was paid for it.
func (a *refundAudit) compareLines() {
	type name struct {
		target models.LineTarget
		lineID string
	}
	units, money, total := map[name]int64{}, map[name]int64{}, int64(0)
	for _, r := range a.counted {
		total += r.Amount
		for _, l := range r.Lines {
			if l.Kind != models.RefundCarry {
				units[name{l.Target, l.LineID}] += l.Quantity
				money[name{l.Target, l.LineID}] += l.Amount
			}
		}
	}
	a.atMost("given back", a.of.Payable, total)
	for _, of := range a.content.Refundables() {
		at, paid := name{of.Target, of.LineID}, of.Amount
		for _, d := range a.discounts {
			if d.Target == of.Target && d.LineID == of.LineID {
				paid -= d.Discount
			}
		}
		a.atMost(fmt.Sprintf("units given back of %s %s", at.target, at.lineID), of.Quantity, units[at])
		a.atMost(fmt.Sprintf("given back of %s %s", at.target, at.lineID), paid, money[at])
		delete(units, at)
	}
	for at := range units {
		a.differ("given back", "lines of the redemption", fmt.Sprintf("%s %s", at.target, at.lineID))
	}
}

func (a *refundAudit) atMost(what string, most, got int64) {
	if got > most {
		a.differ(what, fmt.Sprintf("at most %d", most), got)
	}
}

// compareCoupons checks that of no coupon's discount more goes back than it took off, and what the ledger has of it.
func (a *refundAudit) compareCoupons() {
	taken, back := map[string]int64{}, map[string]int64{}
	for _, d := range a.discounts {
		taken[d.CouponID] += d.Discount
	}
	for _, r := range a.counted {
		for _, c := range r.Coupons {
			back[c.CouponID] += c.Amount
		}
	}
	for _, id := range slices.Sorted(maps.Keys(back)) {
		a.atMost("discount given back of "+id, taken[id], back[id])
	}
	for _, id := range union(a.booked, a.ledger.refunded) {
		check(a.finding, "refunded by the ledger, of "+id, a.booked[id], a.ledger.refunded[id])
	}
}

// compareRestored checks that a coupon came back once, if all that it discounted was returned by refunds that are booked, one
// of them had decided that it should, and none has still to book a part of its discount.
func (a *refundAudit) compareRestored() {
	var returned []models.RefundLine
	due := map[string]int64{}
	for _, r := range a.counted {
		for _, c := range r.Coupons {
			if c.Restored && !r.BookedAt.IsZero() {
				due[c.CouponID] = 1
			}
		}
		if !r.BookedAt.IsZero() {
			returned = append(returned, r.Lines...)
		}
	}
	if len(due) > 0 {
		kept := a.content.Kept(returned)
		for _, d := range a.discounts {
			if slices.ContainsFunc(kept, func(k models.Refundable) bool { return k.Target == d.Target && k.LineID == d.LineID }) {
				delete(due, d.CouponID)
			}
		}
	}
	for _, r := range a.counted {
		for _, c := range r.Coupons {
			if r.BookedAt.IsZero() && c.Amount > 0 {
				delete(due, c.CouponID)
			}
		}
	}
	for _, id := range union(due, a.ledger.restored) {
		check(a.finding, "restored by the ledger, of "+id, due[id], a.ledger.restored[id])
	}
}

// union are the keys of both, in order.
func union(x, y map[string]int64) []string {
	return distinct(slices.AppendSeq(slices.Collect(maps.Keys(x)), maps.Keys(y)))
}
