package store

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// emit tells of something that this transaction does. The events are written when its work is done, in the order in which
// they were emitted and together with a delivery for each endpoint that subscribes to them; of what nobody listens to,
// nothing is written. Emit with the subject's row locked, only if this very run changes something: a run after an unknown
// COMMIT that finds everything done must tell nothing.
func (tx *txn) emit(events ...models.Event) error {
	heard, err := tx.listening()
	if err != nil {
		return err
	}
	for _, e := range events {
		if !heard.hear(e.MerchantID, e.Type) {
			continue
		}
		if e.Data == nil {
			return models.NewError(models.CodeInternal, "the content of an event can't be written")
		}
		tx.events = append(tx.events, e)
	}
	return nil
}

// listening says who listens, the same throughout the transaction. Who tells of many things asks before making what nobody
// hears.
func (tx *txn) listening() (*listening, error) {
	if tx.heard == nil {
		heard, err := tx.store.listeners.all(tx.Statement.Context)
		if err != nil {
			return nil, err
		}
		tx.heard = heard
	}
	return tx.heard, nil
}

// writeEvents stores what was emitted.
func (tx *txn) writeEvents() error {
	if len(tx.events) == 0 {
		return nil
	}
	now, err := tx.now()
	if err != nil {
		return err
	}
	heard, err := tx.listening()
	if err != nil {
		return err
	}
	var deliveries []models.WebhookDelivery
	for i := range tx.events {
		e := &tx.events[i]
		e.ID, e.At = models.NewID(models.PrefixEvent), now
		for _, to := range heard.endpoints {
			if to.Wants(e.MerchantID, e.Type) {
				deliveries = append(deliveries, newDelivery(*e, to.ID))
			}
		}
	}
	if err := tx.CreateInBatches(tx.events, 500).Error; err != nil {
		return err
	}
	return tx.CreateInBatches(deliveries, 500).Error
}

// newDelivery is of an event that is due at once.
func newDelivery(e models.Event, endpointID string) models.WebhookDelivery {
	return models.WebhookDelivery{
		EndpointID: endpointID, EventID: e.ID, Type: e.Type, Subject: e.Subject, SubjectSeq: e.SubjectSeq,
		State: models.DeliveryPending, Seq: 1, DueAt: e.At, CreatedAt: e.At,
	}
}

// listenFresh is how old what is known of the endpoints may be. So in the first second of an endpoint it may miss events of
// other processes, and in the first second after it was disabled some may still be put into its queue.
const listenFresh = time.Second

// listeners keeps which endpoints are sent to. It has a connection of its own: it is asked in transactions, all of whose
// connections may be in use.
type listeners struct {
	db   *gorm.DB
	sql  *sql.DB
	mu   sync.Mutex // of whoever reads
	kept atomic.Pointer[listening]
}

// listening is who listened at an instant. It is shared, so nobody may change it.
type listening struct {
	endpoints []models.WebhookEndpoint
	at        time.Time
}

// hear reports whether somebody listens to events of the merchant and one of the types.
func (l *listening) hear(merchantID string, types ...models.EventType) bool {
	return slices.ContainsFunc(l.endpoints, func(e models.WebhookEndpoint) bool {
		return slices.ContainsFunc(types, func(t models.EventType) bool { return e.Wants(merchantID, t) })
	})
}

// all returns the enabled endpoints, without their secrets.
func (l *listeners) all(ctx context.Context) (*listening, error) {
	if kept := l.kept.Load(); kept != nil && time.Since(kept.at) < listenFresh {
		return kept, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if kept := l.kept.Load(); kept != nil && time.Since(kept.at) < listenFresh {
		return kept, nil
	}
	read := &listening{at: time.Now()} // before it is read: what changes meanwhile is found in time
	err := l.db.WithContext(ctx).Omit("secret", "previous_secret").Order("id").Find(&read.endpoints, "state = ?", models.EndpointEnabled).Error
	if err != nil {
		return nil, err
	}
	l.kept.Store(read)
	return read, nil
}

// forget makes this process see at once what it has changed.
func (l *listeners) forget() { l.kept.Store(nil) }
