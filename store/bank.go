package store

import (
	"context"
	"encoding/json"

	"github.com/tearoff/tearoff/models"
)

// The books of the built-in payment provider. They are a stranger's, who happens to keep them here: no transaction
// touches them and a table of Tearoff's own. Locks are taken bank_payments → bank_keys; a payment's lock guards its refunds too.

// BankUpdate locks what the scope names, lets decide change the page, and writes what it changed, all or nothing. decide
// may run again, each time on a fresh page. Its error rolls everything back and is found in the one returned.
func (s *Store) BankUpdate(ctx context.Context, scope models.BankScope, decide func(page *models.BankPage) error) error {
	return s.tx(ctx, func(tx *txn) error {
		entry, err := tx.openBank(scope)
		if err != nil {
			return err
		}
		if err := decide(&entry.page); err != nil {
			return err
		}
		return entry.write(tx)
	})
}

// BankPayment returns the payment with this reference as it stands now, or CodeNotFound.
func (s *Store) BankPayment(ctx context.Context, reference string) (models.BankPayment, error) {
	rows, err := s.bankPayments(ctx, "reference = ?", reference)
	if err == nil && len(rows) == 0 {
		err = models.NewError(models.CodeNotFound, "the bank has no such payment")
	}
	if err != nil {
		return models.BankPayment{}, err
	}
	return rows[0], nil
}

// BankPaymentsOf returns the payments that carry our id as they stand now, oldest first.
func (s *Store) BankPaymentsOf(ctx context.Context, ourID string) ([]models.BankPayment, error) {
	return s.bankPayments(ctx, "our_id = ?", ourID)
}

func (s *Store) bankPayments(ctx context.Context, where, value string) ([]models.BankPayment, error) {
	var rows []models.BankPayment
	db := s.db.WithContext(ctx)
	if err := db.Order("created_at, reference").Find(&rows, where, value).Error; err != nil {
		return nil, asError(err)
	}
	return rows, asError(s.settleBank(db, rows))
}

// bankEntry is a page of the books, and how it was read.
type bankEntry struct {
	page    models.BankPage
	key     models.BankKey
	payment models.BankPayment
	refunds []models.BankRefund
}

// openBank reads and locks. A key that doesn't exist can't be locked: two who bring the same new key both get here, the
// second fails on the unique key when it writes, and begins again.
func (tx *txn) openBank(scope models.BankScope) (*bankEntry, error) {
	e := &bankEntry{}
	// The payment comes first. If the key did, one caller would hold the key and wait for the payment while another, who
	// found no key yet, holds the payment and waits to insert the key: every crowd with one key would deadlock.
	if err := e.openPayment(tx, scope.Reference); err != nil {
		return nil, err
	}
	if err := e.openKey(tx, scope.Key); err != nil {
		return nil, err
	}
	if scope.Reference == "" {
		if err := e.openPayment(tx, e.key.Reference); err != nil {
			return nil, err
		}
	}
	if scope.OurID != "" {
		var siblings int64
		if err := tx.Model(&models.BankPayment{}).Where("our_id = ?", scope.OurID).Count(&siblings).Error; err != nil {
			return nil, err
		}
		e.page.Siblings = int(siblings)
	}
	now, err := tx.now() // read after all locks are held
	if err != nil {
		return nil, err
	}
	e.page.Now = now
	e.page.Settle()
	return e, nil
}

func (e *bankEntry) openKey(tx *txn, key string) error {
	if key == "" {
		return nil
	}
	var rows []models.BankKey
	err := tx.locked().Find(&rows, "idem_key = ?", key).Error
	if len(rows) > 0 {
		e.key = rows[0]
		e.page.Key = &rows[0]
	}
	return err
}

func (e *bankEntry) openPayment(tx *txn, reference string) error {
	if reference == "" {
		return nil
	}
	var rows []models.BankPayment
	err := tx.locked().Find(&rows, "reference = ?", reference).Error
	if err != nil || len(rows) == 0 {
		return err
	}
	e.payment = rows[0]
	e.page.Payment = &rows[0]
	return e.openRefunds(tx)
}

// write stores the key first, so that whoever came second with it fails before anything else is written.
func (e *bankEntry) write(tx *txn) error {
	if e.page.Key != nil && *e.page.Key != e.key {
		if err := e.writeKey(tx, e.page.Key); err != nil {
			return err
		}
	}
	if e.page.Payment != nil && *e.page.Payment != e.payment {
		if err := e.writePayment(tx, e.page.Payment); err != nil {
			return err
		}
	}
	return e.writeRefunds(tx)
}

func (e *bankEntry) writeKey(tx *txn, k *models.BankKey) error {
	k.Seq++
	k.UpdatedAt = e.page.Now
	if e.key.IdemKey == "" {
		return tx.Create(k).Error
	}
	answer, err := json.Marshal(k.Answer)
	if err != nil {
		return err
	}
	return tx.guard(1, "UPDATE bank_keys SET reference = ?, answer = ?, seq = ?, updated_at = ? WHERE idem_key = ? AND seq = ?",
		k.Reference, string(answer), k.Seq, k.UpdatedAt, k.IdemKey, e.key.Seq)
}

func (e *bankEntry) writePayment(tx *txn, p *models.BankPayment) error {
	p.Seq++
	p.UpdatedAt = e.page.Now
	if e.payment.Reference == "" {
		return tx.Create(p).Error
	}
	return tx.guard(1, "UPDATE bank_payments SET state = ?, captured = ?, refunded = ?, charged_back = ?, troubles = ?, "+
		"lands_at = ?, seq = ?, updated_at = ? WHERE reference = ? AND seq = ?",
		p.State, p.Captured, p.Refunded, p.ChargedBack, p.Troubles, p.LandsAt, p.Seq, p.UpdatedAt, p.Reference, e.payment.Seq)
}
