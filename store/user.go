package store

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// FindUser returns the id of the user that the reference names, or CodeNotFound.
func (s *Store) FindUser(ctx context.Context, ref models.UserRef) (string, error) {
	if models.HasPrefix(ref.ID, models.PrefixUser) {
		var user models.User
		err := s.db.WithContext(ctx).Take(&user, "id = ?", ref.ID).Error
		return user.ID, notFound(err, "user")
	}
	identities, err := ref.Identities()
	if err != nil {
		return "", err
	}
	known, err := findIdentities(s.db.WithContext(ctx), identities)
	if err != nil {
		return "", asError(err)
	}
	if known == nil {
		return "", models.NewError(models.CodeNotFound, "there is no such user")
	}
	return known[0].UserID, nil
}

// EnsureUser returns the id of the user that the reference names, and makes the user at first sight. When identities of
// the reference belong to different users, the strongest names the user and the others stay where they are.
func (s *Store) EnsureUser(ctx context.Context, ref models.UserRef) (string, error) {
	id, err := s.FindUser(ctx, ref)
	if models.CodeOf(err) != models.CodeNotFound || models.HasPrefix(ref.ID, models.PrefixUser) {
		return id, err
	}
	identities, err := ref.Identities()
	if err != nil {
		return "", err
	}
	err = s.tx(ctx, func(tx *txn) error {
		now, err := tx.now()
		if err != nil {
			return err
		}
		known, err := findIdentities(tx.DB, identities)
		if err != nil {
			return err
		}
		if known != nil {
			id = known[0].UserID
			return nil
		}
		id = models.NewID(models.PrefixUser)
		for i := range identities {
			identities[i].UserID, identities[i].CreatedAt = id, now
		}
		if err := tx.Create(&models.User{ID: id, CreatedAt: now}).Error; err != nil {
			return err
		}
		return tx.Create(&identities).Error
	})
	return id, err
}

// findIdentities returns the rows that exist, in the order asked; nil for none.
func findIdentities(db *gorm.DB, asked []models.Identity) ([]models.Identity, error) {
	var found []models.Identity
	for _, i := range asked {
		var row models.Identity
		err := db.Take(&row, "kind = ? AND value = ?", i.Kind, i.Value).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, row)
	}
	return found, nil
}

// notFound turns gorm's answer for "no row" into CodeNotFound.
func notFound(err error, what string) error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return models.NewError(models.CodeNotFound, "there is no such "+what)
	}
	return asError(err)
}
