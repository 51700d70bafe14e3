package store

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"time"

	"github.com/tearoff/tearoff/models"
)

// endpointsAtMost bounds the endpoints of a merchant: each of them costs every change that it listens to.
const endpointsAtMost = 20

// newSecret has 32 random bytes, in the form of the Standard Webhooks.
func newSecret() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	return "whsec_" + base64.StdEncoding.EncodeToString(raw)
}

// CreateEndpoint writes an enabled endpoint with a secret of its own. More than a merchant may have is CodeStateConflict.
func (s *Store) CreateEndpoint(ctx context.Context, e models.WebhookEndpoint, audit models.AuditRecord) (models.WebhookEndpoint, error) {
	e.ID, e.Secret, e.State, e.Seq = models.NewID(models.PrefixEndpoint), newSecret(), models.EndpointEnabled, 1
	audit.Subject = e.ID
	err := s.tx(ctx, func(tx *txn) error {
		if written, err := tx.written(&models.WebhookEndpoint{}, "id = ?", e.ID); written || err != nil {
			return err
		}
		var n int64
		err := tx.Model(&models.WebhookEndpoint{}).Where("merchant_id = ? AND state <> ?", e.MerchantID, models.EndpointDeleted).Count(&n).Error
		if err != nil {
			return err
		}
		if n >= endpointsAtMost {
			return models.NewError(models.CodeStateConflict, "the merchant has as many endpoints as are possible").With("most", endpointsAtMost)
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		e.CreatedAt, e.UpdatedAt = now, now
		if err := tx.Create(&e).Error; err != nil {
			return err
		}
		return tx.audit(audit)
	})
	s.listeners.forget()
	return e, err
}

// Endpoint returns one endpoint, or CodeNotFound, also for one that was deleted.
func (s *Store) Endpoint(ctx context.Context, id string) (models.WebhookEndpoint, error) {
	var e models.WebhookEndpoint
	err := s.db.WithContext(ctx).Take(&e, "id = ? AND state <> ?", id, models.EndpointDeleted).Error
	return e, notFound(err, "webhook endpoint")
}

// Endpoints lists endpoints by id.
func (s *Store) Endpoints(ctx context.Context, p Page) ([]models.WebhookEndpoint, error) {
	q := s.db.WithContext(ctx).Where("id > ? AND state <> ?", p.After, models.EndpointDeleted)
	if p.MerchantID != "" {
		q = q.Where("merchant_id = ?", p.MerchantID)
	}
	var list []models.WebhookEndpoint
	err := q.Order("id").Limit(p.Limit).Find(&list).Error
	return list, asError(err)
}

// EndpointChange changes an endpoint; nil leaves a field as it is.
type EndpointChange struct {
	ID          string
	URL         *string
	Description *string
	Events      []string             // nil: as they are
	State       models.EndpointState // ENABLED or DISABLED; DELETED is for good. "": as it is
	Rotate      bool                 // a new secret; the one before signs beside it for Overlap
	Overlap     time.Duration        // 0: the one before no longer counts
	Audit       models.AuditRecord   // who and why; id, time and subject are filled in
}

// ChangeEndpoint carries out a change. An unknown endpoint is CodeNotFound.
func (s *Store) ChangeEndpoint(ctx context.Context, c EndpointChange) (models.WebhookEndpoint, error) {
	secret := newSecret()
	e, err := s.withEndpoint(ctx, c.ID, c.Audit, func(_ *txn, e *models.WebhookEndpoint, now models.Time) error {
		if c.URL != nil {
			e.URL = *c.URL
		}
		if c.Description != nil {
			e.Description = *c.Description
		}
		if c.Events != nil {
			e.Events = slices.Clone(c.Events)
		}
		if c.Rotate {
			e.PreviousSecret, e.PreviousUntil = e.Secret, now.Add(c.Overlap)
			e.Secret = secret
		}
		switch c.State {
		case models.EndpointEnabled:
			e.State, e.Reason = c.State, ""
			e.Failures, e.FailingSince, e.RetryAt = 0, models.Time{}, models.Time{}
		case models.EndpointDisabled:
			if e.State != c.State {
				e.State, e.Reason = c.State, models.EndpointByAdmin
			}
		case models.EndpointDeleted:
			e.State, e.Secret, e.PreviousSecret = c.State, "", ""
		}
		return nil
	})
	s.listeners.forget()
	return e, err
}

// withEndpoint runs fn on one locked endpoint, once whatever becomes of COMMIT, and writes the endpoint and the record.
func (s *Store) withEndpoint(
	ctx context.Context, id string, audit models.AuditRecord, fn func(tx *txn, e *models.WebhookEndpoint, now models.Time) error,
) (models.WebhookEndpoint, error) {
	var after models.WebhookEndpoint
	audit.ID, audit.Subject = models.NewID(models.PrefixAudit), id
	err := s.tx(ctx, func(tx *txn) error {
		e, err := tx.lockEndpoint(id)
		if err != nil {
			return err
		}
		if done, err := tx.written(&models.AuditRecord{}, "id = ?", audit.ID); done || err != nil {
			after = *e
			return err
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		if err := fn(tx, e, now); err != nil {
			return err
		}
		if err := tx.saveEndpoint(e); err != nil {
			return err
		}
		after = *e
		return tx.audit(audit)
	})
	return after, err
}

// lockEndpoint locks one endpoint, or CodeNotFound.
func (tx *txn) lockEndpoint(id string) (*models.WebhookEndpoint, error) {
	e := new(models.WebhookEndpoint)
	err := tx.locked().Take(e, "id = ? AND state <> ?", id, models.EndpointDeleted).Error
	return e, notFound(err, "webhook endpoint")
}

// saveEndpoint writes what may change of a locked endpoint.
func (tx *txn) saveEndpoint(e *models.WebhookEndpoint) error {
	now, err := tx.now()
	if err != nil {
		return err
	}
	from := e.Seq
	e.Seq, e.UpdatedAt = from+1, now
	res := tx.Model(e).Where("seq = ?", from).Select("*").Omit("ID", "MerchantID", "CreatedAt").UpdateColumns(e)
	if res.Error == nil && res.RowsAffected != 1 {
		return models.NewError(models.CodeInternal, "store: a locked endpoint changed")
	}
	return res.Error
}
