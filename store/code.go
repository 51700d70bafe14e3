package store

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// codesAtOnce bounds how many codes one statement names.
const codesAtOnce = 500

// CodeQuery asks for up to Limit codes of a batch after the key After.
type CodeQuery struct {
	BatchID string
	After   string
	Limit   int
}

// Codes lists the codes of a batch by key.
func (s *Store) Codes(ctx context.Context, q CodeQuery) ([]models.CouponCode, error) {
	var codes []models.CouponCode
	err := s.db.WithContext(ctx).Where("batch_id = ? AND code_key > ?", q.BatchID, q.After).
		Order("code_key").Limit(q.Limit).Find(&codes).Error
	return codes, asError(err)
}

// Code returns the code of a key (models.CodeKey), or CodeNotFound.
func (s *Store) Code(ctx context.Context, key string) (models.CouponCode, error) {
	var code models.CouponCode
	err := s.db.WithContext(ctx).Take(&code, "code_key = ?", key).Error
	return code, notFound(err, "code")
}

// FindCode returns the code that somebody typed, or CodeNotFound. What is no code as it stands is read once more as one that
// Tearoff made, without hyphens and with look-alikes (models.CodeFold). It asks once, whatever was typed: how long the answer
// takes says nothing.
func (s *Store) FindCode(ctx context.Context, typed string) (models.CouponCode, error) {
	key := models.CodeName(typed)
	found, err := s.findCodes(ctx, []string{key})
	if err == nil && found[key] == nil {
		err = models.NewError(models.CodeNotFound, "there is no such code")
	}
	if err != nil {
		return models.CouponCode{}, err
	}
	return *found[key], nil
}

// findCodes returns the codes that keys name, exactly or as FindCode says.
func (s *Store) findCodes(ctx context.Context, keys []string) (map[string]*models.CouponCode, error) {
	asked := slices.Clone(keys)
	for _, key := range keys {
		if folded := models.CodeFold(key); folded != "" {
			asked = append(asked, folded)
		}
	}
	var rows []*models.CouponCode
	if err := s.db.WithContext(ctx).Find(&rows, "code_key IN ?", distinct(asked)).Error; err != nil {
		return nil, asError(err)
	}
	byKey, found := make(map[string]*models.CouponCode, len(rows)), make(map[string]*models.CouponCode, len(keys))
	for _, c := range rows {
		byKey[c.CodeKey] = c
	}
	for _, key := range keys {
		if found[key] = byKey[key]; found[key] != nil {
			continue
		}
		if made := byKey[models.CodeFold(key)]; made != nil && made.Generated {
			found[key] = made
		}
	}
	return found, nil
}

// CreateCodes gives a batch new codes, all or none, and returns them as they are stored. Display, Label, MaxUses, Active
// and the window count; CodeKey "" comes from Display. The same codes again change nothing. Refusals: CodeNotFound without
// the batch, CodeInvalidRequest when it has no codes of the kind, CodeTaken with the code when the key has other content
// or is another batch's, CodeSoldOut when fewer coupons of the batch are left than single codes are to be out: each of
// them takes one at once.
func (s *Store) CreateCodes(ctx context.Context, batchID string, codes []models.CouponCode, audit models.AuditRecord) ([]models.CouponCode, error) {
	var stored []models.CouponCode
	err := s.tx(ctx, func(tx *txn) error {
		b, err := tx.lockBooks([]string{batchID})
		if err != nil {
			return err
		}
		counter, batch := b.counters[batchID], b.batches[batchID]
		if counter == nil || batch == nil {
			return models.NewError(models.CodeNotFound, "there is no such batch")
		}
		if stored, err = codesOf(*batch, codes); err != nil {
			return err
		}
		fresh, err := tx.freshCodes(stored)
		if err != nil || len(fresh) == 0 {
			return err
		}
		if err := b.addCodes(batchID, fresh); err != nil {
			return err
		}
		return tx.auditCodes(audit, batchID, map[string]any{"codes": len(fresh), "first": fresh[0].CodeKey})
	})
	return stored, err
}

