package store

import "github.com/tearoff/tearoff/models"

// ownHold is what a hold has, seen by a query for its change.
type ownHold struct {
	hold    *models.Redemption // nil: the query is about none
	held    map[string]bool
	issued  map[string]string               // coupons by the code or the batch that they were issued for
	release map[string][]models.LedgerEntry // what giving them back would post, by batch
}

func ownHoldOf(hold *models.Redemption) ownHold {
	o := ownHold{hold: hold}
	if hold == nil {
		return o
	}
	o.held, o.issued, o.release = map[string]bool{}, map[string]string{}, map[string][]models.LedgerEntry{}
	for _, c := range hold.Content.Coupons {
		o.held[c.CouponID] = true
		if c.Issue {
			o.issued[models.CouponRef{BatchID: c.BatchID, Code: c.Code}.ID()] = c.CouponID
		}
		o.release[c.BatchID] = append(o.release[c.BatchID], models.LedgerEntry{Kind: models.EntryReleased, Count: 1, Amount: c.Amount})
	}
	return o
}

// ids are the coupons that were issued for the hold.
func (o ownHold) ids() []string {
	var ids []string
	for _, id := range o.issued {
		ids = append(ids, id)
	}
	return ids
}

// held returns the coupon that the hold has got by a code, or from a batch without one.
func (g *gathering) held(codeOrBatch string) (models.Coupon, bool) {
	id := g.own.issued[codeOrBatch]
	for i := range g.coupons {
		if id != "" && g.coupons[i].ID == id {
			return g.coupons[i], true
		}
	}
	return models.Coupon{}, false
}

// free judges the offer as if the hold had given back what it has. What it reserved on another day stays counted there.
func (o ownHold) free(offer *models.Offer) {
	if o.hold == nil {
		return
	}
	offer.Held = o.held[offer.Coupon.ID]
	counter, today := *offer.Counter, offer.Batch.Day(o.hold.CreatedAt) == offer.Batch.Day(offer.At)
	for _, e := range o.release[offer.Batch.ID] {
		counter.Usage.Apply(e)
		offer.User.Apply(e)
		if today {
			offer.UserDay.Apply(e)
		}
	}
	offer.Counter = &counter
}
