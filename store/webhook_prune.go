package store

import (
	"context"
	"time"

	"github.com/tearoff/tearoff/models"
)

// clockSkew is how far the clocks of processes, which ids are made by, may be from the store's.
const clockSkew = time.Minute

// PruneEvents deletes up to limit rows of each kind that are over: deliveries that ended a week ago, those that a deleted or
// long disabled endpoint will never get, and events of a month ago. It reports whether there may be more.
func (s *Store) PruneEvents(ctx context.Context, limit int) (more bool, err error) {
	now, err := s.Now(ctx)
	if err != nil {
		return false, err
	}
	var endpoints []models.WebhookEndpoint
	if err := s.db.WithContext(ctx).Select("id", "state", "updated_at").Find(&endpoints).Error; err != nil {
		return false, asError(err)
	}
	for _, e := range endpoints {
		n, err := s.pruneDeliveries(ctx, e, now, limit)
		if err != nil {
			return false, err
		}
		more = more || n == limit
	}
	n, err := s.pruneEvents(ctx, now, limit)
	return more || n == limit, err
}

func (s *Store) pruneDeliveries(ctx context.Context, e models.WebhookEndpoint, now models.Time, limit int) (n int, err error) {
	before := now.Add(-models.DeliveriesKept)
	err = s.tx(ctx, func(tx *txn) error {
		q := tx.free().Model(&models.WebhookDelivery{}).Where("endpoint_id = ?", e.ID)
		disabled := e.State == models.EndpointDisabled && e.UpdatedAt.Before(before)
		switch {
		case e.State == models.EndpointDeleted:
		case disabled:
			q = q.Where("event_id < ?", models.EventIDAt(before.Time))
		default:
			ended := []models.DeliveryState{models.DeliveryDelivered, models.DeliveryGivenUp}
			q = q.Where("state IN ? AND event_id < ? AND ended_at < ?", ended, models.EventIDAt(before.Add(clockSkew).Time), before)
		}
		var ids []string
		if err := q.Order("event_id").Limit(limit).Pluck("event_id", &ids).Error; err != nil || len(ids) == 0 {
			n = 0
			return err
		}
		n = len(ids)
		return tx.Exec("DELETE FROM webhook_deliveries WHERE endpoint_id = ? AND event_id IN ?", e.ID, ids).Error
	})
	return n, err
}

func (s *Store) pruneEvents(ctx context.Context, now models.Time, limit int) (n int, err error) {
	err = s.tx(ctx, func(tx *txn) error {
		var ids []string
		// One that is still to be delivered, again or at last, must not go before: nothing would be sent in its name.
		err := tx.free().Model(&models.Event{}).Where("id < ?", models.EventIDAt(now.Add(-models.EventsKept).Time)).
			Where("NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.endpoint_id IN (SELECT w.id FROM webhook_endpoints w) AND d.event_id = events.id)").
			Order("id").Limit(limit).Pluck("id", &ids).Error
		if n = len(ids); err != nil || n == 0 {
			return err
		}
		return tx.Exec("DELETE FROM events WHERE id IN ?", ids).Error
	})
	return n, err
}