// addCodes writes new codes of the batch and keeps its stock for them.
func (b *books) addCodes(batchID string, fresh []*models.CouponCode) error {
	now, err := b.tx.now()
	if err != nil {
		return err
	}
	kept := int64(0)
	for _, c := range fresh {
		c.Seq, c.CreatedAt, c.UpdatedAt = 1, now, now
		if c.KeepsStock() {
			kept++
		}
	}
	if err := b.takeStock(batchID, kept, now); err != nil {
		return err
	}
	if err := b.write(); err != nil {
		return err
	}
	return insert(b.tx, codeTable, fresh)
}

// codesOf fills in what the batch decides. Only what a caller may set is taken over.
func codesOf(b models.Batch, codes []models.CouponCode) ([]models.CouponCode, error) {
	if b.Codes == models.CodesNone {
		return nil, models.NewError(models.CodeInvalidRequest, "the batch has no codes")
	}
	rows := make([]models.CouponCode, len(codes))
	for i, c := range codes {
		rows[i] = models.CouponCode{
			CodeKey: cmp.Or(c.CodeKey, models.CodeKey(c.Display)), BatchID: b.ID, Kind: cmp.Or(c.Kind, b.Codes), Display: c.Display,
			Label: c.Label, MaxUses: c.MaxUses, Active: c.Active,
			ValidFrom: models.NewTime(c.ValidFrom.Time), ValidUntil: models.NewTime(c.ValidUntil.Time),
		}
		if rows[i].Kind == models.CodesSingle {
			rows[i].MaxUses = new(int64(1))
		}
		switch {
		case rows[i].Kind != b.Codes:
			return nil, models.NewError(models.CodeInvalidRequest, "the batch has codes of another kind").With("codes", b.Codes)
		case rows[i].CodeKey == "":
			return nil, models.NewError(models.CodeInvalidRequest, "that can't be a code").With("code", c.Display)
		}
	}
	return rows, nil
}

// freshCodes fills in the codes that are stored already and returns the others, each once, by key.
func (tx *txn) freshCodes(codes []models.CouponCode) ([]*models.CouponCode, error) {
	known := make(map[string]*models.CouponCode, len(codes))
	for chunk := range slices.Chunk(codes, codesAtOnce) {
		var rows []*models.CouponCode
		keys := keysOf(chunk, func(c models.CouponCode) string { return c.CodeKey })
		if err := tx.Find(&rows, "code_key IN ?", keys).Error; err != nil {
			return nil, err
		}
		for _, r := range rows {
			known[r.CodeKey] = r
		}
	}
	var fresh []*models.CouponCode
	for i := range codes {
		before := known[codes[i].CodeKey]
		switch {
		case before == nil:
			fresh = append(fresh, &codes[i])
			known[codes[i].CodeKey] = &codes[i]
		case !sameCode(*before, codes[i]):
			return nil, models.NewError(models.CodeTaken, "the code is taken").With("code", codes[i].CodeKey)
		default:
			codes[i] = *before
		}
	}
	slices.SortFunc(fresh, func(x, y *models.CouponCode) int { return cmp.Compare(x.CodeKey, y.CodeKey) }) // so that two batches can't wait for each other
	return fresh, nil
}

// sameCode compares what a caller sets.
func sameCode(x, y models.CouponCode) bool {
	for _, c := range []*models.CouponCode{&x, &y} {
		c.Uses, c.Seq, c.CreatedAt, c.UpdatedAt = 0, 0, models.Time{}, models.Time{}
	}
	bounds := (x.MaxUses == nil) == (y.MaxUses == nil) && (x.MaxUses == nil || *x.MaxUses == *y.MaxUses)
	x.MaxUses, y.MaxUses = nil, nil
	return bounds && x == y
}

// takeStock keeps a coupon for each of the single codes that are about to be out, or says that too few are left.
func (b *books) takeStock(batchID string, codes int64, at models.Time) error {
	counter := b.counters[batchID]
	if counter.Quantity != nil && codes > counter.Remaining {
		return models.NewError(models.CodeSoldOut, "too few coupons are left for so many codes").
			With("remaining", counter.Remaining).With("unused_codes", counter.Coded).With("more_codes", codes)
	}
	b.keepStock(batchID, codes, at)
	return nil
}

// auditCodes records a deed to codes under their batch, so that its log tells all.
func (tx *txn) auditCodes(r models.AuditRecord, batchID string, detail map[string]any) error {
	r.Subject, r.Detail = batchID, maps.Clone(r.Detail)
	if r.Detail == nil {
		r.Detail = map[string]any{}
	}
	maps.Copy(r.Detail, detail)
	return tx.audit(r)
}

