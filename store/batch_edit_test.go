package store_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// edits changes the batch as it is now.
func (w *world) edits(change func(b *models.Batch)) error {
	w.t.Helper()
	row, err := w.s.Batch(w.t.Context(), w.batch.ID)
	require.NoError(w.t, err)
	change(&row.Batch)
	_, err = w.s.EditBatch(w.t.Context(), store.BatchEdit{Batch: row.Batch, Seen: row.Counter.ConfigVersion, Audit: models.AuditRecord{Action: "batch.edit"}})
	return err
}

// A cap that is set while customers use the batch is never below what they have, and never passed afterwards.
func TestCapsInACrowd(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(c *models.Caps, most int64){
		"of the batch and the user": func(c *models.Caps, most int64) { c.Batch.Uses, c.User.Uses = &most, &most },
		"of the user":               func(c *models.Caps, most int64) { c.User.Uses = &most },
		"of the user and the day":   func(c *models.Caps, most int64) { c.User.Uses, c.UserDay.Uses = &most, &most },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			capInACrowd(t, set)
		})
	}
}

func capInACrowd(t *testing.T, lower func(c *models.Caps, most int64)) {
	t.Helper()
	s, faults := watched(t)
	w := newWorld(t, s, storetest.BatchSpec{Caps: models.Caps{User: models.Cap{Uses: new(int64(100))}}})
	plans := w.plans(models.KindHold, 24)
	set := 0
	together(len(plans)+1, func(i int) {
		if i < len(plans) {
			out, err := s.OpenHolds(t.Context(), plans[i:i+1])
			if assert.NoError(t, err) && out[0].Err != nil {
				assert.Contains(t, []models.Code{models.CodeUsesExhausted, models.CodeUserLimit}, out[0].Err.Code)
			}
			return
		}
		for most := int64(1); most <= 24 && set == 0; most++ {
			err := w.edits(func(b *models.Batch) { lower(&b.Caps, most) })
			switch models.CodeOf(err) {
			case "":
				set = int(most)
			case models.CodeCapBelowUse, models.CodeStateConflict:
			default:
				assert.NoError(t, err)
			}
		}
	})
	row, err := s.Batch(t.Context(), w.batch.ID)
	require.NoError(t, err)
	require.Positive(t, set)
	assert.LessOrEqual(t, row.Counter.Uses(), int64(set))
	w.AuditClean(w.batch.ID)
	requireNoDeadlock(t, faults)
}

// Two who edit the same version: one is told that the other was first. The same edit again changes nothing.
func TestEditsMeet(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		row, err := s.Batch(t.Context(), w.batch.ID)
		require.NoError(t, err)
		edit := func(name string) error {
			b := row.Batch
			b.Name = name
			_, err := s.EditBatch(t.Context(), store.BatchEdit{Batch: b, Seen: row.Counter.ConfigVersion, Audit: models.AuditRecord{Action: "batch.edit"}})
			return err
		}
		require.NoError(t, edit("a"))
		require.NoError(t, edit("a"))
		requireCode(t, models.CodeStateConflict, edit("b"))
		log, err := s.AuditLog(t.Context(), w.batch.ID)
		require.NoError(t, err)
		assert.Len(t, log, 2, "published, and edited once")
		w.batch.Name, row.Name = "a", "a"
		now, err := s.Batch(t.Context(), w.batch.ID)
		require.NoError(t, err)
		assert.Equal(t, "a", now.Name)
		assert.Equal(t, now.Counter.ConfigVersion, now.ConfigVersion)
	})
}

// Fewer coupons for each customer can't be allowed than somebody has by an identity that counts.
func TestLimitBelowUse(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{ClaimsPerUser: 3, LimitBy: []models.LimitKind{models.LimitEmail}})
		w.user = w.mailUser()
		w.coupons(2)
		requireCode(t, models.CodeCapBelowUse, w.edits(func(b *models.Batch) { b.ClaimsPerUser = 1 }))
		require.NoError(t, w.edits(func(b *models.Batch) { b.ClaimsPerUser = 2 }))
		requireCode(t, models.CodeStateConflict, w.edits(func(b *models.Batch) { b.LimitBy, b.ClaimsPerUser = nil, 0 }))
		out, err := s.Claim(t.Context(), w.claims(1))
		require.NoError(t, err)
		assert.Equal(t, models.CodeUserLimit, code(out[0].Err))
		w.AuditClean(w.batch.ID)
	})
}
