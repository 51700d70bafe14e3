package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// RecordCallback stores that the provider called about a payment, before it is answered. What it said is not taken from
// the call: a driver asks the provider. The payment is found by its reference, also that of an earlier attempt, or by our id.
// A call about what may have to be given back, or was taken back, marks the payment as stray; the step proceeds unless the
// redemption is confirmed and nobody need be woken.
func (s *Store) RecordCallback(ctx context.Context, provider string, call models.ProviderCall) (PaymentStep, error) {
	id, err := s.calledAbout(ctx, provider, call)
	if err != nil {
		return PaymentStep{}, err
	}
	return s.withPayment(ctx, id, func(x *paymentTx) (bool, error) {
		now, err := x.now()
		if err != nil {
			return false, err
		}
		other, err := x.other(call)
		x.p.CallbackAt = now
		if x.p.Reference == nil && other == nil && x.r.State.Decided() {
			x.p.Reference = &call.Payment // nobody waits for its answer any more
		}
		switch {
		case err != nil:
			return false, err
		case other != nil:
			return true, x.mark(*other)
		case call.Dispute || x.at(models.StateCancelling, models.StateCancelled):
			return true, x.markStray()
		case x.at(models.StateConfirmed):
			return false, x.save() // what we asked for has happened: there is nobody to tell
		}
		x.r.Wake = true
		return true, x.saveBoth()
	})
}

// calledAbout finds the redemption of the payment that a call is about, or CodeNotFound.
func (s *Store) calledAbout(ctx context.Context, provider string, call models.ProviderCall) (string, error) {
	db := s.db.WithContext(ctx)
	for _, table := range []any{&models.Payment{}, &models.PaymentAttempt{}} {
		var ids []string
		err := db.Model(table).Where("provider = ? AND reference = ?", provider, call.Payment).Limit(1).Pluck("redemption_id", &ids).Error
		if err != nil {
			return "", asError(err)
		}
		if len(ids) > 0 {
			return ids[0], nil
		}
	}
	// Its answer may be under way, or was lost: what we gave it is known all the same.
	if id, attempt, ok := models.ParsePaymentID(call.OurID); ok {
		var ids []string
		err := db.Model(&models.Payment{}).Where("redemption_id = ? AND provider = ? AND attempt >= ?", id, provider, attempt).
			Pluck("redemption_id", &ids).Error
		if err != nil || len(ids) > 0 {
			return id, asError(err)
		}
	}
	return "", models.NewError(models.CodeNotFound, "there is no such payment")
}

// other is the payment of a call that is about another one than that which counts, as far as is known now; nil when it is
// about that. A declined one counts no more: the customer may take another card.
func (x *paymentTx) other(call models.ProviderCall) (*models.PaymentAttempt, error) {
	_, attempt, _ := models.ParsePaymentID(call.OurID)
	switch {
	case x.p.Reference != nil && *x.p.Reference == call.Payment:
		if x.p.State != models.PaymentDeclined || x.r.State.Decided() {
			return nil, nil
		}
		attempt = x.p.Attempt
	case x.p.Reference == nil && attempt == x.p.Attempt:
		known, err := x.attempt(call.Payment)
		if known == nil || err != nil {
			return nil, err // its answer is under way
		}
	}
	return &models.PaymentAttempt{Reference: call.Payment, Attempt: attempt}, nil
}

// markStray saves a payment that the provider has to be asked about again, and has that done at once when the redemption
// has ended, else as soon as its driver gets to it.
func (x *paymentTx) markStray() error {
	x.p.Stray = true
	if !x.at(models.StateCancelling, models.StateCancelled, models.StateConfirmed) {
		x.r.Wake = true
		return x.saveBoth()
	}
	if err := x.save(); err != nil {
		return err
	}
	now, err := x.now()
	if err != nil {
		return err
	}
	x.r.DueAt = now
	x.r.Seq++
	return x.guard(1, "UPDATE redemptions SET due_at = ?, seq = ?, updated_at = ? WHERE id = ? AND seq = ?",
		now, x.r.Seq, now, x.r.ID, x.r.Seq-1)
}
