package store

import (
	"context"
	"database/sql"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

const (
	auditSlice = 1000   // bounds how many rows, or keys of an IN list, an audit reads at once
	auditPart  = 50_000 // bounds how many coupons, and how many user counters, one snapshot reads
	auditShows = 1000   // how many differences a report lists
)

// AuditScope says what to check. The zero value is everything, from the first ledger entry on.
type AuditScope struct {
	BatchIDs []string // only these batches, their coupons, and the redemptions of those
	// Incremental checks what was written since the checkpoint of each batch: its counters, and the coupons, users and
	// redemptions that new entries name. A batch without a checkpoint is checked as a whole.
	Incremental bool
	Remember    bool // write a checkpoint for each batch that is clean
}

func (s AuditScope) mode() models.AuditMode {
	if s.Incremental {
		return models.AuditIncremental
	}
	return models.AuditFull
}

// AuditSlice is a part of an audit that one call does.
type AuditSlice struct {
	AuditScope
	After string // the id up to which the slices before have come
	Limit int    // how many batches or redemptions. 0: 1,000
}

// Audit checks invariants 1 to 5 and repairs nothing. Writes may go on: what is compared is read in one snapshot each, the
// ledger up to the sequence that the snapshot shows.
func (s *Store) Audit(ctx context.Context, scope AuditScope) (models.AuditReport, error) {
	a := s.newAuditor(ctx, scope)
	began := time.Now()
	for _, step := range []func(AuditSlice) (string, error){a.auditBatches, a.auditRedemptions} {
		for next, more := "", true; more; more = next != "" {
			var err error
			if next, err = step(AuditSlice{AuditScope: scope, After: next}); err != nil {
				return a.AuditReport, asError(err)
			}
		}
	}
	a.TookMS = time.Since(began).Milliseconds()
	return a.AuditReport, nil
}

// AuditBatches checks some batches, by id, and returns the id to go on after; "" when there are no more.
func (s *Store) AuditBatches(ctx context.Context, in AuditSlice) (models.AuditReport, string, error) {
	return s.auditSlice(ctx, in, (*auditor).auditBatches)
}

// AuditRedemptions checks some redemptions, by id, and returns the id to go on after; "" when there are no more. An
// incremental audit has nothing to do here: it checks redemptions with their batches.
func (s *Store) AuditRedemptions(ctx context.Context, in AuditSlice) (models.AuditReport, string, error) {
	return s.auditSlice(ctx, in, (*auditor).auditRedemptions)
}

func (s *Store) auditSlice(ctx context.Context, in AuditSlice, step func(*auditor, AuditSlice) (string, error)) (models.AuditReport, string, error) {
	a := s.newAuditor(ctx, in.AuditScope)
	began := time.Now()
	next, err := step(a, in)
	a.TookMS = time.Since(began).Milliseconds()
	return a.AuditReport, next, asError(err)
}

type auditor struct {
	store *Store
	db    *gorm.DB // outside of any snapshot
	scope AuditScope
	told  map[models.Difference]bool
	seed  maphash.Seed
	models.AuditReport
}

func (s *Store) newAuditor(ctx context.Context, scope AuditScope) *auditor {
	return &auditor{
		store: s, db: s.db.WithContext(ctx), scope: scope, told: map[models.Difference]bool{}, seed: maphash.MakeSeed(),
		AuditReport: models.AuditReport{Mode: scope.mode(), Differences: []models.Difference{}},
	}
}

// snapshot runs fn in a transaction in which every read sees the same instant. Keep it short: the server keeps every
// version of every row for as long as it lasts.
func (a *auditor) snapshot(fn func(db *gorm.DB) error) error {
	options := &sql.TxOptions{ReadOnly: true} // on SQLite: not one that writes
	if a.store.dialect == MySQL {
		options.Isolation = sql.LevelRepeatableRead
	}
	return a.db.Transaction(fn, options)
}

// finding is what an invariant is checked for.
type finding struct {
	a         *auditor
	invariant int
	subject   string
}

func (a *auditor) about(invariant int, subject string) finding { return finding{a, invariant, subject} }

func (f finding) differ(what string, want, got any) {
	d := models.Difference{Invariant: f.invariant, Subject: f.subject, What: what, Want: fmt.Sprint(want), Got: fmt.Sprint(got)}
	if f.a.told[d] {
		return
	}
	if len(f.a.told) < auditShows {
		f.a.told[d] = true
	}
	f.a.Add(d, auditShows)
}

// check reports a difference when want and got are not equal.
func check[T comparable](f finding, what string, want, got T) {
	if want != got {
		f.differ(what, want, got)
	}
}

// auditBatches checks invariants 1 and 2 for each batch; an incremental audit also the redemptions of new entries.
func (a *auditor) auditBatches(in AuditSlice) (next string, err error) {
	limit := in.limit()
	q := a.db.Model(&models.BatchCounter{}).Where("batch_id > ?", in.After)
	if len(in.BatchIDs) > 0 {
		q = q.Where("batch_id IN ?", in.BatchIDs)
	}
	var ids []string
	if err := q.Order("batch_id").Limit(limit).Pluck("batch_id", &ids).Error; err != nil {
		return "", err
	}
	for _, id := range ids {
		if err := a.auditBatch(id); err != nil {
			return "", err
		}
	}
	return lastOf(ids, limit), nil
}

func (in AuditSlice) limit() int {
	if in.Limit == 0 {
		return auditSlice
	}
	return in.Limit
}

// lastOf is the id to go on after; "" when the slice wasn't full.
func lastOf(ids []string, limit int) string {
	if len(ids) < limit {
		return ""
	}
	return ids[len(ids)-1]
}

// inSlices hands the distinct keys to fn, some at a time.
func inSlices(keys []string, fn func(keys []string) error) error {
	for some := range slices.Chunk(distinct(keys), auditSlice) {
		if err := fn(some); err != nil {
			return err
		}
	}
	return nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
