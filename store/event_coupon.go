package store

import "github.com/tearoff/tearoff/models"

// couponEvent is what is told of a ledger entry; "" for nothing. What a redemption locks and frees is told with the
// redemption, and amounts that were given back with the refund.
func couponEvent(kind models.EntryKind, source string) models.EventType {
	switch kind {
	case models.EntryIssued:
		if source == "claim" || source == "use" {
			return models.EventCouponClaimed
		}
		return models.EventCouponIssued
	case models.EntryImported:
		return models.EventCouponIssued
	case models.EntryUnissued:
		return models.EventCouponUnissued
	case models.EntryUsed:
		return models.EventCouponUsed
	case models.EntryRestored:
		return models.EventCouponRestored
	case models.EntryRevoked:
		return models.EventCouponRevoked
	case models.EntryExpired:
		return models.EventCouponExpired
	case models.EntryUnexpired, models.EntryReinstated:
		return models.EventCouponReinstated
	case models.EntryStocked, models.EntryLocked, models.EntryReleased, models.EntryRefunded, models.EntryAdjusted, models.EntryOverrun,
		models.EntryExtended, models.EntryCoded, models.EntryLeft, models.EntryJoined, models.EntryCarried, models.EntryCarriedOff:
	}
	return ""
}

// tell emits what a posted entry has made of its coupon.
func (b *books) tell(c *models.Coupon, e models.LedgerEntry) {
	kind, batch := couponEvent(e.Kind, c.Source), b.batches[c.BatchID]
	if kind == "" || batch == nil || !b.heard.hear(batch.MerchantID, kind) {
		return
	}
	b.tx.events = append(b.tx.events, models.Event{Type: kind, MerchantID: batch.MerchantID, Subject: c.ID, SubjectSeq: c.Seq}.With(models.NewCouponEvent(*c, e)))
}
