package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/tearoff/tearoff/models"
)

// maxTries bounds how often one transaction is begun. Conflicts on a healthy store end after one or two.
const maxTries = 6

// txn is a transaction under way.
type txn struct {
	*gorm.DB
	store   *Store
	clock   models.Time
	again   bool            // an earlier run of it failed, or its COMMIT is unknown
	changes map[string]bool // ids of the users and batches whose coupons and counters it changes
	events  []models.Event  // what it tells of, see emit
	heard   *listening      // who listens; nil: not asked yet
}

// tx runs fn in one transaction and runs it again from BEGIN when the database asks for that or the connection is lost.
// fn must therefore find by key what an earlier run of it may have committed. After any error nothing more is sent but
// ROLLBACK: MySQL has rolled back the whole transaction, or only the last statement, and which depends on the error.
func (s *Store) tx(ctx context.Context, fn func(tx *txn) error) error {
	var err error
	changes := map[string]bool{}
	for try := range maxTries {
		if try > 0 && !pause(ctx, try) {
			break
		}
		err = s.db.WithContext(ctx).Transaction(func(db *gorm.DB) error {
			tx := &txn{DB: db, store: s, again: try > 0, changes: changes}
			if err := fn(tx); err != nil {
				return err
			}
			return tx.writeEvents()
		})
		if err == nil || (!retryable(err) && !duplicate(err)) {
			break
		}
		s.log.DebugContext(ctx, "transaction begins again", "try", try+1, "reason", reason(err))
	}
	s.hot.changed(changes)
	answer := asError(err)
	if models.CodeOf(answer) == models.CodeInternal {
		s.log.ErrorContext(ctx, "transaction failed", "reason", reason(err))
	}
	return answer
}

// pause waits a little longer each time, jittered so that those who collided don't meet again. It reports false when the
// caller gave up.
func pause(ctx context.Context, try int) bool {
	step := 2 * time.Millisecond << min(try, 6)
	timer := time.NewTimer(step/2 + rand.N(step))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// now is the database's clock, read once per transaction. Call it after locking: what is judged by it must not have
// waited for a lock since.
func (tx *txn) now() (models.Time, error) {
	if !tx.clock.IsZero() {
		return tx.clock, nil
	}
	err := tx.Raw(tx.store.clockSQL()).Row().Scan(&tx.clock)
	return tx.clock, err
}

// locked makes a read take row locks in the order of its ORDER BY. SQLite has one writer at a time anyway.
func (tx *txn) locked() *gorm.DB {
	return tx.Clauses(clause.Locking{Strength: "UPDATE"})
}

// shared is a read whose rows nobody changes until the end of the transaction; others may read them so too.
func (tx *txn) shared() *gorm.DB {
	return tx.Clauses(clause.Locking{Strength: "SHARE"})
}

// free is locked without waiting: rows that somebody else has locked are left out, so that one of them can't stop a sweep.
func (tx *txn) free() *gorm.DB {
	return tx.Clauses(clause.Locking{Strength: "UPDATE", Options: "SKIP LOCKED"})
}

// guard runs an UPDATE whose WHERE clause is a compare-and-set over want rows. Another count means that a row was not as
// it was when this transaction read it under lock, which is a fault of ours.
func (tx *txn) guard(want int64, sql string, args ...any) error {
	return guarded(tx.Exec(sql, args...), want)
}

// guarded is guard for an UPDATE that was written in another way.
func guarded(res *gorm.DB, want int64) error {
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected != want {
		return fmt.Errorf("store: a guarded update changed %d rows, not %d", res.RowsAffected, want)
	}
	return nil
}

// Now returns the database's clock.
func (s *Store) Now(ctx context.Context) (models.Time, error) {
	var t models.Time
	err := s.db.WithContext(ctx).Raw(s.clockSQL()).Row().Scan(&t)
	return t, asError(err)
}

// written reports whether an earlier run of this transaction has written the row, its COMMIT being unknown. It is for rows
// that the caller has no key for.
func (tx *txn) written(row any, where string, args ...any) (bool, error) {
	if !tx.again {
		return false, nil
	}
	var n int64
	err := tx.Model(row).Where(where, args...).Count(&n).Error
	return n > 0, err
}
