package models

import "time"

// BatchLife says when somebody has to look after a batch next. It is not needed for what holds of the batch: windows are
// judged by the clock whenever they count.
type BatchLife struct {
	BatchID string `gorm:"primaryKey"`
	DueAt   Time   // zero: nothing is left to do
	Wake    bool   // something changed that a running workflow may not have heard of
	Seq     int64
}

// TableName implements gorm's naming.
func (BatchLife) TableName() string { return "batch_lives" }

// The bounds of how long nobody looks after a batch that has coupons, or can get some. Coupons whose validity ends one by
// one are expired together, at most an hour late.
const (
	LookAtBatchAfter  = time.Hour
	LookAtBatchWithin = 24 * time.Hour
)

// NextInstant is the first instant after now at which something about the batch changes by itself, and what; zero for
// none.
func (b Batch) NextInstant(now Time) (at Time, what string) {
	tagFrom, tagUntil := b.TagWindow()
	for _, i := range []struct {
		at   Time
		what string
	}{
		{b.ClaimFrom, "claiming begins"}, {b.ClaimUntil, "claiming ends"}, {b.ValidFrom, "coupons become valid"},
		{b.ValidUntil, "the validity ends"}, {tagFrom, "products are tagged"}, {tagUntil, "products are untagged"},
	} {
		if i.at.After(now) && (at.IsZero() || i.at.Before(at)) {
			at, what = i.at, i.what
		}
	}
	return at, what
}
