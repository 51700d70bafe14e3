package store_test

import (
	"context"
	"fmt"
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
	look func(t *testing.T, s *store.Store) string // what it left, without ids and times
}

// operation makes n trials that differ in ids only.
type operation struct {
	name string
	make func(w *world, n int) []trial
}

// TestFaults strikes every operation at each of its statements with each fault. A fault inside a transaction must not be
// seen at all; one in a read before it may be answered by "unavailable", and then the caller's retry must succeed. The
// answer, and what is in the tables, must be what they are without a fault.
func TestFaults(t *testing.T) {
	t.Parallel()
	dsn := storetest.EmptyDSN(t) // some operations look at everybody's rows
	require.NoError(t, storetest.Open(t, store.Options{MySQL: dsn}).MigrateUp(t.Context()))
	for _, op := range allOperations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			faults := &storetest.Faults{}
			struck := storetest.Open(t, store.Options{MySQL: dsn, MaxConns: 2, Wrap: faults.Wrap})
			w := newWorld(t, storetest.Open(t, store.Options{MySQL: dsn, MaxConns: 2}), storetest.BatchSpec{
				Caps: models.Caps{UserDay: models.Cap{Uses: new(int64(1_000_000))}},
			})
			first := op.make(w, 1)[0]
			faults.Arm(0, storetest.Deadlock)
			answer, err := first.run(t.Context(), struck)
			require.NoError(t, err)
			statements := faults.Disarm()
			want := answer + "\n" + first.look(t, w.s)

			trials := op.make(w, len(statements)*len(storetest.AllFaults()))
			for i := range statements {
				for n, fault := range storetest.AllFaults() {
					try := trials[i*len(storetest.AllFaults())+n]
					what := fmt.Sprintf("%s at %d: %.80s", fault, i+1, statements[i])
					faults.Arm(i+1, fault)
					answer, err := try.run(t.Context(), struck)
					require.Greater(t, len(faults.Disarm()), i, "%s: was not reached", what)
					if err != nil && !inTransaction(statements, i) {
						requireCode(t, models.CodeUnavailable, err, what)
						answer, err = try.run(t.Context(), struck)
					}
					require.NoError(t, err, what)
					assert.Equal(t, want, answer+"\n"+try.look(t, w.s), what)
				}
			}
			assert.Empty(t, faults.Breaches(), "sent after an error")
			w.AuditClean(w.batch.ID)
		})
	}
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
