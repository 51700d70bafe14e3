package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// RefundStep is one step of paying a refund with all that the next call to the provider needs.
type RefundStep struct {
	Refund  models.Refund
	Payment models.Payment // whose money it is; the zero value if nothing is to be paid
	Proceed bool           // the call to the provider may be made
	Resent  bool           // with Proceed: it was made before, and its answer is not known
}

// RefundStepOf returns how far a refund has come, or CodeNotFound.
func (s *Store) RefundStepOf(ctx context.Context, id string) (step RefundStep, err error) {
	db := s.db.WithContext(ctx)
	if err := db.Take(&step.Refund, "id = ?", id).Error; err != nil {
		return step, notFound(err, "refund")
	}
	var found []models.Payment
	err = db.Find(&found, "redemption_id = ?", step.Refund.RedemptionID).Error
	if len(found) > 0 {
		step.Payment = found[0]
	}
	return step, asError(err)
}

// BeginRefund writes the intent to ask the provider for the refund's money. It proceeds while the answer isn't known. With no
// money to give back, or none that was charged, the refund is PAID at once.
func (s *Store) BeginRefund(ctx context.Context, id, provider string) (RefundStep, error) {
	step, err := s.RefundStepOf(ctx, id)
	if err != nil {
		return step, err
	}
	step.Refund, err = s.withRefund(ctx, id, func(tx *txn, r *models.Refund) error {
		step.Proceed, step.Resent = r.State == models.RefundPaying, r.State == models.RefundPaying
		if r.State != models.RefundApproved {
			return nil
		}
		if r.Amount == 0 {
			return tx.moveRefund(r, models.RefundPaid)
		}
		if step.Payment.State == models.PaymentWrittenOff {
			r.Outcome = new(models.CodeNotCharged)
			return tx.moveRefund(r, models.RefundPaid)
		}
		if step.Payment.Reference == nil {
			return models.NewError(models.CodeBranchMissing, "the payment of a confirmed redemption has no reference")
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		r.SentAt, r.Provider, step.Proceed = now, provider, true
		return tx.moveRefund(r, models.RefundPaying)
	})
	return step, err
}

// RefundAnswer is what the provider definitively said of a refund.
type RefundAnswer struct {
	Attempt   int // the attempt that was asked for
	Reference string
	State     models.ProviderRefundState
}

// RecordRefund stores the provider's answer to an attempt: SETTLING, PAID, or FAILED, which frees what was reserved. One that
// is booked can only bounce: it stays reserved, and is flagged, because the customer is still owed. An answer about another
// attempt changes nothing.
func (s *Store) RecordRefund(ctx context.Context, id string, a RefundAnswer) (models.Refund, error) {
	return s.withRefund(ctx, id, func(tx *txn, r *models.Refund) error {
		if a.Attempt != r.Attempt {
			return nil
		}
		if a.Reference != "" {
			r.Reference = &a.Reference
		}
		r.Recheck = false
		if r.State != models.RefundBounced {
			r.Stuck, r.StuckReason, r.StuckSince = false, nil, models.Time{}
		}
		switch {
		case a.State == models.ProviderRefundFailed:
			return tx.failRefund(r)
		case r.State.Released() && a.State == models.ProviderRefundSucceeded:
			return tx.flagRefund(r, "the provider has paid it although it was given up: the customer may have the money twice")
		case r.State == models.RefundPaying && a.State == models.ProviderRefundPending:
			return tx.moveRefund(r, models.RefundSettling)
		case (r.State == models.RefundPaying || r.State == models.RefundSettling) && a.State == models.ProviderRefundSucceeded:
			return tx.moveRefund(r, models.RefundPaid)
		default:
			return tx.saveRefund(r)
		}
	})
}

// failRefund ends a refund that the provider won't pay.
func (tx *txn) failRefund(r *models.Refund) error {
	if r.State.Released() || r.State == models.RefundBounced {
		return tx.saveRefund(r)
	}
	if r.BookedAt.IsZero() {
		r.Outcome = new(models.CodePaymentRefused)
		return tx.moveRefund(r, models.RefundFailed)
	}
	if err := tx.moveRefund(r, models.RefundBounced); err != nil {
		return err
	}
	return tx.flagRefund(r, "the customer's bank has sent the money back: retry, or give it back by other means and resolve")
}

// WriteOffRefund carries out an operator's decision without the provider's answer: the customer has the money by other
// means, or won't get it. Without such a decision it is CodeResolveNotPossible.
func (s *Store) WriteOffRefund(ctx context.Context, id string) (models.Refund, error) {
	return s.withRefund(ctx, id, func(tx *txn, r *models.Refund) error {
		if r.State != models.RefundPaying && r.State != models.RefundSettling {
			return nil
		}
		d := r.Resolution
		switch {
		case d == nil || !d.WriteOff:
			return models.NewError(models.CodeResolveNotPossible, "no write-off was decided")
		case d.Action == models.ResolveConfirm:
			return tx.moveRefund(r, models.RefundPaid)
		case !r.BookedAt.IsZero():
			return models.NewError(models.CodeResolveNotPossible, "the refund is booked: the money is owed")
		default:
			r.Outcome = new(models.CodeResolved)
			return tx.moveRefund(r, models.RefundFailed)
		}
	})
}

// RecordRefundCallback stores that the provider called about a refund, before it is answered, and returns those to look at: the
// one with the reference, or, while no answer has told us the reference, those of the payment that are being asked for.
// CodeNotFound: neither is known.
func (s *Store) RecordRefundCallback(ctx context.Context, provider string, call models.ProviderCall) ([]models.Refund, error) {
	var ids []string
	db := s.db.WithContext(ctx).Model(&models.Refund{})
	err := db.Where("provider = ? AND reference = ?", provider, call.Refund).Pluck("id", &ids).Error
	if err == nil && len(ids) == 0 {
		ids, err = s.refundsOfPayment(ctx, provider, call.Payment)
	}
	if err != nil {
		return nil, asError(err)
	}
	var called []models.Refund
	for _, id := range ids {
		r, err := s.withRefund(ctx, id, func(tx *txn, r *models.Refund) error {
			r.Wake, r.Recheck = true, r.State.Final()
			return tx.saveRefund(r)
		})
		if err != nil {
			return nil, err
		}
		called = append(called, r)
	}
	return called, nil
}

// refundsOfPayment are the refunds that the provider is asked for, of a payment that is ours; CodeNotFound when it isn't.
func (s *Store) refundsOfPayment(ctx context.Context, provider, reference string) ([]string, error) {
	db := s.db.WithContext(ctx)
	var of []string
	err := db.Model(&models.Payment{}).Where("provider = ? AND reference = ?", provider, reference).Pluck("redemption_id", &of).Error
	if err != nil {
		return nil, err
	}
	if len(of) == 0 {
		return nil, models.NewError(models.CodeNotFound, "there is no such payment")
	}
	var refunds []models.Refund
	err = db.Find(&refunds, "redemption_id IN ? AND state = ?", of, models.RefundPaying).Error
	return keysOf(refunds, func(r models.Refund) string { return r.ID }), err
}
