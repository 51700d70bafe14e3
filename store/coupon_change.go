package store

import (
	"cmp"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// change brings what the item has locked to what its content wants now, all or nothing: coupons that are in both are kept,
// and only their amounts are judged, when they rise. It returns what is locked then.
func (p *couponsBranch) change(it *item) (models.BranchResult, *models.Error, error) {
	now, err := p.tx.now()
	if err != nil {
		return models.BranchResult{}, nil, err
	}
	x := p.compare(it)
	for _, c := range it.row.Result.Coupons {
		if refusal := p.lost(it, c, models.EntryReleased); refusal != nil {
			return models.BranchResult{}, refusal.With("coupon_id", c.CouponID), nil
		}
	}
	d := p.books.newDraft(now)
	if refusal := p.draftChange(d, it, x); refusal != nil {
		return models.BranchResult{}, refusal, nil
	}
	for _, c := range x.dropped {
		p.free(it, c, now)
	}
	for _, k := range x.kept {
		if k.to != k.lock.Amount {
			e := p.entry(models.EntryAdjusted, it, k.lock, now)
			e.Count, e.Amount = 0, k.to-k.lock.Amount
			p.books.post(p.books.coupons[k.lock.CouponID], e)
		}
		k.lock.Amount = k.to
		x.result[k.at] = k.lock
	}
	locked, _ := p.postSteps(d, it)
	for i, c := range locked {
		x.result[x.added[i]] = c
	}
	return models.BranchResult{Coupons: x.result}, nil, nil
}

// exchange is what becomes of the coupons of a hold that changes.
type exchange struct {
	result  []models.LockedCoupon // in the order of the content, filled in as it is known
	dropped []models.LockedCoupon
	kept    []keptCoupon // falling amounts first: they make room for those that rise
	added   []int        // places in the content
}

// keptCoupon is one that stays locked, for the amount to, at a place in the content.
type keptCoupon struct {
	lock models.LockedCoupon
	to   int64
	at   int
}

func (p *couponsBranch) compare(it *item) exchange {
	want := it.Content.Coupons
	x := exchange{result: make([]models.LockedCoupon, len(want))}
	held := map[string]models.LockedCoupon{}
	for _, c := range it.row.Result.Coupons {
		held[c.CouponID] = c
	}
	for i, w := range want {
		if lock, kept := held[w.CouponID]; kept {
			x.kept = append(x.kept, keptCoupon{lock, w.Amount, i})
		} else {
			x.added = append(x.added, i)
		}
		delete(held, w.CouponID)
	}
	slices.SortStableFunc(x.kept, func(a, b keptCoupon) int { return cmp.Compare(a.to-a.lock.Amount, b.to-b.lock.Amount) })
	for _, c := range it.row.Result.Coupons {
		if _, dropped := held[c.CouponID]; dropped {
			x.dropped = append(x.dropped, c)
		}
	}
	return x
}

// draftChange judges the change. The numbers of issued coupons that are dropped are free from here on, for those that are
// added too; when it is refused, nothing of it counts.
func (p *couponsBranch) draftChange(d *draft, it *item, x exchange) *models.Error {
	for _, c := range x.dropped {
		d.release(it, c)
		if c.Issued {
			p.issuer.takeBack(p.books.coupons[c.CouponID])
		}
	}
	refusal := p.draftWanted(d, it, x)
	if refusal == nil {
		return nil
	}
	d.undo(p.issuer)
	for _, c := range x.dropped {
		if c.Issued {
			p.issuer.keep(p.books.coupons[c.CouponID])
		}
	}
	return refusal
}

func (p *couponsBranch) draftWanted(d *draft, it *item, x exchange) *models.Error {
	for _, k := range x.kept {
		if refusal := d.adjust(it, k); refusal != nil {
			return refusal.With("coupon_id", k.lock.CouponID)
		}
	}
	for _, at := range x.added {
		if refusal := p.plan(d, it, it.Content.Coupons[at]); refusal != nil {
			return nameIn(refusal, it.Content.Coupons[at])
		}
	}
	return nil
}

// retake locks the coupons of a content for an item that has lost them. With overrun neither caps nor the validity of
// coupons that are owned can refuse; the answer then says whether one would have.
func (p *couponsBranch) retake(it *item, content models.RedemptionContent, overrun bool) (models.BranchResult, bool, *models.Error, error) {
	now, err := p.tx.now()
	if err != nil {
		return models.BranchResult{}, false, nil, err
	}
	d := p.books.newDraft(now)
	d.overrun = overrun
	for _, want := range content.Coupons {
		if refusal := p.plan(d, it, want); refusal != nil {
			d.undo(p.issuer)
			return models.BranchResult{}, false, nameIn(refusal, want), nil
		}
	}
	locked, over := p.postSteps(d, it)
	return models.BranchResult{Coupons: locked}, over, nil, nil
}
