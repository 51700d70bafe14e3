package models

import "slices"

// EntryKind says what happened. Every counter is the fold of the entries.
type EntryKind string

// The kinds of ledger entry.
const (
	EntryStocked    EntryKind = "stocked"  // quantity changed by Count; no coupon
	EntryCoded      EntryKind = "coded"    // the stock kept for single codes that are out changed by Count; no coupon
	EntryIssued     EntryKind = "issued"   // a user got a coupon; Amount is its face value
	EntryUnissued   EntryKind = "unissued" // an on_use Try was cancelled: the coupon is gone, its stock and limit are free
	EntryLocked     EntryKind = "locked"   // a redemption holds it for Amount
	EntryReleased   EntryKind = "released" // the redemption was cancelled
	EntryUsed       EntryKind = "used"     // the redemption was confirmed
	EntryRefunded   EntryKind = "refunded" // Amount was given back; may repeat
	EntryRestored   EntryKind = "restored" // the use was given back
	EntryRevoked    EntryKind = "revoked"
	EntryExpired    EntryKind = "expired"
	EntryAdjusted   EntryKind = "adjusted" // a hold's amount changed by Amount, or with 0 the validity of what it holds
	EntryImported   EntryKind = "imported"
	EntryUnexpired  EntryKind = "unexpired"  // one that was over can be used again
	EntryExtended   EntryKind = "extended"   // it is valid for longer; where a redemption holds it, that is adjusted by 0
	EntryReinstated EntryKind = "reinstated" // it was revoked, and is given back
	EntryLeft       EntryKind = "left"       // its user was merged into another; Count is StateCount of the state that it keeps
	EntryJoined     EntryKind = "joined"     // and this is the other, who has it from now on
	EntryCarried    EntryKind = "carried"    // with it went Count uses and Amount of a day of the user: less at the one, more at the other
	EntryCarriedOff EntryKind = "carriedoff" // and Amount of what was given back
	EntryOverrun    EntryKind = "overrun"    // the lock after it was accepted beyond caps or validity, on the caller's word, for Amount
)

// LedgerEntry is one thing that happened to a coupon or to a batch's stock. Entries are never changed. Both sequences
// rise under row locks, so they are gapless and in commit order.
type LedgerEntry struct {
	BatchID      string `gorm:"primaryKey"`
	BatchSeq     int64  `gorm:"primaryKey"`
	CouponID     *string
	CouponSeq    *int64
	UserID       *string
	Kind         EntryKind
	Count        int64
	Amount       int64
	Day          string // of the user's counter that moved with it; "" when none did
	RedemptionID *string
	RefundID     *string
	AuditID      *string // of the audit record that says who did it and why; nil: nobody's deed
	At           Time
}

// Apply folds the entry into the counters of its batch.
func (c *BatchCounter) Apply(e LedgerEntry) {
	c.LedgerSeq = e.BatchSeq
	stock := int64(0)
	switch e.Kind {
	case EntryStocked:
		stock = e.Count
	case EntryCoded:
		c.Coded += e.Count
		stock = -e.Count
	case EntryIssued, EntryImported:
		c.Issued += e.Count
		c.FaceAmount += e.Amount
		stock = -e.Count
	case EntryUnissued:
		c.Issued -= e.Count
		c.FaceAmount -= e.Amount
		stock = e.Count
	case EntryLocked, EntryReleased, EntryUsed, EntryRefunded, EntryRestored, EntryAdjusted, EntryRevoked, EntryExpired, EntryUnexpired, EntryExtended, EntryReinstated, EntryOverrun,
		EntryLeft, EntryJoined, EntryCarried, EntryCarriedOff:
		c.Usage.Apply(e)
	}
	if c.Quantity != nil {
		c.Remaining += stock
	}
}

// Apply folds an entry into what is reserved, used and given back.
func (u *Usage) Apply(e LedgerEntry) {
	switch e.Kind {
	case EntryLocked:
		u.ReservedCount += e.Count
		u.ReservedAmount += e.Amount
	case EntryReleased:
		u.ReservedCount -= e.Count
		u.ReservedAmount -= e.Amount
	case EntryAdjusted:
		u.ReservedAmount += e.Amount
	case EntryUsed:
		u.ReservedCount -= e.Count
		u.ReservedAmount -= e.Amount
		u.UsedCount += e.Count
		u.UsedAmount += e.Amount
	case EntryRefunded:
		u.RefundedAmount += e.Amount
	case EntryRestored:
		u.UsedCount -= e.Count
	case EntryCarried:
		u.UsedCount += e.Count
		u.UsedAmount += e.Amount
	case EntryCarriedOff:
		u.RefundedAmount += e.Amount
	case EntryStocked, EntryCoded, EntryIssued, EntryUnissued, EntryImported, EntryRevoked, EntryExpired, EntryUnexpired, EntryExtended,
		EntryReinstated, EntryOverrun, EntryLeft, EntryJoined:
	}
}

// After returns the state of a coupon after an entry of the kind; "" when the kind leaves it as it was.
func (k EntryKind) After() CouponState {
	switch k {
	case EntryIssued, EntryImported, EntryReleased, EntryRestored, EntryUnexpired, EntryExtended, EntryReinstated, EntryOverrun:
		return CouponAvailable
	case EntryLocked:
		return CouponLocked
	case EntryUsed:
		return CouponUsed
	case EntryRevoked:
		return CouponRevoked
	case EntryExpired:
		return CouponExpired
	case EntryStocked, EntryCoded, EntryUnissued, EntryRefunded, EntryAdjusted, EntryLeft, EntryJoined, EntryCarried, EntryCarriedOff:
		return ""
	}
	return ""
}

// movable are the states of coupons that can go over to another user, by their StateCount.
var movable = []CouponState{"", CouponAvailable, CouponUsed, CouponExpired, CouponRevoked}

// StateCount is how an entry of a coupon that goes over says in which state it does: from 1; 0 is one that can't.
func StateCount(s CouponState) int64 { return int64(max(0, slices.Index(movable, s))) }

// Moved is the state of a coupon that goes over, before and after it does; "" when that is not what the entry says.
func (e LedgerEntry) Moved() CouponState {
	if (e.Kind == EntryLeft || e.Kind == EntryJoined) && e.Count > 0 && e.Count < int64(len(movable)) {
		return movable[e.Count]
	}
	return ""
}
