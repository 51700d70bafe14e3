package store_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// While a batch never rests nothing false is found, by a full audit and by incremental ones; and what is wrong with a user
// counter is found nevertheless.
func TestAuditWhileWritesGoOn(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Caps: models.Caps{User: models.Cap{Amount: new(int64(1 << 40))}}})
		damaged := w.user
		holdOf := func(user string) {
			p := w.Plan(models.KindHold, w.Claim(w.batch.ID, user))
			out := openHold(t, s, p)
			if assert.Nil(t, out.Err) {
				assert.NoError(t, confirmHold(t, s, out.Redemption.ID, nil))
			}
		}
		holdOf(damaged)
		ctx, cancel := context.WithCancel(t.Context())
		var writers sync.WaitGroup
		defer writers.Wait() // whatever fails before: nobody writes for a test that has ended
		defer cancel()
		var written atomic.Int64
		crowd := 3
		if s.Dialect() == store.SQLite {
			crowd = 1 // a file lets one write at a time, and more of them keep each other out
		}
		for range crowd {
			user := w.User()
			writers.Go(func() {
				for ctx.Err() == nil {
					holdOf(user)
					written.Add(1)
				}
			})
		}
		for range 5 {
			before := written.Load()
			require.Eventually(t, func() bool { return written.Load() > before }, time.Minute, time.Millisecond)
			report := audit(t, s, store.AuditScope{})
			assert.Empty(t, report.Differences)
			assert.Greater(t, report.Entries, before, "the batch doesn't rest")
			assert.Empty(t, audit(t, s, incrementally).Differences)
		}
		exec(t, s, "UPDATE user_counters SET used_count = used_count + 1 WHERE day = '' AND user_id = ?", damaged)
		report := audit(t, s, store.AuditScope{})
		cancel()
		writers.Wait()
		require.Len(t, report.Differences, 2, "%v", report.Differences)
		assert.Equal(t, w.batch.ID+"/"+damaged+"/", report.Differences[1].Subject)
		exec(t, s, "UPDATE user_counters SET used_count = used_count - 1 WHERE day = '' AND user_id = ?", damaged)
		assert.Empty(t, audit(t, s, store.AuditScope{}).Differences)
	})
}
