package models

import "strings"

// Participants says which participants of a redemption the caller's own Temporal workers serve. The zero value: none, all
// are Tearoff's.
type Participants struct {
	Order   *Elsewhere `json:"order,omitempty"`
	Payment *Elsewhere `json:"payment,omitempty"`
}

// Elsewhere is where a participant of the caller's own listens.
type Elsewhere struct {
	TaskQueue string `json:"task_queue"`
}

// Queue is the task queue of the branch's own worker; "" when Tearoff serves it.
func (p Participants) Queue(b Branch) string {
	switch {
	case b == BranchOrder && p.Order != nil:
		return p.Order.TaskQueue
	case b == BranchPayment && p.Payment != nil:
		return p.Payment.TaskQueue
	default:
		return ""
	}
}

// PaidElsewhere reports whether the caller's own worker takes the payment: no provider of Tearoff's may be asked for it.
func (r *Redemption) PaidElsewhere() bool {
	return r.Payable > 0 && r.Content.Participants.Queue(BranchPayment) != ""
}

// ProviderCaller is the provider, in the store, of a payment that the caller's own worker takes. No real one has the name.
const ProviderCaller = "caller"

// ReferenceElsewhere is how the caller's own reference of a payment is stored. References are unique for each provider, and
// callers may use one again: for another redemption of the same order, or because another caller has it as well.
func ReferenceElsewhere(redemptionID, theirs string) string { return redemptionID + "/" + theirs }

// PublicReference is the reference as whoever takes the payment knows it; nil when they have not said.
func (p Payment) PublicReference() *string {
	if p.Provider != ProviderCaller || p.Reference == nil {
		return p.Reference
	}
	theirs := strings.TrimPrefix(*p.Reference, ReferenceElsewhere(p.RedemptionID, ""))
	if theirs == "" {
		return nil
	}
	return &theirs
}
