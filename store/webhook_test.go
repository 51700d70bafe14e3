package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// due is what can be sent to the endpoint now.
func (e *ear) due(limit int) store.Due {
	e.t.Helper()
	due, err := e.s.DueDeliveries(e.t.Context(), e.ID, limit)
	require.NoError(e.t, err)
	return due
}

// ends records one try of each.
func (e *ear) ends(failure models.DeliveryFailure, status int, deliveries ...store.DueDelivery) models.WebhookEndpoint {
	e.t.Helper()
	attempts := make([]store.DeliveryAttempt, len(deliveries))
	for i, d := range deliveries {
		attempts[i] = store.DeliveryAttempt{EventID: d.EventID, Seen: d.Seq, Status: status, Failure: failure, Took: 7 * time.Millisecond}
	}
	after, err := e.s.RecordAttempts(e.t.Context(), e.ID, attempts)
	require.NoError(e.t, err)
	return after
}

// late makes all that waits due, and lets the endpoint be asked.
func (e *ear) late() {
	exec(e.t, e.s, "UPDATE webhook_deliveries SET due_at = created_at, seq = seq + 1 WHERE due_at IS NOT NULL AND endpoint_id = ?", e.ID)
	exec(e.t, e.s, "UPDATE webhook_endpoints SET retry_at = NULL, seq = seq + 1 WHERE id = ?", e.ID)
}

func TestDueInOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := listen(t, s, storetest.BatchSpec{}, "hold.*")
		holds := e.ownHolds(2)
		_, err := s.CancelHolds(t.Context(), []string{holds[0]})
		require.NoError(t, err)
		first := e.due(10).Deliveries
		require.Len(t, first, 2, "of each hold the first event alone")
		assert.Equal(t, []models.EventType{models.EventHoldOpened, models.EventHoldOpened}, types(first))
		require.Len(t, e.due(1).Deliveries, 1)
		of := func(all []store.DueDelivery, hold string) store.DueDelivery {
			for _, d := range all {
				if d.Subject == hold {
					return d
				}
			}
			require.Fail(t, "nothing of the hold")
			return store.DueDelivery{}
		}
		e.ends(models.FailureStatus, 500, of(first, holds[0]))
		second := e.due(10).Deliveries
		require.Len(t, second, 1, "what follows a failed one waits, the other hold's doesn't")
		assert.Equal(t, holds[1], second[0].Subject)
		e.late()
		e.ends("", 200, of(e.due(10).Deliveries, holds[0]))
		assert.Equal(t, models.EventHoldCancelled, of(e.due(10).Deliveries, holds[0]).Type)
		for i := range 2 {
			ids, err := s.DueEndpoints(t.Context(), 1000)
			require.NoError(t, err)
			assert.Equal(t, i == 0, slices.Contains(ids, e.ID), "its workflow is started once in a while")
		}
		e.ends("", 200, e.due(10).Deliveries...)
		assert.Empty(t, e.due(10).Deliveries)
		exec(t, s, "UPDATE webhook_endpoints SET sweep_at = NULL WHERE id = ?", e.ID)
		ids, err := s.DueEndpoints(t.Context(), 1000)
		require.NoError(t, err)
		assert.NotContains(t, ids, e.ID)
	})
}

// ownHolds opens holds of the endpoint's merchant.
func (e *ear) ownHolds(n int) []string {
	e.t.Helper()
	return names(e.hold(n, func(p *models.Plan) { p.Redemption.MerchantID = e.batch.MerchantID }), func(r models.Redemption) string { return r.ID })
}

// An attempt that was recorded by somebody else counts once.
func TestAttemptsAreRecordedOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := listen(t, s, storetest.BatchSpec{}, "batch.published")
		d := e.due(10).Deliveries[0]
		e.ends(models.FailureTimeout, 0, d)
		e.ends(models.FailureTimeout, 0, d)
		got := e.heard()[0]
		assert.Equal(t, 1, got.Attempts)
		assert.Equal(t, models.FailureTimeout, got.Failure)
		assert.EqualValues(t, 7, got.DurationMS)
		wait := got.DueAt.Sub(got.TriedAt.Time)
		assert.InDelta(t, 5*time.Second, wait, float64(time.Second))
	})
}

