package models

import (
	"slices"
	"time"
)

// DistributionState is where a distribution is in its life.
type DistributionState string

// The states. Until DistributionMaterialising has ended, Size grows; from then on it is how many users there are.
const (
	DistributionScheduled     DistributionState = "SCHEDULED"     // written; waits for StartAt
	DistributionMaterialising DistributionState = "MATERIALISING" // the audience is being written down
	DistributionRunning       DistributionState = "RUNNING"       // coupons are given out
	DistributionPaused        DistributionState = "PAUSED"        // until somebody resumes or cancels it
	DistributionCancelled     DistributionState = "CANCELLED"     // who has a coupon keeps it
	DistributionDone          DistributionState = "DONE"          // every user was judged
)

// Final reports whether nothing will happen any more.
func (s DistributionState) Final() bool {
	return s == DistributionCancelled || s == DistributionDone
}

// CanMove reports whether a distribution may go from s to the state.
func (s DistributionState) CanMove(to DistributionState) bool {
	return slices.Contains(distributionMoves[s], to)
}

var distributionMoves = map[DistributionState][]DistributionState{
	DistributionScheduled:     {DistributionMaterialising, DistributionRunning, DistributionPaused, DistributionCancelled},
	DistributionMaterialising: {DistributionRunning, DistributionPaused, DistributionCancelled},
	DistributionRunning:       {DistributionDone, DistributionPaused, DistributionCancelled},
	DistributionPaused:        {DistributionScheduled, DistributionMaterialising, DistributionRunning, DistributionCancelled},
}

// Distribution gives each user of an audience one coupon of a batch. The audience is written down first, and then judged in
// order: Next users are done, and each of them is counted in Issued, Skipped or Failed.
type Distribution struct {
	ID             string `gorm:"primaryKey"`
	MerchantID     string
	BatchID        string
	AudienceID     *string // nil: the users were named when it was created
	Caller         string
	IdemKey        *string // nil: none was sent
	Fingerprint    string  // of the request
	State          DistributionState
	DryRun         bool    // judge and count, but give nothing
	PerSecond      int64   // the most coupons a second; 0: as fast as it goes
	TemplateID     *string // of the message to those who get a coupon; nil: none is sent
	StartAt        Time    // zero: at once
	Size           int64   // users written down so far
	Complete       bool    // all of them are
	AudienceCursor string  // up to where the audience is written down
	Next           int64   // the position of the first user who is not judged; positions begin with 0
	Issued         int64   // of a dry run: that would be
	Skipped        int64
	Failed         int64          // users for whom something failed on our side
	SkippedBy      map[Code]int64 `gorm:"serializer:json"` // Skipped by reason
	Seq            int64
	DueAt          Time // when the sweeper must look; zero: never
	Wake           bool // something changed that the workflow may not have heard of
	CreatedAt      Time
	StartedAt      Time // zero: not yet
	EndedAt        Time // zero: not yet
	UpdatedAt      Time
}

// Stage is the state of a distribution that works: where it goes on when it is resumed.
func (d Distribution) Stage() DistributionState {
	switch {
	case d.StartedAt.IsZero():
		return DistributionScheduled
	case !d.Complete:
		return DistributionMaterialising
	default:
		return DistributionRunning
	}
}

// Left is how long the rest takes at the pace so far; 0 when that isn't known or nothing is left.
func (d Distribution) Left(now Time) time.Duration {
	rate := d.Pace(now)
	if rate == 0 || d.State != DistributionRunning {
		return 0
	}
	return time.Duration(float64(d.Size-d.Next) / rate * float64(time.Second)).Round(time.Second)
}

// Pace is how many users a second were judged since the start, pauses included.
func (d Distribution) Pace(now Time) float64 {
	if !d.EndedAt.IsZero() {
		now = d.EndedAt
	}
	took := now.Sub(d.StartedAt.Time)
	if d.StartedAt.IsZero() || took <= 0 {
		return 0
	}
	return float64(d.Next) / took.Seconds()
}

// SourcePrefix is what the source keys of all coupons of the distribution begin with, and of no other.
func (d Distribution) SourcePrefix() string { return Hash("distribution", d.ID)[:24] + "-" }

// SourceKey is the source key of the user's coupon. Keys sort as users do: where an audience is written down in the order of
// its users, their index entries are neighbours, which makes a million inserts several times as fast as with hashes.
func (d Distribution) SourceKey(userID string) string {
	if HasPrefix(userID, PrefixUser) {
		return d.SourcePrefix() + userID[len(PrefixUser)+1:]
	}
	return d.SourcePrefix() + Hash(userID)[:26]
}

// DistributionMember is a user to whom a distribution gives a coupon.
type DistributionMember struct {
	DistributionID string  `gorm:"primaryKey"`
	Pos            int64   `gorm:"primaryKey"` // from 0, without gaps
	UserID         *string // nil: the audience names somebody whom we don't know
}

// DistributionSkip is a user who got nothing, and why.
type DistributionSkip struct {
	DistributionID string `gorm:"primaryKey"`
	Pos            int64  `gorm:"primaryKey"`
	UserID         *string
	Reason         Code // CodeInternal: something failed on our side
}

// DistributionEvent is the data of distribution events.
type DistributionEvent struct {
	DistributionID string            `json:"distribution_id"`
	BatchID        string            `json:"batch_id"`
	State          DistributionState `json:"state"`
	Size           int64             `json:"size"` // users written down so far
	Issued         int64             `json:"issued"`
	Skipped        int64             `json:"skipped"`
	Failed         int64             `json:"failed"`
}

// Event tells of the distribution as it is now.
func (d Distribution) Event(kind EventType) Event {
	return Event{Type: kind, MerchantID: d.MerchantID, Subject: d.ID, SubjectSeq: d.Seq}.With(DistributionEvent{
		DistributionID: d.ID, BatchID: d.BatchID, State: d.State, Size: d.Size, Issued: d.Issued, Skipped: d.Skipped, Failed: d.Failed,
	})
}
