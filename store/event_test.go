package store_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// ear is an endpoint of a merchant of its own.
type ear struct {
	*world
	models.WebhookEndpoint
}

// listen makes an endpoint and then a batch of its merchant.
func listen(t *testing.T, s *store.Store, spec storetest.BatchSpec, events ...string) *ear {
	t.Helper()
	spec.MerchantID = storetest.Name("merchant")
	if len(events) == 0 {
		events = []string{"*"}
	}
	return &ear{WebhookEndpoint: endpointOf(t, s, spec.MerchantID, events...), world: newWorld(t, s, spec)}
}

func endpointOf(t *testing.T, s *store.Store, merchant string, events ...string) models.WebhookEndpoint {
	t.Helper()
	e, err := s.CreateEndpoint(t.Context(), models.WebhookEndpoint{MerchantID: merchant, URL: "https://example.org", Events: events}, models.AuditRecord{})
	require.NoError(t, err)
	return e
}

// heard is what the endpoint is to be told, in the order of the ids.
func (e *ear) heard(subjects ...string) []store.DueDelivery {
	e.t.Helper()
	list, err := e.s.Deliveries(e.t.Context(), store.DeliveryQuery{EndpointID: e.ID, Limit: 1000})
	require.NoError(e.t, err)
	slices.Reverse(list)
	var all []store.DueDelivery
	for _, d := range list {
		if len(subjects) > 0 && !slices.Contains(subjects, d.Subject) {
			continue
		}
		full, err := e.s.Delivery(e.t.Context(), d.EndpointID, d.EventID)
		require.NoError(e.t, err)
		assert.Equal(e.t, d, full.WebhookDelivery)
		all = append(all, full)
	}
	return all
}

func types(all []store.DueDelivery) []models.EventType {
	list := make([]models.EventType, len(all))
	for i, d := range all {
		list[i] = d.Type
	}
	return list
}

// data reads what an event says.
func data[T any](t *testing.T, d store.DueDelivery) (v T) {
	t.Helper()
	require.NoError(t, json.Unmarshal(d.Event.Data, &v))
	return v
}

func TestEventsOfACoupon(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := listen(t, s, storetest.BatchSpec{Refunds: models.RefundTerms{Restore: models.RestoreAlways}})
		e.Plan(models.KindHold) // of another test's merchant
		c := e.Claim(e.batch.ID, e.user)
		plan := e.Plan(models.KindHold, c)
		plan.Redemption.MerchantID = e.batch.MerchantID
		holds, err := s.OpenHolds(t.Context(), []models.Plan{plan})
		require.NoError(t, err)
		_, err = s.ConfirmHolds(t.Context(), []store.HoldConfirm{{ID: holds[0].Redemption.ID}})
		require.NoError(t, err)
		assert.Equal(t, []models.EventType{models.EventBatchPublished}, types(e.heard(e.batch.ID)))
		assert.Equal(t, []models.EventType{models.EventHoldOpened, models.EventHoldConfirmed}, types(e.heard(holds[0].Redemption.ID)))
		told := e.heard(c.ID)
		require.Equal(t, []models.EventType{models.EventCouponClaimed, models.EventCouponUsed}, types(told))
		first := data[models.CouponEvent](t, told[0])
		assert.Equal(t, models.CouponEvent{
			CouponID: c.ID, BatchID: e.batch.ID, UserID: e.user, State: models.CouponAvailable, Source: "claim", ValidFrom: c.ValidFrom, ValidUntil: c.ValidUntil,
		}, first)
		used := data[models.CouponEvent](t, told[1])
		assert.Equal(t, models.CouponUsed, used.State)
		assert.Equal(t, holds[0].Redemption.ID, used.RedemptionID)
		assert.Equal(t, e.batch.MerchantID, told[1].Event.MerchantID)
		assert.Less(t, told[0].SubjectSeq, told[1].SubjectSeq)
		for _, d := range e.heard() {
			assert.Equal(t, models.DeliveryPending, d.State)
			assert.Equal(t, d.CreatedAt, d.DueAt, "at once")
		}
	})
}

