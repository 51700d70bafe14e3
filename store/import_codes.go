package store

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tearoff/tearoff/models"
)

const (
	maxLabel    = 200           // characters
	maxCodeUses = 1_000_000_000 // of one shared code
)

// importCodes gives the batch the codes of the rows. Stock of single codes is kept for as many as there is some for, in the order
// of the file. A code that exists is a fault of its row, of whatever batch it is, and whatever its content: the row before,
// or somebody else, has made it.
func (tx *txn) importCodes(imp *models.Import, rows []importRow) (faults []models.ImportFault, err error) {
	b, err := tx.lockBooks([]string{imp.Target})
	if err != nil {
		return nil, err
	}
	batch := b.batches[imp.Target]
	if batch == nil {
		return nil, models.NewError(models.CodeNotFound, "there is no such batch")
	}
	now, err := tx.now()
	if err != nil {
		return nil, err
	}
	var read []*models.CouponCode
	var of []importRow
	for _, r := range rows {
		c, column, err := r.code(*batch)
		if err != nil {
			faults = append(faults, r.fault(column, err))
			continue
		}
		c.CreatedAt, c.UpdatedAt = now, now
		read, of = append(read, &c), append(of, r)
	}
	refused, err := b.importCodes(read)
	for i, why := range refused {
		if why != nil {
			faults = append(faults, of[i].fault("code", why))
		}
	}
	return faults, err
}

// importCodes writes the codes of one batch that are new and for which there is stock, and says of each of the others why not.
func (b *books) importCodes(codes []*models.CouponCode) (refused []error, err error) {
	taken, err := b.tx.takenCodes(keysOf(codes, func(c *models.CouponCode) string { return c.CodeKey }))
	if err != nil {
		return nil, err
	}
	refused = make([]error, len(codes))
	fresh := make([]*models.CouponCode, 0, len(codes))
	for i, c := range codes {
		if taken[c.CodeKey] {
			refused[i] = models.NewError(models.CodeTaken, "the code exists already: it comes twice in the file, or was made before")
			continue
		}
		if c.KeepsStock() {
			if refused[i] = b.takeStock(c.BatchID, 1, c.CreatedAt); refused[i] != nil {
				continue
			}
		}
		taken[c.CodeKey] = true
		fresh = append(fresh, c)
	}
	// By key, so that two imports can't wait for each other.
	slices.SortFunc(fresh, func(x, y *models.CouponCode) int { return cmp.Compare(x.CodeKey, y.CodeKey) })
	if err := b.write(); err != nil {
		return nil, err
	}
	return refused, insert(b.tx, codeTable, fresh)
}

// code reads the cells, or says which of them is wrong. An empty one bounds nothing.
func (r importRow) code(b models.Batch) (c models.CouponCode, column string, err error) {
	text := func(column string) string { return strings.TrimSpace(r.cells[column]) }
	bad := func(message string) error { return models.NewError(models.CodeInvalidRequest, message) }
	c = models.CouponCode{
		CodeKey: models.CodeKey(text("code")), BatchID: b.ID, Kind: b.Codes, Display: text("code"), Label: text("label"), Active: true, Seq: 1,
	}
	if c.CodeKey == "" {
		return c, "code", bad("must be 1 to 64 characters that can be seen")
	}
	if utf8.RuneCountInString(c.Label) > maxLabel {
		return c, "label", bad("must have 200 characters at most")
	}
	if c.MaxUses, err = maxUsesOf(text("max_uses"), b.Codes); err != nil {
		return c, "max_uses", err
	}
	if c.ValidFrom, err = whenOf(text("valid_from"), b.Zone(), 0); err != nil {
		return c, "valid_from", err
	}
	if c.ValidUntil, err = whenOf(text("valid_until"), b.Zone(), 1); err != nil {
		return c, "valid_until", err
	}
	if !c.ValidFrom.IsZero() && !c.ValidUntil.IsZero() && !c.ValidUntil.After(c.ValidFrom) {
		return c, "valid_until", bad("must be after valid_from")
	}
	return c, "", nil
}

// maxUsesOf reads how many coupons a code gets; nil: only the batch bounds it.
func maxUsesOf(text string, kind models.CodeKind) (*int64, error) {
	if text == "" && kind == models.CodesShared {
		return nil, nil
	}
	n, err := strconv.ParseInt(cmp.Or(text, "1"), 10, 64)
	switch {
	case err != nil || n < 1 || n > maxCodeUses:
		return nil, models.NewError(models.CodeInvalidRequest, "must be a number from 1 to 1000000000")
	case kind == models.CodesSingle && n != 1:
		return nil, models.NewError(models.CodeInvalidRequest, "must be 1: a single code gets one coupon")
	}
	return &n, nil
}

// whenOf reads where a window begins (days: 0) or ends (1); zero for nothing.
func whenOf(text string, zone *time.Location, days int) (models.Time, error) {
	if text == "" {
		return models.Time{}, nil
	}
	at, err := models.ReadWhen(text, zone, days)
	if err != nil {
		err = models.NewError(models.CodeInvalidRequest, err.Error())
	}
	return at, err
}
