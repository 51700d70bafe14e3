package models

// Participants says which participants of a redemption the caller's own Temporal workers serve. The zero value: none, all
// are Tearoff's.
type Participants struct {
	Order *Elsewhere `json:"order,omitempty"`
}

// Elsewhere is where a participant of the caller's own listens.
type Elsewhere struct {
	TaskQueue string `json:"task_queue"`
}

// Queue is the task queue of the branch's own worker; "" when Tearoff serves it.
func (p Participants) Queue(b Branch) string {
	if b == BranchOrder && p.Order != nil {
		return p.Order.TaskQueue
	}
	return ""
}
