package models

// CodeJobState is where the making of many codes is.
type CodeJobState string

// The states of a code job. Codes that are made stay, however the job ends.
const (
	CodeJobRunning   CodeJobState = "RUNNING"
	CodeJobDone      CodeJobState = "DONE"
	CodeJobCancelled CodeJobState = "CANCELLED"
	CodeJobFailed    CodeJobState = "FAILED" // CodeJob.Outcome says why
)

// CodeJob makes Count codes of a batch by its CodeTerms, slice by slice. With single codes the stock for all of them is
// kept from the start; what is not made when the job ends is given back.
type CodeJob struct {
	ID         string `gorm:"primaryKey"`
	BatchID    string
	State      CodeJobState
	Refill     bool // made by itself, at low water
	Count      int64
	Made       int64
	Label      string // of its codes, as are the next three
	MaxUses    *int64
	ValidFrom  Time
	ValidUntil Time
	Outcome    *Code // why it failed; nil unless FAILED
	Caller     string
	IdemKey    *string // of the caller; nil: none
	DueAt      Time    // when the sweeper looks after it; zero once it has ended
	Seq        int64
	CreatedAt  Time
	UpdatedAt  Time
}

// Left is how many codes are still to be made: 0 once the job has ended.
func (j CodeJob) Left() int64 {
	if j.State != CodeJobRunning {
		return 0
	}
	return j.Count - j.Made
}

// SameRequest reports whether two jobs were asked for in the same words.
func (j CodeJob) SameRequest(o CodeJob) bool {
	bounds := (j.MaxUses == nil) == (o.MaxUses == nil) && (j.MaxUses == nil || *j.MaxUses == *o.MaxUses)
	return bounds && j.BatchID == o.BatchID && j.Count == o.Count && j.Label == o.Label && j.Refill == o.Refill &&
		j.ValidFrom.Equal(o.ValidFrom.Time) && j.ValidUntil.Equal(o.ValidUntil.Time)
}
