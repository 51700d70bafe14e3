package store

import (
	"errors"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// boundTemplate is the newest version of the template that the merchant's messages of the kind are made with; nil when there
// is none, and then nothing is sent.
func (tx *txn) boundTemplate(merchantID string, kind models.MessageKind) (*models.Template, error) {
	var b models.TemplateBinding
	err := tx.Take(&b, "merchant_id = ? AND kind = ?", merchantID, kind).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return tx.newestTemplate(b.TemplateID)
}

// newestTemplate is the newest version of a template, or CodeNotFound.
func (tx *txn) newestTemplate(id string) (*models.Template, error) {
	var t models.Template
	err := tx.Order("version DESC").Take(&t, "id = ?", id).Error
	return &t, notFound(err, "template")
}
