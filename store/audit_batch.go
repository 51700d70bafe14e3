package store

import (
	"fmt"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// batchFold is a batch's ledger folded up to LedgerSeq.
type batchFold struct {
	models.BatchCounter // without Quantity and Remaining: those follow from stocked, Issued and Coded
	stocked             int64
	parts               *parts // nil: the coupons and users of the entries are looked at one by one
	base                models.AuditCheckpoint
	seen                map[uint64]bool // coupons that were looked at, within bounds
}

// auditBatch folds the batch's ledger up to the sequence that is read together with its counters.
func (a *auditor) auditBatch(id string) error {
	a.Batches++
	before := a.Total()
	began, err := a.store.Now(a.db.Statement.Context)
	if err != nil {
		return err
	}
	c, batch, err := a.readBatch(id)
	if err != nil || c.BatchID == "" {
		return err
	}
	check(a.about(1, id), "batches of the counters", id, batch.ID)
	batch.ID = id
	f, err := a.beginFold(c)
	if err != nil {
		return err
	}
	if err := a.advance(f, c.LedgerSeq); err != nil {
		return err
	}
	if err := a.compareBatch(c, f, batch); err != nil {
		return err
	}
	clean := f.checkpoint(began)
	if err := a.auditRows(f, c, batch); err != nil {
		return err
	}
	if a.Total() > before || !a.scope.Remember {
		return nil // what differs is reported each time, until it is explained and a full audit is clean
	}
	return a.store.rememberClean(a.db.Statement.Context, clean, f.base)
}

// auditRows compares what isn't in the counters of the batch.
func (a *auditor) auditRows(f *batchFold, c models.BatchCounter, batch models.Batch) error {
	if err := a.auditDistributions(f, batch.ID); err != nil {
		return err
	}
	if f.parts != nil {
		if err := a.auditParts(f); err != nil {
			return err
		}
	} else if err := a.auditEnded(f); err != nil {
		return err
	}
	if f.parts == nil && c.Issued+c.Coded > auditPart {
		return nil // these statements read the whole batch, so they are for the full audit
	}
	if err := a.auditCodes(batch); err != nil {
		return err
	}
	return a.auditLimits(batch)
}

// readBatch reads counters and configuration of one instant. A batch that is missing has no caps.
func (a *auditor) readBatch(id string) (c models.BatchCounter, batch models.Batch, err error) {
	err = a.snapshot(func(db *gorm.DB) error {
		if err := db.Limit(1).Find(&c, "batch_id = ?", id).Error; err != nil {
			return err
		}
		return db.Limit(1).Find(&batch, "id = ?", id).Error
	})
	return c, batch, err
}

// beginFold begins where the last clean audit ended, or at the first entry.
func (a *auditor) beginFold(c models.BatchCounter) (*batchFold, error) {
	f := &batchFold{BatchCounter: models.BatchCounter{BatchID: c.BatchID}}
	if a.scope.Incremental || a.scope.Remember {
		if err := a.db.Limit(1).Find(&f.base, "batch_id = ?", c.BatchID).Error; err != nil {
			return nil, err
		}
	}
	if f.base.LedgerSeq > c.LedgerSeq {
		a.about(1, c.BatchID).differ("ledger sequence", fmt.Sprintf("%d or more, as it once was", f.base.LedgerSeq), c.LedgerSeq)
	} else if a.scope.Incremental && f.base.BatchID != "" {
		f.LedgerSeq, f.stocked, f.seen = f.base.LedgerSeq, f.base.Stocked, map[uint64]bool{}
		f.Issued, f.Coded, f.FaceAmount, f.Usage = f.base.Issued, f.base.Coded, f.base.FaceAmount, f.base.Usage
		return f, nil
	}
	var err error
	f.parts, err = a.partBatch(c.BatchID)
	return f, err
}

// checkpoint is the fold as it is now, by an audit that began then.
func (f *batchFold) checkpoint(began models.Time) models.AuditCheckpoint {
	return models.AuditCheckpoint{
		BatchID: f.BatchID, LedgerSeq: f.LedgerSeq, PriorSeq: f.base.LedgerSeq, Stocked: f.stocked,
		Issued: f.Issued, Coded: f.Coded, FaceAmount: f.FaceAmount, Usage: f.Usage, At: began,
	}
}

// advance folds the entries up to the sequence. They don't change any more, so this needs no snapshot.
func (a *auditor) advance(f *batchFold, upTo int64) error {
	for f.LedgerSeq < upTo {
		t := newTouched()
		from := f.LedgerSeq
		n, err := entryRange{f.BatchID, from, upTo}.read(a.db, func(e *auditEntry) {
			check(a.about(1, f.BatchID), "next ledger entry", f.LedgerSeq+1, e.BatchSeq)
			f.Apply(e.LedgerEntry)
			if e.Kind == models.EntryStocked {
				f.stocked += e.Count
			}
			if f.parts != nil {
				f.parts.add(e)
			}
			t.add(e, f.parts == nil, a.scope.Incremental)
		})
		if err != nil {
			return err
		}
		if n == 0 {
			a.about(1, f.BatchID).differ("ledger entries up to", upTo, f.LedgerSeq)
			return nil
		}
		a.Entries += int64(n)
		if err := a.auditTouched(f, t); err != nil {
			return err
		}
	}
	return nil
}

func (a *auditor) compareBatch(c models.BatchCounter, f *batchFold, batch models.Batch) error {
	check(a.about(1, c.BatchID), "issued", f.Issued, c.Issued)
	check(a.about(1, c.BatchID), "kept for codes", f.Coded, c.Coded)
	check(a.about(1, c.BatchID), "face values", f.FaceAmount, c.FaceAmount)
	check(a.about(1, c.BatchID), "usage", f.Usage, c.Usage)
	if c.Quantity != nil {
		check(a.about(1, c.BatchID), "remaining", f.stocked-f.Issued-f.Coded, c.Remaining)
		check(a.about(1, c.BatchID), "issued + kept for codes + remaining", *c.Quantity, c.Issued+c.Coded+c.Remaining)
		check(a.about(1, c.BatchID), "quantity", f.stocked, *c.Quantity)
	}
	if c.Remaining < 0 {
		a.about(1, c.BatchID).differ("remaining", "0 or more", c.Remaining)
	}
	if most := batch.Caps.Batch.Amount; batch.FaceMin > 0 && most != nil && c.FaceAmount > *most {
		a.about(1, c.BatchID).differ("face values", fmt.Sprintf("at most %d", *most), c.FaceAmount)
	}
	return a.compareCap(userDay{batchID: c.BatchID}, batch.Caps.Batch, c.Usage)
}

// compareCap reports a cap that is passed by more than was accepted to be. Without a user it is the batch's.
func (a *auditor) compareCap(of userDay, limit models.Cap, use models.Usage) error {
	tooOften := limit.Uses != nil && use.Uses() > *limit.Uses
	tooMuch := limit.Amount != nil && use.Amount() > *limit.Amount
	if !tooOften && !tooMuch {
		return nil
	}
	accepted, err := a.overruns(of)
	if err != nil {
		return err
	}
	subject := of.batchID
	if of.userID != "" {
		subject += "/" + of.userID + "/" + of.day
	}
	if tooOften && use.Uses() > *limit.Uses+accepted.Count {
		a.about(1, subject).differ("uses", fmt.Sprintf("at most %d", *limit.Uses+accepted.Count), use.Uses())
	}
	if tooMuch && use.Amount() > *limit.Amount+accepted.Amount {
		a.about(1, subject).differ("amount", fmt.Sprintf("at most %d", *limit.Amount+accepted.Amount), use.Amount())
	}
	return nil
}

// overruns sums what callers accepted beyond caps, and what came to a user from others who were merged into this one. Hardly any
// batch has such entries, so no index is kept for them.
func (a *auditor) overruns(of userDay) (sum models.LedgerEntry, err error) {
	q := a.db.Model(&models.LedgerEntry{}).Where("batch_id = ? AND kind IN ?", of.batchID, []models.EntryKind{models.EntryOverrun, models.EntryCarried})
	if of.userID != "" {
		q = q.Where("user_id = ?", of.userID)
	}
	if of.day != "" {
		q = q.Where("`day` = ?", of.day)
	}
	return sum, q.Select("COALESCE(SUM(`count`), 0) AS `count`, COALESCE(SUM(amount), 0) AS amount").Scan(&sum).Error
}
