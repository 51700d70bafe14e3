package store

import (
	"context"
	"time"

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
		if step.Payment.Provider != provider {
			return models.NewError(models.CodeStateConflict, "the payment was made at another provider: "+step.Payment.Provider)
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
	Attempt   int   // the attempt that was asked for
	Seen      int64 // the row's Seq when the provider was asked: a call that came since then is not answered by this
	Reference string
	State     models.ProviderRefundState
}

// settleLimit is how long a bank may take: most need 5 to 10 days, and after that somebody should look.
const settleLimit = 10 * 24 * time.Hour

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
		if a.Seen == r.Seq { // whoever asked knows all that there is to know
			r.Recheck, r.Wake = false, false
		}
		switch a.State {
		case models.ProviderRefundFailed:
			return tx.refundFailed(r)
		case models.ProviderRefundSucceeded:
			return tx.refundSucceeded(r)
		default:
			return tx.refundPending(r)
		}
	})
}

func (tx *txn) refundPending(r *models.Refund) error {
	if r.State == models.RefundPaying {
		return tx.moveRefund(r, models.RefundSettling)
	}
	now, err := tx.now()
	if err != nil {
		return err
	}
	if r.State == models.RefundSettling && now.Sub(r.SentAt.Time) > settleLimit {
		return tx.flagRefund(r, "the bank has not settled it")
	}
	return tx.answered(r)
}

func (tx *txn) refundSucceeded(r *models.Refund) error {
	switch {
	case r.State == models.RefundPaying || r.State == models.RefundSettling:
		return tx.moveRefund(r, models.RefundPaid)
	case r.State == models.RefundPaid && r.ByHand():
		r.Recheck = true // it is flagged then, which booking would take back
	case r.State == models.RefundDone && r.ByHand():
		return tx.flagRefund(r, "the provider has paid it although the customer had the money by other means: they may have it twice")
	case r.State.Released():
		return tx.flagRefund(r, "the provider has paid it although it was given up: the customer may have the money twice")
	}
	return tx.answered(r)
}

// refundFailed ends a refund that the provider won't pay. That the customer has the money by other means stays true.
func (tx *txn) refundFailed(r *models.Refund) error {
	switch {
	case r.State == models.RefundPaid:
		r.Recheck = !r.ByHand() // it bounces when it is booked
		return tx.answered(r)
	case r.State.Released(), r.State == models.RefundBounced, r.State == models.RefundDone && r.ByHand():
		return tx.answered(r)
	case r.BookedAt.IsZero():
		r.Outcome = new(models.CodePaymentRefused)
		return tx.moveRefund(r, models.RefundFailed)
	}
	if err := tx.moveRefund(r, models.RefundBounced); err != nil {
		return err
	}
	return tx.flagRefund(r, "the customer's bank has sent the money back: retry, or give it back by other means and resolve")
}

// answered saves a refund that an answer did not move. One that has bounced waits for an operator, whatever is answered.
func (tx *txn) answered(r *models.Refund) error {
	if r.State != models.RefundBounced {
		unflagRefund(r)
	}
	return tx.saveRefund(r)
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
		default:
			r.Outcome = new(models.CodeResolved)
			return tx.moveRefund(r, models.RefundFailed)
		}
	})
}

// RecordRefundCallback stores that the provider called about a refund, before it is answered, and returns those to look at: the
// one with the reference, or, while no answer has told us the reference, those of the payment that were asked for.
// CodeNotFound: neither is known. The mark stays until the provider was asked after the call: what it answered before may be
// what the call revokes.
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
			r.Wake, r.Recheck = true, true
			return tx.saveRefund(r)
		})
		if err != nil {
			return nil, err
		}
		called = append(called, r)
	}
	return called, nil
}

// refundsOfPayment are the refunds that the provider was asked for and of which it has told us nothing, of a payment that is
// ours; CodeNotFound when it isn't.
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
	err = db.Find(&refunds, "redemption_id IN ? AND reference IS NULL AND sent_at IS NOT NULL", of).Error
	return keysOf(refunds, func(r models.Refund) string { return r.ID }), err
}
