package store

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tearoff/tearoff/models"
)

// headOfSubject holds for a delivery d before which no other one of its subject is left: the order of a subject's events is
// kept by not sending the others.
const headOfSubject = `NOT EXISTS (SELECT 1 FROM webhook_deliveries AS p WHERE p.endpoint_id = d.endpoint_id AND p.subject = d.subject
	AND p.due_at IS NOT NULL AND (p.subject_seq < d.subject_seq OR (p.subject_seq = d.subject_seq AND p.event_id < d.event_id)))`

// DueEndpoints returns up to limit ids of endpoints to which something can be sent now, or which have events to send again, and
// puts each off, so that several sweepers share the work and none is started again while it runs.
func (s *Store) DueEndpoints(ctx context.Context, limit int) ([]string, error) {
	ids, err := s.sendableEndpoints(ctx, limit)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	var due []string
	err = s.tx(ctx, func(tx *txn) error {
		now, err := tx.now()
		if err != nil {
			return err
		}
		err = tx.free().Model(&models.WebhookEndpoint{}).Where("id IN ? AND (sweep_at IS NULL OR sweep_at <= ?)", ids, now).Order("id").Pluck("id", &due).Error
		if err != nil || len(due) == 0 {
			return err
		}
		return tx.guard(int64(len(due)), "UPDATE webhook_endpoints SET sweep_at = ?, seq = seq + 1 WHERE id IN ?", now.Add(models.EndpointSwept), due)
	})
	return due, err
}

// sendableEndpoints are looked for without locks, which would go to the deliveries too.
func (s *Store) sendableEndpoints(ctx context.Context, limit int) ([]string, error) {
	var ids []string
	err := s.db.WithContext(ctx).Table("webhook_endpoints AS e").
		Where("e.state = ? AND (e.retry_at IS NULL OR e.retry_at <= "+s.clock()+")", models.EndpointEnabled).
		Where("e.sweep_at IS NULL OR e.sweep_at <= "+s.clock()).
		Where("e.replay_since IS NOT NULL OR EXISTS (SELECT 1 FROM webhook_deliveries AS d WHERE d.endpoint_id = e.id AND d.due_at <= "+
			s.clock()+" AND "+headOfSubject+")").
		Order("e.id").Limit(limit).Pluck("e.id", &ids).Error
	return ids, asError(err)
}

// DueDelivery is a delivery that can be tried now, with what is to be sent.
type DueDelivery struct {
	models.WebhookDelivery
	Event models.Event
}

// Due is what can be sent to an endpoint now.
type Due struct {
	Endpoint   models.WebhookEndpoint
	At         models.Time // the store's clock
	Deliveries []DueDelivery
}

// DueDeliveries returns up to limit deliveries of an endpoint that can be tried now, of each subject the first one alone. To
// one that failed again and again it is one delivery at a time, and none while it is spared or disabled.
func (s *Store) DueDeliveries(ctx context.Context, endpointID string, limit int) (Due, error) {
	var due Due
	var err error
	if due.Endpoint, err = s.Endpoint(ctx, endpointID); err != nil {
		return due, err
	}
	if due.At, err = s.Now(ctx); err != nil {
		return due, err
	}
	e := due.Endpoint
	if e.State != models.EndpointEnabled || due.At.Before(e.RetryAt) {
		return due, nil
	}
	if e.Failures >= models.EndpointTrips {
		limit = 1
	}
	var rows []models.WebhookDelivery
	db := s.db.WithContext(ctx)
	err = db.Table("webhook_deliveries AS d").Where("d.endpoint_id = ? AND d.due_at <= ?", endpointID, due.At).Where(headOfSubject).
		Order("d.due_at, d.event_id").Limit(limit).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return due, asError(err)
	}
	var events []models.Event
	if err := db.Find(&events, "id IN ?", keysOf(rows, func(d models.WebhookDelivery) string { return d.EventID })).Error; err != nil {
		return due, asError(err)
	}
	byID := make(map[string]models.Event, len(events))
	for _, event := range events {
		byID[event.ID] = event
	}
	for _, row := range rows {
		due.Deliveries = append(due.Deliveries, DueDelivery{row, byID[row.EventID]})
	}
	return due, nil
}

// DeliveryAttempt is what became of one try of a delivery.
type DeliveryAttempt struct {
	EventID    string
	Seen       int64 // the delivery's Seq when it was read: an attempt that somebody else has recorded meanwhile doesn't count
	Status     int   // 0: no answer came
	Failure    models.DeliveryFailure
	Took       time.Duration
	RetryAfter time.Duration // what the endpoint asks for
}

const statusGone = 410

