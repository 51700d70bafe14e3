package store

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// BankRefund returns the refund with this reference as it stands now, or CodeNotFound.
func (s *Store) BankRefund(ctx context.Context, reference string) (models.BankRefund, error) {
	rows, err := s.bankRefunds(ctx, "reference = ?", reference)
	if err == nil && len(rows) == 0 {
		err = models.NewError(models.CodeNotFound, "the bank has no such refund")
	}
	if err != nil {
		return models.BankRefund{}, err
	}
	return rows[0], nil
}

// BankRefundsOf returns the refunds of a payment as they stand now, oldest first.
func (s *Store) BankRefundsOf(ctx context.Context, payment string) ([]models.BankRefund, error) {
	return s.bankRefunds(ctx, "payment = ?", payment)
}

func (s *Store) bankRefunds(ctx context.Context, where, value string) ([]models.BankRefund, error) {
	var rows []models.BankRefund
	if err := inOrder(s.db.WithContext(ctx)).Find(&rows, where, value).Error; err != nil {
		return nil, asError(err)
	}
	if !slices.ContainsFunc(rows, func(r models.BankRefund) bool { return !r.SettleAt.IsZero() }) {
		return rows, nil
	}
	now, err := s.Now(ctx)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		rows[i].Settle(now)
	}
	return rows, nil
}

func inOrder(db *gorm.DB) *gorm.DB { return db.Order("created_at, reference") }

// settleBank brings payments that were read without a lock to how they stand now. Their refunds are read after them: a
// refund that failed in between is then left out, and never taken off twice.
func (s *Store) settleBank(db *gorm.DB, rows []models.BankPayment) error {
	var refunded []string
	waits := false
	for i := range rows {
		if rows[i].Refunded > 0 {
			refunded = append(refunded, rows[i].Reference)
		}
		waits = waits || rows[i].CaptureUnderWay()
	}
	refunds := map[string][]models.BankRefund{}
	if len(refunded) > 0 {
		err := eachOf(db.Where("payment IN ? AND settle_at IS NOT NULL", refunded), func(r models.BankRefund) {
			refunds[r.Payment] = append(refunds[r.Payment], r)
		})
		if err != nil {
			return err
		}
	}
	if !waits && len(refunds) == 0 {
		return nil
	}
	now, err := s.Now(db.Statement.Context)
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].Land(now)
		rows[i].Settle(refunds[rows[i].Reference], now)
	}
	return nil
}

// openRefunds reads the payment's refunds. What was never charged has none, and its path is the busy one.
func (e *bankEntry) openRefunds(tx *txn) error {
	if e.payment.Captured == 0 {
		return nil
	}
	err := inOrder(tx.DB).Find(&e.page.Refunds, "payment = ?", e.payment.Reference).Error
	e.refunds = slices.Clone(e.page.Refunds)
	return err
}

func (e *bankEntry) writeRefunds(tx *txn) error {
	for i := range e.page.Refunds {
		r := &e.page.Refunds[i]
		added := i >= len(e.refunds)
		if !added && *r == e.refunds[i] {
			continue
		}
		r.Seq++
		r.UpdatedAt = e.page.Now
		var err error
		if added {
			err = tx.Create(r).Error
		} else {
			err = tx.guard(1, "UPDATE bank_refunds SET state = ?, next_state = ?, settle_at = ?, seq = ?, updated_at = ? "+
				"WHERE reference = ? AND seq = ?", r.State, r.Next, r.SettleAt, r.Seq, r.UpdatedAt, r.Reference, r.Seq-1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
