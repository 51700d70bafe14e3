package models

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
	case EntryLocked, EntryReleased, EntryUsed, EntryRefunded, EntryRestored, EntryAdjusted, EntryRevoked, EntryExpired, EntryUnexpired, EntryExtended, EntryReinstated, EntryOverrun:
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
	case EntryStocked, EntryCoded, EntryIssued, EntryUnissued, EntryImported, EntryRevoked, EntryExpired, EntryUnexpired, EntryExtended,
		EntryReinstated, EntryOverrun:
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
	case EntryStocked, EntryCoded, EntryUnissued, EntryRefunded, EntryAdjusted:
		return ""
	}
	return ""
}
