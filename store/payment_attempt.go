package store

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// KeepStray keeps a payment that carries our id and isn't the one that counts, to be given back. One that is kept already,
// or counts, stays as it is.
func (s *Store) KeepStray(ctx context.Context, a models.PaymentAttempt) (PaymentStep, error) {
	return s.withPayment(ctx, a.RedemptionID, func(x *paymentTx) (bool, error) {
		if x.p.Reference != nil && *x.p.Reference == a.Reference {
			return false, nil
		}
		return false, x.keepStray(a)
	})
}

// StrayAttempts returns the payments that have to be given back beside the one that counts, oldest first.
func (s *Store) StrayAttempts(ctx context.Context, redemptionID string) ([]models.PaymentAttempt, error) {
	var rows []models.PaymentAttempt
	err := s.db.WithContext(ctx).Order("created_at, reference").Find(&rows, "redemption_id = ? AND stray = ?", redemptionID, true).Error
	return rows, asError(err)
}

// SettleAttempt stores what became of a stray attempt as it was seen. One that changed meanwhile, because the provider called
// again, has to be looked at again.
func (s *Store) SettleAttempt(ctx context.Context, seen models.PaymentAttempt, state models.PaymentState) error {
	_, err := s.withPayment(ctx, seen.RedemptionID, func(x *paymentTx) (bool, error) {
		now, err := x.now()
		if err != nil {
			return false, err
		}
		return false, x.Exec("UPDATE payment_attempts SET state = ?, stray = ?, seq = seq + 1, updated_at = ? "+
			"WHERE provider = ? AND reference = ? AND seq = ?", state, false, now, seen.Provider, seen.Reference, seen.Seq).Error
	})
	return err
}

// attempt is a payment that is kept beside the one that counts; nil when there is none of that name.
func (x *paymentTx) attempt(reference string) (*models.PaymentAttempt, error) {
	var row models.PaymentAttempt
	err := x.Take(&row, "provider = ? AND reference = ?", x.p.Provider, reference).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	return &row, err
}

// keepStray marks a payment beside the one that counts, unless it waits to be looked at already.
func (x *paymentTx) keepStray(a models.PaymentAttempt) error {
	known, err := x.attempt(a.Reference)
	if err != nil || (known != nil && known.Stray) {
		return err
	}
	return x.mark(a)
}

// mark has the provider asked about a payment beside the one that counts: about all that has happened until now.
func (x *paymentTx) mark(a models.PaymentAttempt) error {
	now, err := x.now()
	if err != nil {
		return err
	}
	known, err := x.attempt(a.Reference)
	switch {
	case err != nil:
		return err
	case known == nil:
		a.Stray = true
		err = x.keep(a)
	default:
		err = x.guard(1, "UPDATE payment_attempts SET stray = ?, seq = seq + 1, updated_at = ? WHERE provider = ? AND reference = ? AND seq = ?",
			true, now, known.Provider, known.Reference, known.Seq)
	}
	if err != nil {
		return err
	}
	return x.markStray()
}

// keep writes a new payment beside the one that counts.
func (x *paymentTx) keep(a models.PaymentAttempt) error {
	now, err := x.now()
	if err != nil {
		return err
	}
	a.Provider, a.RedemptionID, a.Seq, a.CreatedAt, a.UpdatedAt = x.p.Provider, x.r.ID, 1, now, now
	return x.Create(&a).Error
}

// keepReplaced keeps the payment of a declined attempt before another one takes its place: its customer may still pay it.
func (x *paymentTx) keepReplaced() error {
	if x.p.Reference == nil {
		return nil // our id finds it, should it exist
	}
	known, err := x.attempt(*x.p.Reference)
	if known != nil || err != nil {
		return err
	}
	return x.keep(models.PaymentAttempt{Reference: *x.p.Reference, Attempt: x.p.Attempt, State: x.p.State})
}

// hasStrayAttempts reports whether a payment beside the one that counts has to be given back.
func (x *paymentTx) hasStrayAttempts() (bool, error) {
	var n int64
	err := x.Model(&models.PaymentAttempt{}).Where("redemption_id = ? AND stray = ?", x.r.ID, true).Count(&n).Error
	return n > 0, err
}
