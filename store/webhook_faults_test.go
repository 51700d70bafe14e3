package store_test

import (
	"context"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// heardOperations are changes that are told of, and what is done to endpoints and deliveries. Under each fault the events are
// written as often as without one: once.
func heardOperations() []operation {
	return []operation{
		{"Claim, heard", claimHeardTrials},
		{"ChangeBatch, heard", publishHeardTrials},
		{"CreateEndpoint", endpointTrials(nil)},
		{"ChangeEndpoint", endpointTrials(func(ctx context.Context, s *store.Store, id, _ string) error {
			_, err := s.ChangeEndpoint(ctx, store.EndpointChange{ID: id, Rotate: true, State: models.EndpointDisabled, Audit: models.AuditRecord{Action: "x"}})
			return err
		})},
		{"PingEndpoint", endpointTrials(func(ctx context.Context, s *store.Store, id, _ string) error {
			_, err := s.PingEndpoint(ctx, id, models.AuditRecord{Action: "x"})
			return err
		})},
		{"ReplayEvents", endpointTrials(func(ctx context.Context, s *store.Store, id, _ string) error {
			_, err := s.ReplayEvents(ctx, id, models.Time{}, models.AuditRecord{Action: "x"})
			return err
		})},
		{"ReplayDelivery", endpointTrials(func(ctx context.Context, s *store.Store, id, event string) error {
			_, err := s.ReplayDelivery(ctx, id, event, models.AuditRecord{Action: "x"})
			return err
		})},
		{"RecordAttempts", endpointTrials(func(ctx context.Context, s *store.Store, id, event string) error {
			_, err := s.RecordAttempts(ctx, id, []store.DeliveryAttempt{{EventID: event, Seen: 1, Failure: models.FailureStatus, Status: 500}})
			return err
		})},
		{"ReplaySlice", endpointTrials(func(ctx context.Context, s *store.Store, id, _ string) error {
			_, err := s.ReplaySlice(ctx, id, 10)
			return err
		})},
	}
}

// merchant is one that an endpoint listens to. It is the same for all trials of a world, so that the endpoint is there before
// the store that is struck looks.
func (w *world) heardMerchant() string {
	w.t.Helper()
	merchant := "heard-" + w.batch.ID
	list, err := w.s.Endpoints(w.t.Context(), store.Page{MerchantID: merchant, Limit: 1})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(list) == 0 {
		endpointOf(w.t, w.s, merchant, "*")
	}
	return merchant
}

const eventsOf = " e.type, e.subject_seq, d.state, d.attempts FROM events e JOIN webhook_deliveries d ON d.event_id = e.id "

func claimHeardTrials(w *world, n int) []trial {
	batch := w.Batch(storetest.BatchSpec{MerchantID: w.heardMerchant()})
	w.more = append(w.more, batch.ID)
	trials := make([]trial, n)
	for i := range trials {
		r := store.ClaimRequest{Caller: "test", Key: "k", BatchID: batch.ID, UserID: w.User()}
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			out, err := s.Claim(ctx, []store.ClaimRequest{r})
			if err != nil || out[0].Err != nil {
				return "", err
			}
			return "claimed", nil
		}
		trials[i].look = lookAt("SELECT"+eventsOf+"JOIN coupons c ON c.id = e.subject WHERE c.user_id = ? ORDER BY e.id", r.UserID)
	}
	return trials
}

func publishHeardTrials(w *world, n int) []trial {
	merchant := w.heardMerchant()
	trials := make([]trial, n)
	for i := range trials {
		batch := w.Batch(storetest.BatchSpec{Draft: true, MerchantID: merchant})
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			row, err := s.ChangeBatch(ctx, store.BatchChange{BatchID: batch.ID, To: models.BatchActive})
			return string(row.Counter.State), err
		}
		trials[i].look = lookAt("SELECT"+eventsOf+"WHERE e.subject = ?", batch.ID)
	}
	return trials
}

// endpointTrials give each trial an endpoint with a delivery of its own; without a deed it is making another one.
func endpointTrials(deed func(ctx context.Context, s *store.Store, id, event string) error) func(*world, int) []trial {
	return func(w *world, n int) []trial {
		trials := make([]trial, n)
		for i := range trials {
			merchant := storetest.Name("m")
			e := endpointOf(w.t, w.s, merchant, "coupon.*")
			d, err := w.s.PingEndpoint(w.t.Context(), e.ID, models.AuditRecord{})
			if err != nil {
				w.t.Fatal(err)
			}
			trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
				if deed != nil {
					return "", deed(ctx, s, e.ID, d.EventID)
				}
				_, err := s.CreateEndpoint(ctx, models.WebhookEndpoint{MerchantID: merchant, URL: "https://example.org", Events: []string{"*"}}, models.AuditRecord{Action: "x"})
				return "", err
			}
			trials[i].look = lookAt("SELECT e.state, e.reason, e.seq, e.failures, e.previous_secret <> '', e.replay_since IS NULL, d.state, d.seq, d.attempts, d.status, "+
				"(SELECT COUNT(*) FROM audit_log a WHERE a.subject = e.id) FROM webhook_endpoints e LEFT JOIN webhook_deliveries d ON d.endpoint_id = e.id "+
				"WHERE e.merchant_id = ? ORDER BY e.id, d.event_id", merchant)
		}
		return trials
	}
}
