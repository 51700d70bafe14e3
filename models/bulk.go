package models

import "slices"

// BulkKind is what is done to many coupons of a batch.
type BulkKind string

// The kinds of bulk change.
const (
	BulkExtend BulkKind = "extend"
	BulkRevoke BulkKind = "revoke"
)

// BulkState is how far a bulk change is.
type BulkState string

// The states of a bulk change. A stopped one has changed what it counts and no more.
const (
	BulkRunning BulkState = "RUNNING"
	BulkDone    BulkState = "DONE"
	BulkStopped BulkState = "STOPPED"
)

// BulkChange extends or revokes the coupons that a batch had when it was asked for, slice by slice in the order in which
// the ledger issued them: no coupon is met twice, and those issued later are left alone.
type BulkChange struct {
	ID        string `gorm:"primaryKey"`
	BatchID   string
	Kind      BulkKind
	State     BulkState
	Terms     BulkTerms `gorm:"serializer:json"`
	AuditID   string    // of the record that says who asked for it and why
	UpTo      int64     // the batch's ledger as it was then
	Done      int64     // of those entries; the next slice goes on there
	Changed   int64     // coupons
	Skipped   BulkCount `gorm:"serializer:json"`
	Seq       int64
	DueAt     Time // when the sweeper looks after it; zero: it has ended
	CreatedAt Time
	EndedAt   Time
}

// BulkCount counts coupons by the state that they were left in.
type BulkCount map[CouponState]int64

// BulkTerms say what a bulk change does, and to which coupons. Of an extension, Until or Seconds is set.
type BulkTerms struct {
	Until       Time     `json:"until,omitzero"`        // valid until then; never shortens
	Seconds     int64    `json:"seconds,omitempty"`     // valid for so much longer
	Expired     bool     `json:"expired,omitempty"`     // extend also those that are over, if that makes them valid again
	Code        string   `json:"code,omitempty"`        // key of the code that they were got by. "": any
	Sources     []string `json:"sources,omitempty"`     // how they were got: claim, use, admin, … Empty: any
	IssuedFrom  Time     `json:"issued_from,omitzero"`  // zero: from the first
	IssuedUntil Time     `json:"issued_until,omitzero"` // excluded; zero: to the last
}

// Covers reports whether the coupon is one that the change is about, whatever its state.
func (t BulkTerms) Covers(c Coupon) bool {
	return (t.Code == "" || c.CodeKey != nil && *c.CodeKey == t.Code) &&
		(len(t.Sources) == 0 || slices.Contains(t.Sources, c.Source)) &&
		!c.CreatedAt.Before(t.IssuedFrom) && (t.IssuedUntil.IsZero() || c.CreatedAt.Before(t.IssuedUntil))
}

// Reaches reports whether the change can do something to a coupon in the state.
func (c BulkChange) Reaches(state CouponState) bool {
	switch state {
	case CouponAvailable:
		return true
	case CouponLocked:
		return c.Kind == BulkExtend
	case CouponExpired:
		return c.Kind == BulkExtend && c.Terms.Expired
	case CouponUsed, CouponRevoked:
	}
	return false
}
