package store_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// What twins do with holds that change or run out.

// lapse lets a hold run out, as the sweeper would.
func (tw *twin) lapse(line string, opened []string) {
	tw.t.Helper()
	id := tw.id(strings.Fields(line)[1], opened)
	out, err := tw.s.CancelHolds(tw.t.Context(), []string{id})
	require.NoError(tw.t, err)
	if out[0].Err == nil {
		exec(tw.t, tw.s, "UPDATE redemptions SET outcome = 'hold_expired' WHERE id = ?", id)
	}
}

// look reads the holds that the block changes.
func (tw *twin) look(block []string) {
	tw.t.Helper()
	tw.before = map[string]models.Redemption{}
	if !slices.ContainsFunc(block, func(line string) bool { return strings.HasPrefix(line, "change") }) {
		return
	}
	for _, id := range tw.opened {
		if id != "" {
			r, err := tw.s.Redemption(tw.t.Context(), id)
			require.NoError(tw.t, err)
			tw.before[id] = r
		}
	}
}

// change plans what a hold is to become.
func (tw *twin) change(id string, words []string) store.HoldChange {
	hold := tw.before[id]
	p := tw.claimed.PlanFor(models.KindHold, hold.UserID)
	p.Redemption.Content.LimitKeys = hold.Content.LimitKeys
	for _, word := range words {
		name, amount, _ := strings.Cut(word, "=")
		if n, own := strings.CutPrefix(name, "own"); own {
			c := tw.own[tw.number(n)]
			p = tw.claimed.With(p, models.RedemptionCoupon{CouponID: c.ID, BatchID: c.BatchID})
		} else {
			p = tw.withCode(p, hold, tw.codes[tw.number(name[4:])])
		}
		if amount != "" {
			last, off := len(p.Lines)-1, int64(tw.number(amount))
			p.Redemption.Discount += off - p.Lines[last].Discount
			p.Redemption.Payable -= off - p.Lines[last].Discount
			p.Lines[last].Discount, p.Lines[last].PlatformShare = off, off
			p.Redemption.Content.Coupons[last].Amount = off
		}
	}
	return store.HoldChange{ID: id, Seq: hold.Seq, Plan: p}
}

// withCode adds the coupon that the hold has got by the code, or a new one.
func (tw *twin) withCode(p models.Plan, hold models.Redemption, code string) models.Plan {
	for _, c := range hold.Content.Coupons {
		if c.Code == code {
			return tw.issued.With(p, c)
		}
	}
	p = tw.issued.Issuing(p, tw.issued.batch.ID, code)
	tw.wanted++
	tw.names[p.Lines[len(p.Lines)-1].CouponID] = fmt.Sprint("issued", tw.wanted)
	return p
}

// nameIssued names the coupons that took the place of those that a hold had lost.
func (tw *twin) nameIssued(o store.OperationOutcome) {
	if o.Redemption == nil {
		return
	}
	r := o.Redemption.Redemption
	for n, c := range r.Content.Coupons {
		if c.Issue && tw.names[c.CouponID] == "" {
			tw.names[c.CouponID] = fmt.Sprint("again", slices.Index(tw.opened, r.ID), "-", n)
		}
	}
}
