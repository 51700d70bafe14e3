package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tearoff/tearoff/models"
)

// settleLook is how long the sweeper leaves a refund alone whose bank is at work: its workflow asks by itself.
const settleLook = 12 * time.Hour

// refundDueAt is when the sweeper must look at a refund that nobody has moved since.
func (s *Store) refundDueAt(r models.Refund, now models.Time) models.Time {
	switch {
	case r.Wake:
		return now.Add(min(s.grace, wakeAfter))
	case r.State.Final() && !r.Recheck:
		return models.Time{}
	case r.State == models.RefundAwaiting:
		return r.Deadline.Add(s.grace)
	case r.State == models.RefundSettling:
		return now.Add(settleLook)
	default:
		return now.Add(s.grace)
	}
}

// lockRefund locks one row, or CodeNotFound.
func (tx *txn) lockRefund(id string) (*models.Refund, error) {
	r := new(models.Refund)
	err := tx.locked().Take(r, "id = ?", id).Error
	return r, notFound(err, "refund")
}

// withRefund runs fn on one locked refund and returns the row as fn left it.
func (s *Store) withRefund(ctx context.Context, id string, fn func(tx *txn, r *models.Refund) error) (models.Refund, error) {
	var after models.Refund
	err := s.tx(ctx, func(tx *txn) error {
		r, err := tx.lockRefund(id)
		if err != nil {
			return err
		}
		if err := fn(tx, r); err != nil {
			return err
		}
		after = *r
		return nil
	})
	return after, err
}

// saveRefund writes what may change of a locked refund.
func (tx *txn) saveRefund(r *models.Refund) error {
	now, err := tx.now()
	if err != nil {
		return err
	}
	from := r.Seq
	r.Seq, r.UpdatedAt, r.DueAt = from+1, now, tx.store.refundDueAt(*r, now)
	res := tx.Model(r).Where("seq = ?", from).Select("State", "Seq", "Provider", "Attempt", "Reference", "SentAt", "BookedAt", "Outcome",
		"Approval", "Resolution", "DueAt", "Wake", "Recheck", "Stuck", "StuckReason", "StuckSince", "UpdatedAt").UpdateColumns(r)
	if res.Error == nil && res.RowsAffected != 1 {
		return errors.New("store: a locked refund changed")
	}
	return res.Error
}

// moveRefund takes a locked refund to another state. A move that the state machine does not have is CodeStateConflict. A
// move proves that work goes on, so it clears the stuck flag.
func (tx *txn) moveRefund(r *models.Refund, to models.RefundState) error {
	if !r.State.CanMove(to) {
		return models.NewError(models.CodeStateConflict, "the refund's state does not allow this").With("state", r.State)
	}
	r.State, r.Wake = to, false
	unflagRefund(r)
	if err := tx.saveRefund(r); err != nil {
		return err
	}
	return tx.tellRefund(r)
}

func unflagRefund(r *models.Refund) { r.Stuck, r.StuckReason, r.StuckSince = false, nil, models.Time{} }

func (tx *txn) rejectRefund(r *models.Refund, why models.Code) error {
	r.Outcome = &why
	return tx.moveRefund(r, models.RefundRejected)
}

// DecideRefund stores an admin's decision and frees what a rejected refund had reserved. One that was approved can still be
// rejected until the provider is asked. The same decision again changes nothing; one that comes too late is CodeRefundDecided,
// or CodeApprovalExpired.
func (s *Store) DecideRefund(ctx context.Context, id string, a models.Approval) (models.Refund, error) {
	late := false
	r, err := s.withRefund(ctx, id, func(tx *txn, r *models.Refund) error {
		now, err := tx.now()
		if err != nil {
			return err
		}
		if r.Approval != nil {
			a.At = r.Approval.At
			if a == *r.Approval {
				return nil
			}
		}
		if late = a.Approved && r.Outcome != nil && *r.Outcome == models.CodeApprovalExpired; late {
			return nil // by us, if the answer of a COMMIT was lost
		}
		open := r.State == models.RefundAwaiting || (r.State == models.RefundApproved && !a.Approved && r.BookedAt.IsZero())
		if !open {
			return models.NewError(models.CodeRefundDecided, "the refund is decided").With("state", r.State)
		}
		if late = a.Approved && !now.Before(r.Deadline); late {
			return tx.rejectRefund(r, models.CodeApprovalExpired)
		}
		a.At = now
		r.Approval = &a
		if err := tx.auditRefund(r, models.AuditRecord{Actor: a.By, Action: "refund.decide", Reason: a.Reason}, "approved", a.Approved); err != nil {
			return err
		}
		if !a.Approved {
			return tx.rejectRefund(r, models.CodeRefundTurnedDown)
		}
		if err := tx.moveRefund(r, models.RefundApproved); err != nil {
			return err
		}
		r.Wake = true
		return tx.saveRefund(r)
	})
	if err == nil && late {
		err = models.NewError(models.CodeApprovalExpired, "the time to approve is over")
	}
	return r, err
}

// ExpireRefund rejects a refund that nobody has approved in time, by the store's clock.
func (s *Store) ExpireRefund(ctx context.Context, id string) (models.Refund, error) {
	return s.withRefund(ctx, id, func(tx *txn, r *models.Refund) error {
		now, err := tx.now()
		if err != nil || now.Before(r.Deadline) || r.State != models.RefundAwaiting {
			return err
		}
		return tx.rejectRefund(r, models.CodeApprovalExpired)
	})
}