// RecordAttempts writes what became of tries, in the order of their ends, and what that says of the endpoint: after failures
// in a row it is spared for a while, and after a day of them, or a 410, disabled. It returns the endpoint as it is then.
func (s *Store) RecordAttempts(ctx context.Context, endpointID string, attempts []DeliveryAttempt) (models.WebhookEndpoint, error) {
	var after models.WebhookEndpoint
	err := s.tx(ctx, func(tx *txn) error {
		e, err := tx.lockEndpoint(endpointID)
		if err != nil {
			return err
		}
		rows, err := tx.lockDeliveries(endpointID, attempts)
		if err != nil {
			return err
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		var changed []*models.WebhookDelivery
		before := e.State
		for _, a := range attempts {
			row := rows[a.EventID]
			if row == nil || row.Seq != a.Seen {
				continue
			}
			attempted(row, a, now)
			judgeEndpoint(e, a, now)
			changed = append(changed, row)
		}
		if after = *e; len(changed) == 0 {
			return nil
		}
		if err := tx.saveEndpoint(e); err != nil {
			return err
		}
		after = *e
		if e.State != before {
			if err := tx.tellDisabled(e); err != nil {
				return err
			}
		}
		return tx.saveDeliveries(changed)
	})
	if err == nil && after.State != models.EndpointEnabled {
		s.listeners.forget()
	}
	return after, err
}

func (tx *txn) lockDeliveries(endpointID string, attempts []DeliveryAttempt) (map[string]*models.WebhookDelivery, error) {
	ids := keysOf(attempts, func(a DeliveryAttempt) string { return a.EventID })
	var rows []*models.WebhookDelivery
	err := tx.locked().Order("event_id").Find(&rows, "endpoint_id = ? AND event_id IN ?", endpointID, distinct(ids)).Error
	byID := make(map[string]*models.WebhookDelivery, len(rows))
	for _, row := range rows {
		byID[row.EventID] = row
	}
	return byID, err
}

// attempted moves a delivery by a try.
func attempted(d *models.WebhookDelivery, a DeliveryAttempt, now models.Time) {
	d.Seq++
	d.Attempts++
	d.TriedAt, d.Status, d.DurationMS, d.Failure = now, a.Status, a.Took.Milliseconds(), a.Failure
	wait, last := models.DeliveryWait(d.Attempts)
	switch {
	case a.Failure == "":
		d.State, d.DueAt, d.EndedAt = models.DeliveryDelivered, models.Time{}, now
	case last:
		d.State, d.DueAt, d.EndedAt = models.DeliveryGivenUp, models.Time{}, now
	default:
		d.DueAt = now.Add(max(jittered(wait), min(a.RetryAfter, time.Hour)))
	}
}

// jittered keeps those that failed together from coming back together.
func jittered(d time.Duration) time.Duration { return d - d/10 + rand.N(d/5+1) }

// judgeEndpoint says what a try tells of the endpoint.
func judgeEndpoint(e *models.WebhookEndpoint, a DeliveryAttempt, now models.Time) {
	if a.Failure == "" {
		e.Failures, e.FailingSince, e.RetryAt = 0, models.Time{}, models.Time{}
		return
	}
	e.Failures++
	if e.FailingSince.IsZero() {
		e.FailingSince = now
	}
	if wait := models.EndpointWait(e.Failures); wait > 0 {
		e.RetryAt = now.Add(jittered(wait))
	}
	switch {
	case e.State != models.EndpointEnabled:
	case a.Status == statusGone:
		e.State, e.Reason = models.EndpointDisabled, models.EndpointGone
	case e.Failures >= models.EndpointTrips && now.Sub(e.FailingSince.Time) >= models.EndpointGivenUp:
		e.State, e.Reason = models.EndpointDisabled, models.EndpointFailing
	}
}

// tellDisabled tells the merchant's other endpoints.
func (tx *txn) tellDisabled(e *models.WebhookEndpoint) error {
	event := models.Event{Type: models.EventWebhookDisabled, MerchantID: e.MerchantID, Subject: e.ID, SubjectSeq: e.Seq}.With(models.EndpointEvent{EndpointID: e.ID, Reason: e.Reason})
	heard, err := tx.listening()
	if err != nil {
		return err
	}
	isIt := func(o models.WebhookEndpoint) bool { return o.ID == e.ID }
	tx.heard = &listening{endpoints: slices.DeleteFunc(slices.Clone(heard.endpoints), isIt)}
	return tx.emit(event)
}

// saveDeliveries writes what may change of locked deliveries of one endpoint.
func (tx *txn) saveDeliveries(rows []*models.WebhookDelivery) error {
	for _, d := range rows {
		res := tx.Model(d).Where("seq = ?", d.Seq-1).
			Select("State", "Seq", "Attempts", "DueAt", "TriedAt", "Status", "DurationMS", "Failure", "EndedAt").UpdateColumns(d)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected != 1 {
			return models.NewError(models.CodeInternal, "store: a locked delivery changed")
		}
	}
	return nil
}

// DeliveryQuery filters a list of deliveries, newest event first. Empty fields don't filter.
type DeliveryQuery struct {
	EndpointID string
	State      models.DeliveryState
	Before     string // the event after which the page begins
	Limit      int
}

// Deliveries lists what was, and is to be, sent to an endpoint.
func (s *Store) Deliveries(ctx context.Context, q DeliveryQuery) ([]models.WebhookDelivery, error) {
	db := s.db.WithContext(ctx).Where("endpoint_id = ?", q.EndpointID)
	if q.State != "" {
		db = db.Where("state = ?", q.State)
	}
	if q.Before != "" {
		db = db.Where("event_id < ?", q.Before)
	}
	var list []models.WebhookDelivery
	err := db.Order("event_id DESC").Limit(q.Limit).Find(&list).Error
	return list, asError(err)
}

// Delivery returns one delivery with its event, or CodeNotFound.
func (s *Store) Delivery(ctx context.Context, endpointID, eventID string) (DueDelivery, error) {
	var d DueDelivery
	db := s.db.WithContext(ctx)
	err := db.Take(&d.WebhookDelivery, "endpoint_id = ? AND event_id = ?", endpointID, eventID).Error
	if err == nil {
		err = db.Take(&d.Event, "id = ?", eventID).Error
	}
	return d, notFound(err, "delivery")
}
