package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// PingEndpoint sends an endpoint an event of its own, whatever it subscribes to, and returns its delivery. A disabled
// endpoint is CodeStateConflict.
func (s *Store) PingEndpoint(ctx context.Context, id string, audit models.AuditRecord) (models.WebhookDelivery, error) {
	event := models.Event{Type: models.EventWebhookPing, Subject: id}.With(models.EndpointEvent{EndpointID: id})
	event.ID = models.NewID(models.PrefixEvent)
	var d models.WebhookDelivery
	_, err := s.withEndpoint(ctx, id, audit, func(tx *txn, e *models.WebhookEndpoint, now models.Time) error {
		if err := requireEnabled(e); err != nil {
			return err
		}
		event.MerchantID, event.At = e.MerchantID, now
		d = newDelivery(event, id)
		if err := tx.Create(&event).Error; err != nil {
			return err
		}
		return tx.Create(&d).Error
	})
	return d, err
}

func requireEnabled(e *models.WebhookEndpoint) error {
	if e.State == models.EndpointEnabled {
		return nil
	}
	return models.NewError(models.CodeStateConflict, "the endpoint is disabled").With("state", e.State)
}

// ReplayDelivery sends one event to an endpoint again, with as many tries as at first. One that is under way is tried at
// once. CodeNotFound: it was never to be sent there, or too long ago.
func (s *Store) ReplayDelivery(ctx context.Context, id, eventID string, audit models.AuditRecord) (models.WebhookDelivery, error) {
	var d models.WebhookDelivery
	audit.Detail = map[string]any{"event_id": eventID}
	_, err := s.withEndpoint(ctx, id, audit, func(tx *txn, e *models.WebhookEndpoint, now models.Time) error {
		if err := requireEnabled(e); err != nil {
			return err
		}
		d = models.WebhookDelivery{}
		if err := tx.locked().Take(&d, "endpoint_id = ? AND event_id = ?", id, eventID).Error; err != nil {
			return notFound(err, "delivery")
		}
		resend(&d, now)
		return tx.saveDeliveries([]*models.WebhookDelivery{&d})
	})
	if err == nil && d.EventID == "" { // written by a run whose answer was lost
		found, err := s.Delivery(ctx, id, eventID)
		return found.WebhookDelivery, err
	}
	return d, err
}

// resend makes a delivery as it was before its first try.
func resend(d *models.WebhookDelivery, now models.Time) {
	d.Seq++
	d.State, d.Attempts, d.DueAt, d.EndedAt = models.DeliveryPending, 0, now, models.Time{}
}

// ReplayEvents has all events since the instant sent to an endpoint again that it subscribes to, also those that happened
// while it was disabled or subscribed to something else, as far as anybody listened to them. Its driver does so, slice by
// slice. It returns the endpoint.
func (s *Store) ReplayEvents(ctx context.Context, id string, since models.Time, audit models.AuditRecord) (models.WebhookEndpoint, error) {
	audit.Detail = map[string]any{"since": since}
	return s.withEndpoint(ctx, id, audit, func(_ *txn, e *models.WebhookEndpoint, now models.Time) error {
		if err := requireEnabled(e); err != nil {
			return err
		}
		// What happens from now on is told anyway. An event gets its id a little before it is committed, by the clock of
		// another machine.
		e.ReplaySince, e.ReplayAfter, e.ReplayUntil = since, models.EventIDAt(since.Add(-clockSkew).Time), models.EventIDAt(now.Time)
		return nil
	})
}

// ReplaySlice prepares up to limit of the events that are to be sent again, and reports whether there are more.
func (s *Store) ReplaySlice(ctx context.Context, id string, limit int) (more bool, err error) {
	err = s.tx(ctx, func(tx *txn) error {
		more = false
		e, err := tx.lockEndpoint(id)
		if err != nil || e.ReplaySince.IsZero() || e.State != models.EndpointEnabled {
			return err
		}
		var events []models.Event
		err = tx.Where("id > ? AND id < ?", e.ReplayAfter, e.ReplayUntil).Order("id").Limit(limit).Find(&events).Error
		if err != nil {
			return err
		}
		if more = len(events) == limit; more {
			e.ReplayAfter = events[len(events)-1].ID
		}
		if err := tx.sendAgain(e, events); err != nil {
			return err
		}
		if !more {
			e.ReplaySince, e.ReplayAfter, e.ReplayUntil = models.Time{}, "", ""
		}
		return tx.saveEndpoint(e)
	})
	return more, err
}

// sendAgain makes the deliveries of events pending, those that there are and those that there should be.
func (tx *txn) sendAgain(e *models.WebhookEndpoint, events []models.Event) error {
	now, err := tx.now()
	if err != nil {
		return err
	}
	var rows []*models.WebhookDelivery
	ids := keysOf(events, func(e models.Event) string { return e.ID })
	if err := tx.locked().Order("event_id").Find(&rows, "endpoint_id = ? AND event_id IN ?", e.ID, ids).Error; err != nil {
		return err
	}
	known := map[string]bool{}
	var repeated []*models.WebhookDelivery
	for _, row := range rows {
		if known[row.EventID] = true; row.State != models.DeliveryPending {
			resend(row, now)
			repeated = append(repeated, row)
		}
	}
	var added []models.WebhookDelivery
	for _, event := range events {
		if !known[event.ID] && !event.At.Before(e.ReplaySince) && e.Wants(event.MerchantID, event.Type) {
			event.At = now
			added = append(added, newDelivery(event, e.ID))
		}
	}
	if err := tx.saveDeliveries(repeated); err != nil || len(added) == 0 {
		return err
	}
	return tx.CreateInBatches(added, 500).Error
}
