package models

import "maps"

// AuditRecord says who did something that needs a reason.
type AuditRecord struct {
	ID      string `gorm:"primaryKey"`
	At      Time
	Actor   string // a key's id, or "cli"
	Action  string // "redemption.resolve", "batch.pause", …
	Subject string // the id it was done to
	Reason  string
	Detail  map[string]any `gorm:"serializer:json"`
}

// With returns the record with one detail more.
func (r AuditRecord) With(name string, value any) AuditRecord {
	r.Detail = maps.Clone(r.Detail)
	if r.Detail == nil {
		r.Detail = map[string]any{}
	}
	r.Detail[name] = value
	return r
}

// TableName implements gorm's naming.
func (AuditRecord) TableName() string { return "audit_log" }

// Difference is one place where the books don't agree. It is reported, never repaired.
type Difference struct {
	Invariant int    `json:"invariant"` // 1 to 5, as in docs/architecture.md
	Subject   string `json:"subject"`   // the id of the batch, coupon or redemption
	What      string `json:"what"`
	Want      string `json:"want"`
	Got       string `json:"got"`
}

// AuditMode is how much an audit reads.
type AuditMode string

// The modes of an audit.
const (
	AuditFull        AuditMode = "full"        // everything, from the first entry on
	AuditIncremental AuditMode = "incremental" // what was written since the last clean audit of each batch
)

// AuditReport is what an audit looked at and where the books don't agree.
type AuditReport struct {
	Mode        AuditMode     `json:"mode"`
	Batches     int           `json:"batches"`
	Entries     int64         `json:"entries"`
	Coupons     int64         `json:"coupons"`
	Redemptions int64         `json:"redemptions"`
	Differences []Difference  `json:"differences"`         // the first ones
	Truncated   int64         `json:"truncated,omitempty"` // how many more there were
	Found       map[int]int64 `json:"found,omitempty"`     // how many in all, by invariant
	TookMS      int64         `json:"took_ms"`
}

// Total is how many differences were found, listed or not.
func (r AuditReport) Total() int64 { return int64(len(r.Differences)) + r.Truncated }

// Add takes a difference in and lists it as long as there are fewer than limit.
func (r *AuditReport) Add(d Difference, limit int) {
	if r.Found == nil {
		r.Found = map[int]int64{}
	}
	r.Found[d.Invariant]++
	if len(r.Differences) < limit {
		r.Differences = append(r.Differences, d)
	} else {
		r.Truncated++
	}
}

// Merge takes in what another part of the same audit found, and lists at most limit differences.
func (r *AuditReport) Merge(o AuditReport, limit int) {
	r.Batches += o.Batches
	r.Entries += o.Entries
	r.Coupons += o.Coupons
	r.Redemptions += o.Redemptions
	r.TookMS += o.TookMS
	listed := o.Differences[:min(len(o.Differences), max(0, limit-len(r.Differences)))]
	r.Differences = append(r.Differences, listed...)
	r.Truncated += o.Truncated + int64(len(o.Differences)-len(listed))
	for _, invariant := range Invariants {
		if n := o.Found[invariant]; n > 0 {
			if r.Found == nil {
				r.Found = map[int]int64{}
			}
			r.Found[invariant] += n
		}
	}
}

// Invariants are the numbers of what an audit checks.
var Invariants = [...]int{1, 2, 3, 4, 5}

// AuditRun is one audit that has ended, as the store remembers it.
type AuditRun struct {
	ID      string `gorm:"primaryKey"`
	Mode    AuditMode
	EndedAt Time
	Report  AuditReport `gorm:"serializer:json"`
}

// AuditCheckpoint is up to where a batch was found clean. Only counters that agreed with their fold are ever kept.
type AuditCheckpoint struct {
	BatchID    string `gorm:"primaryKey"`
	LedgerSeq  int64
	PriorSeq   int64 // of the checkpoint before: redemptions of the entries between may have ended since
	Stocked    int64
	Issued     int64
	Coded      int64
	FaceAmount int64
	Usage      `gorm:"embedded"`
	At         Time
}