// CodeChange changes a code; nil leaves a field as it is.
type CodeChange struct {
	CodeKey    string
	Active     *bool
	Label      *string
	MaxUses    *int64             // 0: only the batch bounds it
	ValidFrom  *models.Time       // zero: as long as the batch
	ValidUntil *models.Time       // zero: as long as the batch
	Audit      models.AuditRecord // who and why; id, time, subject (the batch) and the code are filled in
}

// ChangeCode carries out a change under the locks of the batch's counter and of the code, so that it holds for every use
// that follows. Doing it again changes nothing. A single code that is switched off before it was used gives its stock back, and
// takes it again when it is switched on. Refusals: CodeNotFound, CodeCapBelowUse, CodeInvalidRequest for a bound on a single
// code, and CodeSoldOut when there is no stock to switch it on.
func (s *Store) ChangeCode(ctx context.Context, c CodeChange) (models.CouponCode, error) {
	var after models.CouponCode
	err := s.tx(ctx, func(tx *txn) error {
		b, code, err := tx.lockCode(c.CodeKey)
		if err != nil {
			return err
		}
		before := *code
		if err := applyCodeChange(code, c); err != nil {
			return err
		}
		after = *code
		if sameCode(before, *code) {
			return nil
		}
		if after.UpdatedAt, err = tx.now(); err != nil {
			return err
		}
		after.Seq++
		if err := b.moveStock(before, after); err != nil {
			return err
		}
		if err := tx.guard(1, "UPDATE codes SET active = ?, label = ?, max_uses = ?, valid_from = ?, valid_until = ?, seq = ?, updated_at = ? "+
			"WHERE code_key = ? AND seq = ?", after.Active, after.Label, after.MaxUses, after.ValidFrom, after.ValidUntil,
			after.Seq, after.UpdatedAt, after.CodeKey, before.Seq); err != nil {
			return err
		}
		return tx.auditCodes(c.Audit, after.BatchID, map[string]any{"code": after.CodeKey})
	})
	return after, err
}

// moveStock keeps stock for a code as it is after a change, or no more of it.
func (b *books) moveStock(before, after models.CouponCode) (err error) {
	switch kept := after.KeepsStock(); {
	case kept && !before.KeepsStock():
		err = b.takeStock(after.BatchID, 1, after.UpdatedAt)
	case !kept && before.KeepsStock():
		b.keepStock(after.BatchID, -1, after.UpdatedAt)
	}
	if err != nil {
		return err
	}
	return b.write()
}

// lockCode locks a code behind the counter of its batch, or CodeNotFound.
func (tx *txn) lockCode(key string) (*books, *models.CouponCode, error) {
	var batchIDs []string
	if err := tx.Model(&models.CouponCode{}).Where("code_key = ?", key).Pluck("batch_id", &batchIDs).Error; err != nil {
		return nil, nil, err
	}
	b, err := tx.lockBooks(batchIDs)
	if err != nil {
		return nil, nil, err
	}
	if err := b.lockCodes([]string{key}); err != nil {
		return nil, nil, err
	}
	if b.codes[key] == nil {
		return nil, nil, models.NewError(models.CodeNotFound, "there is no such code")
	}
	return b, b.codes[key], nil
}

func applyCodeChange(code *models.CouponCode, c CodeChange) error {
	if c.MaxUses != nil {
		switch {
		case code.Kind == models.CodesSingle && *c.MaxUses != 1, *c.MaxUses < 0:
			return models.NewError(models.CodeInvalidRequest, "the code can't have this bound").With("max_uses", *c.MaxUses)
		case *c.MaxUses == 0:
			code.MaxUses = nil
		case *c.MaxUses < code.Uses:
			return models.NewError(models.CodeCapBelowUse, "the code has been used more often than that").With("uses", code.Uses)
		default:
			code.MaxUses = c.MaxUses
		}
	}
	code.Active = *cmp.Or(c.Active, &code.Active)
	code.Label = *cmp.Or(c.Label, &code.Label)
	code.ValidFrom = models.NewTime(cmp.Or(c.ValidFrom, &code.ValidFrom).Time)
	code.ValidUntil = models.NewTime(cmp.Or(c.ValidUntil, &code.ValidUntil).Time)
	return nil
}