func TestGivenUp(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := listen(t, s, storetest.BatchSpec{}, "batch.*")
		_, err := s.ChangeBatch(t.Context(), store.BatchChange{BatchID: e.batch.ID, To: models.BatchEnded})
		require.NoError(t, err)
		for range 11 {
			e.late()
			due := e.due(10).Deliveries
			require.Len(t, due, 1)
			require.Equal(t, models.EventBatchPublished, due[0].Type)
			e.ends(models.FailureConnect, 0, due[0])
		}
		all := e.heard()
		assert.Equal(t, models.DeliveryGivenUp, all[0].State)
		assert.False(t, all[0].EndedAt.IsZero())
		e.late()
		assert.Equal(t, models.EventBatchEnded, e.due(10).Deliveries[0].Type, "its subject goes on")
	})
}

// After failures in a row one delivery at a time is tried, and none for a while; after a day of them, none at all.
func TestSparedAndDisabled(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := listen(t, s, storetest.BatchSpec{}, "coupon.claimed")
		other := &ear{world: e.world, WebhookEndpoint: endpointOf(t, s, e.batch.MerchantID, "webhook.*")}
		e.coupons(20)
		after := e.ends(models.FailureStatus, 503, e.due(4).Deliveries...)
		assert.True(t, after.RetryAt.IsZero())
		assert.Len(t, e.due(100).Deliveries, 16)
		after = e.ends(models.FailureStatus, 503, e.due(1).Deliveries...)
		assert.Equal(t, models.EndpointTrips, after.Failures)
		assert.False(t, after.RetryAt.IsZero())
		assert.Empty(t, e.due(100).Deliveries, "spared")
		e.late()
		probe := e.due(100).Deliveries
		require.Len(t, probe, 1)
		after = e.ends("", 204, probe...)
		assert.Zero(t, after.Failures)
		assert.True(t, after.FailingSince.IsZero())
		assert.Len(t, e.due(100).Deliveries, 19)

		e.ends(models.FailureStatus, 503, e.due(5).Deliveries...)
		exec(t, s, "UPDATE webhook_endpoints SET failing_since = '2020-01-01 00:00:00.000000' WHERE id = ?", e.ID)
		e.late()
		after = e.ends(models.FailureStatus, 503, e.due(1).Deliveries...)
		assert.Equal(t, models.EndpointDisabled, after.State)
		assert.Equal(t, models.EndpointFailing, after.Reason)
		assert.Empty(t, e.due(100).Deliveries)
		told := other.heard()
		require.Equal(t, []models.EventType{models.EventWebhookDisabled}, types(told))
		assert.Equal(t, models.EndpointEvent{EndpointID: e.ID, Reason: models.EndpointFailing}, data[models.EndpointEvent](t, told[0]))
		enabled, err := s.ChangeEndpoint(t.Context(), store.EndpointChange{ID: e.ID, State: models.EndpointEnabled})
		require.NoError(t, err)
		assert.Zero(t, enabled.Failures)
		e.late()
		assert.Len(t, e.due(100).Deliveries, 19)
	})
}

func TestGone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := listen(t, s, storetest.BatchSpec{}, "batch.*")
		after := e.ends(models.FailureStatus, 410, e.due(1).Deliveries...)
		assert.Equal(t, models.EndpointDisabled, after.State)
		assert.Equal(t, models.EndpointGone, after.Reason)
	})
}

// Events that nobody was to be told of here, but somebody else, can be sent here later, in slices.
func TestReplaySince(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := listen(t, s, storetest.BatchSpec{}, "coupon.claimed")
		e.coupons(5)
		first := e.due(1).Deliveries[0]
		e.ends("", 200, first)
		late := &ear{world: e.world, WebhookEndpoint: endpointOf(t, s, e.batch.MerchantID, "coupon.*")}
		since := first.CreatedAt.Add(-time.Minute)
		for _, x := range []*ear{e, late} {
			require.Eventually(t, func() bool { // ids are as fine as milliseconds
				_, err := s.ReplayEvents(t.Context(), x.ID, since, models.AuditRecord{})
				require.NoError(t, err)
				for more := true; more; {
					more, err = s.ReplaySlice(t.Context(), x.ID, 2)
					require.NoError(t, err)
				}
				return len(x.due(100).Deliveries) == 5
			}, 5*time.Second, 5*time.Millisecond)
			assert.Len(t, x.heard(), 5)
		}
	})
}

