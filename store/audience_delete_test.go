package store_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// An audience that a distribution has yet to write down stays; written down, or given up, it isn't needed any more.
func TestDeleteAudienceOfADistribution(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		distributed := func() (audience string, d models.Distribution) {
			audience = audienceOf(t, s, crowdOf(t, s, 3))
			d = w.distribute(nil, func(n *store.NewDistribution) { n.AudienceID = &audience })
			return audience, d
		}
		remove := func(id string) error { return s.DeleteAudience(t.Context(), id, models.AuditRecord{}) }
		audience, d := distributed()
		requireCode(t, models.CodeStateConflict, remove(audience))
		d, err := s.MaterialiseDistribution(t.Context(), d.ID, 10)
		require.NoError(t, err)
		require.NoError(t, remove(audience))
		assert.Equal(t, int64(3), w.finish(d.ID, 10).Issued)

		audience, d = distributed()
		_, err = s.ChangeDistribution(t.Context(), store.DistributionChange{ID: d.ID, Action: store.CancelDistribution})
		require.NoError(t, err)
		require.NoError(t, remove(audience))
		_, err = s.CreateDistribution(t.Context(), store.NewDistribution{Distribution: models.Distribution{BatchID: w.batch.ID, AudienceID: &audience}})
		requireCode(t, models.CodeNotFound, err)
	})
}

// Deleted and distributed at the same time: either there is no distribution, or its audience is there.
func TestDeleteAudienceRaces(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		for range 8 {
			audience := audienceOf(t, s, []string{w.user})
			together(2, func(i int) {
				if i == 0 {
					_ = s.DeleteAudience(t.Context(), audience, models.AuditRecord{})
				} else {
					_, _ = s.CreateDistribution(t.Context(), store.NewDistribution{Distribution: models.Distribution{BatchID: w.batch.ID, AudienceID: &audience}})
				}
			})
			assert.Equal(t, []string{"1"}, query(t, s, "SELECT (SELECT COUNT(*) FROM audiences WHERE id = ?) + "+
				"(SELECT COUNT(*) FROM audience_remains WHERE audience_id = ?)", audience, audience))
			assert.Empty(t, query(t, s, "SELECT d.id FROM distributions d LEFT JOIN audiences a ON a.id = d.audience_id WHERE d.audience_id = ? AND a.id IS NULL", audience))
		}
	})
}

// A deleted audience is gone at once, its members bit by bit; who is merged meanwhile is not in the way.
func TestDeletedAudienceGoesInSlices(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		users := crowdOf(t, s, 7)
		a := audienceOf(t, s, users)
		require.NoError(t, s.DeleteAudience(t.Context(), a, models.AuditRecord{}))
		_, err := s.Audience(t.Context(), a)
		requireCode(t, models.CodeNotFound, err)
		var slices []int
		for n := 1; n > 0; {
			n, err = s.TidyAudiences(t.Context(), 3)
			require.NoError(t, err)
			slices = append(slices, n)
			if len(slices) == 1 {
				require.NoError(t, merged(t, s, users[4], users[5]))
			}
		}
		assert.Equal(t, []int{3, 3, 1, 0}, slices)
		assert.Empty(t, query(t, s, "SELECT pos FROM audience_members WHERE audience_id = ?", a))
	})
}
