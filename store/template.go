package store

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

var templateTable = versions[models.Template]{"templates", "template"}

// CreateTemplate writes version 1 of a new template, or the next version when t.ID is set; another merchant's template, or one
// of another kind, is CodeNotFound. The texts must have been checked. The same content as the newest version's writes nothing.
func (s *Store) CreateTemplate(ctx context.Context, t models.Template, audit models.AuditRecord) (models.Template, error) {
	isNew := t.ID == ""
	if isNew {
		t.ID = models.NewID(models.PrefixTemplate)
	}
	err := s.tx(ctx, func(tx *txn) error {
		newest, err := tx.newestTemplate(t.ID)
		switch {
		case err == nil && newest.MerchantID == t.MerchantID && newest.Kind == t.Kind:
			if sameTemplate(*newest, t) {
				t = *newest
				if audit.ID == "" {
					return nil
				}
				audit.Subject = t.ID // so that a repeat of the request, when there are newer versions, finds this one
				return tx.audit(audit.With("version", t.Version))
			}
		case isNew && models.CodeOf(err) == models.CodeNotFound:
		case err == nil:
			return models.NewError(models.CodeNotFound, "there is no such template")
		default:
			return err
		}
		t.Version = newest.Version + 1
		if t.CreatedAt, err = tx.now(); err != nil {
			return err
		}
		if err := tx.Create(&t).Error; err != nil {
			return err
		}
		audit.Subject = t.ID
		return tx.audit(audit.With("version", t.Version))
	})
	return t, err
}

// sameTemplate compares what a caller sets.
func sameTemplate(x, y models.Template) bool {
	return x.Name == y.Name && x.Locale == y.Locale && slices.Equal(x.Channels, y.Channels) && maps.Equal(x.Texts, y.Texts)
}

// Template returns one version of a template, the newest for version 0, or CodeNotFound.
func (s *Store) Template(ctx context.Context, id string, version int) (models.Template, error) {
	return templateTable.take(s.db.WithContext(ctx), id, version)
}

// Templates lists the newest version of each template, by id.
func (s *Store) Templates(ctx context.Context, p Page) ([]models.Template, error) {
	return templateTable.list(ctx, s, p)
}

// BindTemplate lets the merchant's messages of the kind be made with a template; "" takes away what was bound, and then none
// are made. A template of another merchant or kind is CodeNotFound. Doing it again changes nothing.
func (s *Store) BindTemplate(ctx context.Context, b models.TemplateBinding, audit models.AuditRecord) (models.TemplateBinding, error) {
	err := s.tx(ctx, func(tx *txn) error {
		if b.TemplateID != "" {
			t, err := tx.newestTemplate(b.TemplateID)
			if err != nil {
				return err
			}
			if t.MerchantID != b.MerchantID || t.Kind != b.Kind {
				return models.NewError(models.CodeNotFound, "there is no such template")
			}
		}
		before, err := tx.bind(&b)
		if err != nil || before == b.TemplateID {
			return err
		}
		audit.Subject = cmp.Or(b.TemplateID, before)
		audit.Detail = map[string]any{"merchant_id": b.MerchantID, "kind": b.Kind, "template_id": b.TemplateID}
		return tx.audit(audit)
	})
	return b, err
}

// bind returns the id of the template that was bound before.
func (tx *txn) bind(b *models.TemplateBinding) (string, error) {
	var before models.TemplateBinding
	err := tx.locked().Take(&before, "merchant_id = ? AND kind = ?", b.MerchantID, b.Kind).Error
	isNew := errors.Is(err, gorm.ErrRecordNotFound)
	if err != nil && !isNew {
		return "", err
	}
	if before.TemplateID == b.TemplateID {
		b.Seq, b.UpdatedAt = before.Seq, before.UpdatedAt
		return before.TemplateID, nil
	}
	if b.UpdatedAt, err = tx.now(); err != nil {
		return "", err
	}
	b.Seq = before.Seq + 1
	if isNew {
		return "", tx.Create(b).Error
	}
	return before.TemplateID, tx.guard(1, "UPDATE template_bindings SET template_id = ?, seq = ?, updated_at = ? WHERE merchant_id = ? AND kind = ? AND seq = ?",
		b.TemplateID, b.Seq, b.UpdatedAt, b.MerchantID, b.Kind, before.Seq)
}

// TemplateBindings lists what is bound of a merchant.
func (s *Store) TemplateBindings(ctx context.Context, merchantID string) ([]models.TemplateBinding, error) {
	var rows []models.TemplateBinding
	err := s.db.WithContext(ctx).Order("kind").Find(&rows, "merchant_id = ? AND template_id <> ''", merchantID).Error
	return rows, asError(err)
}

// boundTemplate is the newest version of the template that the merchant's messages of the kind are made with; nil when there
// is none, and then nothing is sent.
func (tx *txn) boundTemplate(merchantID string, kind models.MessageKind) (*models.Template, error) {
	var b models.TemplateBinding
	err := tx.Take(&b, "merchant_id = ? AND kind = ?", merchantID, kind).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	if err != nil || b.TemplateID == "" {
		return nil, err
	}
	return tx.newestTemplate(b.TemplateID)
}

// newestTemplate is the newest version of a template, or CodeNotFound.
func (tx *txn) newestTemplate(id string) (*models.Template, error) {
	t, err := templateTable.take(tx.DB, id, 0)
	return &t, err
}
