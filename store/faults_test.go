package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// trial is one operation on data of its own.
type trial struct {
	run  func(ctx context.Context, s *store.Store) (answer string, err error)
	id   string                                    // of the redemption it moves, if look is nil
	look func(t *testing.T, s *store.Store) string // what it left, without ids and times
}

// looks says what each trial left.
func looks(t *testing.T, s *store.Store, trials []trial) []string {
	t.Helper()
	var ids []string
	for _, try := range trials {
		if try.look == nil {
			ids = append(ids, try.id)
		}
	}
	found := map[string]string{}
	if len(ids) > 0 {
		found = pictures(t, s, ids...)
	}
	all := make([]string, len(trials))
	for i, try := range trials {
		all[i] = found[try.id]
		if try.look != nil {
			all[i] = try.look(t, s)
		}
	}
	return all
}

// operation makes n trials that differ in ids only.
type operation struct {
	name string
	make func(w *world, n int) []trial
}

// alone reports whether the operation looks at what others may have made due.
func (o operation) alone() bool {
	return slices.Contains([]string{"Due", "ClaimMessages", "TidyAudiences", "DueReminders", "TidyReminders"}, o.name)
}

// TestFaults strikes every operation at each of its statements with each fault. A fault inside a transaction must not be
// seen at all; one in a read before it may be answered by "unavailable", and then the caller's retry must succeed. The
// answer, and what is in the tables, must be what they are without a fault.
func TestFaults(t *testing.T) {
	t.Parallel()
	shared, s := migrated(t) // ExpireHolds looks at everybody's holds
	for _, op := range allOperations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			dsn, s := shared, s
			if op.alone() {
				dsn, s = migrated(t)
			}
			faults := &storetest.Faults{}
			struck := storetest.Open(t, store.Options{MySQL: dsn, MaxConns: 2, Wrap: faults.Wrap})
			w := newWorld(t, s, storetest.BatchSpec{Caps: models.Caps{UserDay: models.Cap{Uses: new(int64(1_000_000))}}})
			first := op.make(w, 1)
			faults.Arm(0, storetest.Deadlock)
			want, err := first[0].run(t.Context(), struck)
			require.NoError(t, err)
			statements := faults.Disarm()
			left := looks(t, w.s, first)[0]

			trials := op.make(w, len(statements)*len(storetest.AllFaults()))
			what := make([]string, len(trials))
			for i := range statements {
				for n, fault := range storetest.AllFaults() {
					at := i*len(storetest.AllFaults()) + n
					try := trials[at]
					what[at] = fmt.Sprintf("%s at %d: %.80s", fault, i+1, statements[i])
					faults.Arm(i+1, fault)
					answer, err := try.run(t.Context(), struck)
					require.Greater(t, len(faults.Disarm()), i, "%s: was not reached", what[at])
					if err != nil && !inTransaction(statements, i) {
						requireCode(t, models.CodeUnavailable, err, what[at])
						answer, err = try.run(t.Context(), struck)
					}
					require.NoError(t, err, what[at])
					assert.Equal(t, want, answer, what[at])
				}
			}
			for i, got := range looks(t, w.s, trials) {
				assert.Equal(t, left, got, what[i])
			}
			assert.Empty(t, faults.Breaches(), "sent after an error")
			w.AuditClean(append(w.more, w.batch.ID)...)
		})
	}
}

// migrated is a database of its own.
func migrated(t *testing.T) (dsn string, s *store.Store) {
	t.Helper()
	dsn = storetest.OwnDSN(t)
	return dsn, storetest.Open(t, store.Options{MySQL: dsn})
}

// inTransaction reports whether the statement is one of BEGIN … COMMIT.
func inTransaction(statements []string, at int) bool {
	for i := at; i < len(statements); i++ {
		if statements[i] == "COMMIT" {
			return true
		}
		if i > at && statements[i] == "BEGIN" {
			return false
		}
	}
	return false
}
