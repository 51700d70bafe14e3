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

// strike is a fault at one of an operation's statements, counted from 0.
type strike struct {
	fault storetest.Fault
	at    int
}

// alone reports whether the operation looks at what others may have made due.
func (o operation) alone() bool {
	return slices.Contains([]string{"Due", "ClaimMessages", "TidyAudiences", "DueReminders", "TidyReminders"}, o.name)
}

// TestFaults strikes every operation at each of its statements with each fault that matters there. A fault inside a transaction must not be
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

			var strikes []strike
			for i := range statements {
				for _, fault := range storetest.AllFaults() {
					if fault.Matters(statements, i) {
						strikes = append(strikes, strike{fault, i})
					}
				}
			}
			trials := op.make(w, len(strikes))
			what := make([]string, len(trials))
			for n, x := range strikes {
				what[n] = fmt.Sprintf("%s at %d: %.80s", x.fault, x.at+1, statements[x.at])
				faults.Arm(x.at+1, x.fault)
				answer, err := trials[n].run(t.Context(), struck)
				require.Greater(t, len(faults.Disarm()), x.at, "%s: was not reached", what[n])
				if err != nil && !storetest.InTransaction(statements, x.at) {
					requireCode(t, models.CodeUnavailable, err, what[n])
					answer, err = trials[n].run(t.Context(), struck)
				}
				require.NoError(t, err, what[n])
				assert.Equal(t, want, answer, what[n])
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
