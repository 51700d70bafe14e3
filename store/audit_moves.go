package store

import (
	"slices"

	"github.com/tearoff/tearoff/models"
)

// move is what an entry does to its coupon. The redemption of a locked or used coupon is that of the entry, before and
// after. "" is no coupon.
type move struct{ before, after models.CouponState }

var moves = map[models.EntryKind]move{
	models.EntryIssued:   {"", models.CouponAvailable},
	models.EntryImported: {"", models.CouponAvailable},
	models.EntryUnissued: {models.CouponAvailable, ""},
	models.EntryLocked:   {models.CouponAvailable, models.CouponLocked},
	models.EntryReleased: {models.CouponLocked, models.CouponAvailable},
	models.EntryUsed:     {models.CouponLocked, models.CouponUsed},
	models.EntryAdjusted: {models.CouponLocked, models.CouponLocked},
	models.EntryRefunded: {models.CouponUsed, models.CouponUsed},
	models.EntryRestored: {models.CouponUsed, models.CouponAvailable},
	models.EntryRevoked:  {models.CouponAvailable, models.CouponRevoked},
	models.EntryExpired:  {models.CouponAvailable, models.CouponExpired},

	models.EntryUnexpired:  {models.CouponExpired, models.CouponAvailable},
	models.EntryExtended:   {models.CouponAvailable, models.CouponAvailable},
	models.EntryReinstated: {models.CouponRevoked, models.CouponAvailable},
	models.EntryOverrun:    {models.CouponAvailable, models.CouponAvailable},
}

// moveOf is what the entry does to its coupon; known is false for a kind that nobody knows. A coupon that goes over to another
// user ends at the one and begins at the other.
func moveOf(e *models.LedgerEntry) (m move, known bool) {
	switch state := e.Moved(); {
	case e.Kind == models.EntryLeft && state != "":
		return move{state, ""}, true
	case e.Kind == models.EntryJoined && state != "":
		return move{"", state}, true
	}
	m, known = moves[e.Kind]
	return m, known
}

// carries reports whether the entry is about users alone, though it names a coupon.
func carries(kind models.EntryKind) bool {
	return kind == models.EntryCarried || kind == models.EntryCarriedOff
}

// foldCoupon checks the coupon's own sequence and keeps its newest entry that set a state.
func (a *auditor) foldCoupon(coupons map[string]models.LedgerEntry, e models.LedgerEntry) {
	before, known := coupons[*e.CouponID]
	want := int64(1)
	if known {
		want = *before.CouponSeq + 1
	}
	check(a.about(2, *e.CouponID), "next entry of the coupon", want, *e.CouponSeq)
	if !known {
		before.Kind = noEntry
	}
	if !slices.Contains(allowedBefore[e.Kind], before.Kind) {
		a.about(2, *e.CouponID).differ("entry before "+string(e.Kind), allowedBefore[e.Kind], before.Kind)
	}
	if known && slices.Contains(ofHolder, e.Kind) && deref(before.RedemptionID) != deref(e.RedemptionID) {
		a.about(2, *e.CouponID).differ(string(e.Kind)+" by", deref(before.RedemptionID), deref(e.RedemptionID))
	}
	if e.Kind.After() == "" && e.Kind != models.EntryUnissued && known { // a change of amount: the state before it stays the newest
		e.Kind, e.RedemptionID = before.Kind, before.RedemptionID
	}
	coupons[*e.CouponID] = e
}

// ofHolder are the kinds of entry that belong to the redemption of the entry before.
var ofHolder = []models.EntryKind{
	models.EntryUsed, models.EntryReleased, models.EntryAdjusted, models.EntryRefunded, models.EntryRestored, models.EntryUnissued,
}

// noEntry stands before a coupon's first entry.
const noEntry models.EntryKind = "none"

// allowedBefore lists, for each kind of entry, what the coupon's state-setting entry before it may be. Nothing comes after
// unissued, which only a cancelled use can be.
var allowedBefore = func() map[models.EntryKind][]models.EntryKind {
	first := []models.EntryKind{noEntry}
	free := []models.EntryKind{
		models.EntryIssued, models.EntryImported, models.EntryReleased, models.EntryRestored, models.EntryUnexpired, models.EntryOverrun,
		models.EntryExtended, models.EntryReinstated,
	}
	locked := []models.EntryKind{models.EntryLocked}
	used := []models.EntryKind{models.EntryUsed}
	settled := slices.Concat(free, used, []models.EntryKind{models.EntryExpired, models.EntryRevoked})
	return map[models.EntryKind][]models.EntryKind{
		models.EntryLeft: settled, models.EntryJoined: settled,
		models.EntryIssued: first, models.EntryImported: first,
		models.EntryLocked: free, models.EntryRevoked: free, models.EntryExpired: free,
		models.EntryReleased: locked, models.EntryUsed: locked, models.EntryAdjusted: locked,
		models.EntryRefunded: used, models.EntryRestored: used, models.EntryUnissued: {models.EntryReleased},
		models.EntryUnexpired: {models.EntryExpired}, models.EntryOverrun: free, models.EntryExtended: free,
		models.EntryReinstated: {models.EntryRevoked},
	}
}()