// WithdrawRefund rejects a refund that waits for an approval, because its caller does not want it any more. One that is
// further on stays as it is.
func (s *Store) WithdrawRefund(ctx context.Context, id string) (models.Refund, error) {
	return s.withRefund(ctx, id, func(tx *txn, r *models.Refund) error {
		if r.State != models.RefundAwaiting {
			return nil
		}
		return tx.rejectRefund(r, models.CodeCancelledBy)
	})
}

// MarkRefundStuck flags a refund that doesn't get on in the state it was seen in. It keeps the first instant; one that has
// moved since is left alone. To ask the provider is one step that begins APPROVED and is PAYING while it lasts.
func (s *Store) MarkRefundStuck(ctx context.Context, id string, seen models.RefundState, reason string) (models.Refund, error) {
	return s.withRefund(ctx, id, func(tx *txn, r *models.Refund) error {
		asking := seen == models.RefundApproved && r.State == models.RefundPaying
		if (r.State != seen && !asking) || (r.State.Final() && !r.Recheck) {
			return nil
		}
		return tx.flagRefund(r, reason)
	})
}

func (tx *txn) flagRefund(r *models.Refund, reason string) error {
	now, err := tx.now()
	if err != nil {
		return err
	}
	again := r.Stuck
	if !again {
		r.Stuck, r.StuckSince = true, now
	}
	reason = strings.ToValidUTF8(reason[:min(len(reason), 500)], "") // the cut may be inside a character
	r.StuckReason = &reason
	if err := tx.saveRefund(r); err != nil || again {
		return err
	}
	return tx.tellRefund(r)
}

// RetryRefund makes the driver try again: a refund whose money came back is paid anew, one that is done is asked about, and
// for any other one the driver is woken. The record says who wanted that, and why.
func (s *Store) RetryRefund(ctx context.Context, id string, record models.AuditRecord) (models.Refund, error) {
	return s.withRefund(ctx, id, func(tx *txn, r *models.Refund) error {
		if err := tx.auditRefund(r, record, "attempt", r.Attempt); err != nil {
			return err
		}
		switch {
		case r.State == models.RefundBounced:
			r.Attempt++
			r.Reference, r.SentAt, r.Outcome, r.Resolution = nil, models.Time{}, nil, nil // a decision was about the attempt before
			if err := tx.moveRefund(r, models.RefundApproved); err != nil {
				return err
			}
		case r.State == models.RefundDone && r.Reference == nil, r.State == models.RefundRejected:
			return models.NewError(models.CodeRefundDecided, "the refund is decided").With("state", r.State)
		case r.State.Final():
			r.Recheck = true
		}
		r.Wake = true
		return tx.saveRefund(r)
	})
}

// ResolveRefund stores an operator's decision about a refund that is being paid; a driver carries it out. The money of one
// that has bounced can only be given back by other means, which ends it at once; and a flag at the end can be taken back. What
// could never be carried out is CodeResolveNotPossible and stores nothing; neither does the same decision again.
func (s *Store) ResolveRefund(ctx context.Context, id string, decision models.Resolution) (models.Refund, error) {
	return s.withRefund(ctx, id, func(tx *txn, r *models.Refund) error {
		if r.Resolution != nil {
			decision.At = r.Resolution.At
			if decision == *r.Resolution && (!r.Stuck || !r.State.Final()) {
				return nil
			}
		}
		var err error
		if decision.At, err = tx.now(); err != nil {
			return err
		}
		record := models.AuditRecord{Actor: decision.By, Action: "refund.resolve", Reason: decision.Reason}
		if err := tx.auditRefund(r, record, "decision", decision.Action); err != nil {
			return err
		}
		return tx.resolveRefund(r, decision)
	})
}

func (tx *txn) resolveRefund(r *models.Refund, decision models.Resolution) error {
	no := func(why string) error {
		return models.NewError(models.CodeResolveNotPossible, why).With("state", r.State)
	}
	byHand := decision.WriteOff && decision.Action == models.ResolveConfirm
	givenUp := decision.WriteOff && decision.Action == models.ResolveCancel
	switch {
	case r.State == models.RefundBounced && byHand:
		r.Resolution = &decision
		return tx.moveRefund(r, models.RefundDone)
	case r.State == models.RefundBounced:
		return no("the refund is booked: retry it, or confirm with write_off that the customer has the money")
	case r.Stuck && ((r.State == models.RefundDone && byHand) || (r.State.Released() && givenUp)):
		r.Resolution = &decision
		unflagRefund(r)
		return tx.saveRefund(r)
	case r.State != models.RefundPaying && r.State != models.RefundSettling:
		return no("nothing is open at the provider")
	case !r.BookedAt.IsZero() && decision.Action == models.ResolveCancel:
		return no("the refund is booked: the money is owed")
	}
	r.Resolution, r.Wake = &decision, true
	return tx.saveRefund(r)
}

// auditRefund appends who did what to a refund, and what it was before.
func (tx *txn) auditRefund(r *models.Refund, record models.AuditRecord, name string, value any) error {
	record.Subject, record.Detail = r.ID, map[string]any{"state": r.State, name: value}
	return tx.audit(record)
}