func TestPruned(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		e := listen(t, s, storetest.BatchSpec{Draft: true}, "coupon.claimed")
		old := func(days int) string { return models.EventIDAt(time.Now().Add(-time.Duration(days) * 24 * time.Hour)) }
		at := models.NewTime(time.Now().Add(-8 * 24 * time.Hour))
		insert := func(state models.DeliveryState, days int, due, ended models.Time) {
			exec(t, s, "INSERT INTO events (id, type, at, merchant_id, subject, subject_seq, data) VALUES (?, 'coupon.claimed', ?, 'm', 's', 1, '{}')", old(days), at)
			exec(t, s, "INSERT INTO webhook_deliveries (endpoint_id, event_id, type, subject, subject_seq, state, seq, attempts, due_at, status, duration_ms, failure, created_at, ended_at) "+
				"VALUES (?, ?, 'coupon.claimed', 's', 1, ?, 1, 0, ?, 0, 0, '', ?, ?)", e.ID, old(days), state, due, at, ended)
		}
		recent := models.NewTime(time.Now())
		insert(models.DeliveryDelivered, 8, models.Time{}, at)
		insert(models.DeliveryGivenUp, 9, models.Time{}, at)
		insert(models.DeliveryDelivered, 10, models.Time{}, recent) // sent again yesterday
		insert(models.DeliveryPending, 11, at, models.Time{})
		insert(models.DeliveryDelivered, 40, models.Time{}, at)
		prune := func(deliveries, events int) {
			t.Helper()
			for more := true; more; {
				var err error
				more, err = s.PruneEvents(t.Context(), 1)
				require.NoError(t, err)
			}
			for table, want := range map[string]int{"webhook_deliveries": deliveries, "events": events} {
				var n int
				require.NoError(t, s.SQL().QueryRow("SELECT COUNT(*) FROM "+table).Scan(&n))
				assert.Equal(t, want, n, table)
			}
		}
		prune(2, 4)
		exec(t, s, "UPDATE webhook_endpoints SET state = 'DISABLED', updated_at = ?", at)
		prune(0, 4)
	})
}

func TestEndpointsAtMost(t *testing.T) {
	t.Parallel()
	s := storetest.MySQL(t)
	merchant := storetest.Name("m")
	for range 20 {
		endpointOf(t, s, merchant, "*")
	}
	_, err := s.CreateEndpoint(t.Context(), models.WebhookEndpoint{MerchantID: merchant, Events: []string{"*"}}, models.AuditRecord{})
	requireCode(t, models.CodeStateConflict, err)
	list, err := s.Endpoints(t.Context(), store.Page{MerchantID: merchant, Limit: 100})
	require.NoError(t, err)
	_, err = s.ChangeEndpoint(t.Context(), store.EndpointChange{ID: list[0].ID, State: models.EndpointDeleted})
	require.NoError(t, err)
	endpointOf(t, s, merchant, "*")
	_, err = s.Endpoint(t.Context(), list[0].ID)
	requireCode(t, models.CodeNotFound, err)
}

// Every move of a redemption, and of a refund, that is told, told once.
func TestEventsOfRedemptions(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		e := &ear{world: newWorld(t, s, storetest.BatchSpec{}), WebhookEndpoint: endpointOf(t, s, "", "redemption.*", "hold.*")}
		confirmed, cancelled := e.at("COMMITTED, all", 1)[0], e.at("CANCELLING", 1)[0]
		_, err := s.Finish(t.Context(), confirmed)
		require.NoError(t, err)
		assert.Equal(t, []models.EventType{models.EventRedemptionConfirmed}, types(e.heard(confirmed)))
		for range 2 {
			_, err = s.MarkStuck(t.Context(), cancelled, models.StateCancelling, "r")
			require.NoError(t, err)
		}
		assert.Equal(t, []models.EventType{models.EventRedemptionStuck}, types(e.heard(cancelled)))
		told := data[models.RedemptionEvent](t, e.heard(confirmed)[0])
		assert.Equal(t, models.StateConfirmed, told.State)
		require.Len(t, told.Coupons, 1)
		assert.EqualValues(t, 500, told.Coupons[0].Amount)

		holds := e.hold(1, overdue)
		_, err = s.ExpireHolds(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, []models.EventType{models.EventHoldOpened, models.EventHoldExpired}, types(e.heard(holds[0].ID)))
		refused, err := s.OpenHolds(t.Context(), e.plans(models.KindHold, 1, func(p *models.Plan) { p.Redemption.UserID = "usr_other" }))
		require.NoError(t, err)
		require.NotNil(t, refused[0].Err)
		assert.Empty(t, e.heard(refused[0].Redemption.ID), fmt.Sprint("never open: ", refused[0].Redemption.State))
	})
}