// Nothing is written for what nobody listens to: not for others' events, nor for types that nobody subscribes to, nor for an
// endpoint that is switched off.
func TestUnheard(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		events := func() (n int) {
			require.NoError(t, s.SQL().QueryRow("SELECT COUNT(*) FROM events").Scan(&n))
			return n
		}
		w := newWorld(t, s, storetest.BatchSpec{})
		w.Claim(w.batch.ID, w.user)
		assert.Zero(t, events(), "without any endpoint")
		e := listen(t, s, storetest.BatchSpec{Draft: true}, "coupon.used", "hold.*")
		w.Claim(w.batch.ID, w.user)
		assert.Zero(t, events(), "of another merchant")
		publish := store.BatchChange{BatchID: e.batch.ID, To: models.BatchActive}
		_, err := s.ChangeBatch(t.Context(), publish)
		require.NoError(t, err)
		e.Claim(e.batch.ID, e.user)
		assert.Zero(t, events(), "of other types")
		all := endpointOf(t, s, "", "coupon.claimed")
		w.Claim(w.batch.ID, w.user)
		e.Claim(e.batch.ID, e.user)
		assert.Equal(t, 2, events(), "the platform's endpoint hears of every merchant")
		for _, state := range []models.EndpointState{models.EndpointDisabled, models.EndpointDeleted} {
			_, err = s.ChangeEndpoint(t.Context(), store.EndpointChange{ID: all.ID, State: state})
			require.NoError(t, err)
			w.Claim(w.batch.ID, w.user)
			assert.Equal(t, 2, events(), state)
		}
	})
}

// Another process hears of a new endpoint within a second.
func TestHeardElsewhere(t *testing.T) {
	t.Parallel()
	here, there := storetest.MySQL(t), storetest.MySQL(t)
	merchant := storetest.Name("merchant")
	w := newWorld(t, there, storetest.BatchSpec{MerchantID: merchant})
	w.Claim(w.batch.ID, w.user) // it has looked, and nobody listened
	e := &ear{world: newWorld(t, here, storetest.BatchSpec{}), WebhookEndpoint: endpointOf(t, here, merchant, "*")}
	require.Eventually(t, func() bool {
		w.Claim(w.batch.ID, w.user)
		return len(e.heard()) > 0
	}, 10*time.Second, 10*time.Millisecond)
}

// What is rolled back is not told.
func TestRolledBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := listen(t, s, storetest.BatchSpec{Quantity: 1})
		before := len(e.heard())
		_, err := s.ChangeBatch(t.Context(), store.BatchChange{BatchID: e.batch.ID, To: models.BatchDraft})
		require.Error(t, err)
		taken := models.AuditRecord{ID: models.NewID(models.PrefixAudit)}
		_, err = s.ChangeBatch(t.Context(), store.BatchChange{BatchID: e.batch.ID, Pause: models.PauseClaims, Audit: taken})
		require.NoError(t, err)
		before++
		_, err = s.ChangeBatch(t.Context(), store.BatchChange{BatchID: e.batch.ID, To: models.BatchEnded, Audit: taken})
		require.Error(t, err, "the record can't be written, after the event was emitted")
		assert.Len(t, e.heard(), before)
		row, err := s.Batch(t.Context(), e.batch.ID)
		require.NoError(t, err)
		assert.Equal(t, models.BatchActive, row.Counter.State)
	})
}

func TestEventsOfABatch(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := listen(t, s, storetest.BatchSpec{Quantity: 2}, "batch.*")
		for _, c := range []store.BatchChange{{Pause: models.PauseClaims | models.PauseUse}, {Pause: models.PauseUse}, {Resume: models.PauseClaims}} {
			c.BatchID = e.batch.ID
			_, err := s.ChangeBatch(t.Context(), c)
			require.NoError(t, err)
		}
		e.coupons(2)
		_, err := s.ChangeBatch(t.Context(), store.BatchChange{BatchID: e.batch.ID, To: models.BatchEnded})
		require.NoError(t, err)
		told := e.heard()
		require.Equal(t, []models.EventType{
			models.EventBatchPublished, models.EventBatchPaused, models.EventBatchResumed, models.EventBatchSoldOut, models.EventBatchEnded,
		}, types(told))
		for i, d := range told[1:] {
			assert.Less(t, told[i].SubjectSeq, d.SubjectSeq)
		}
		assert.JSONEq(t, `{"batch_id": "`+e.batch.ID+`", "state": "ACTIVE", "paused": ["use"], "quantity": 2, "issued": 0}`, string(told[2].Event.Data))
		assert.EqualValues(t, 2, data[struct{ Issued int64 }](t, told[3]).Issued)
	})
}
