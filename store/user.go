package store

import (
	"context"
	"errors"
	"slices"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// FindUser returns the id of the user that the reference names, or CodeNotFound.
func (s *Store) FindUser(ctx context.Context, ref models.UserRef) (string, error) {
	if models.HasPrefix(ref.ID, models.PrefixUser) {
		return s.hotUser(userKey{value: ref.ID}, func() (string, bool, error) {
			var user models.User
			err := s.db.WithContext(ctx).Take(&user, "id = ?", ref.ID).Error
			return user.ID, true, notFound(err, "user")
		})
	}
	identities, err := ref.Identities()
	if err != nil {
		return "", err
	}
	return s.hotUser(userKey{identities[0].Kind, identities[0].Value}, func() (string, bool, error) {
		known, err := findIdentities(s.db.WithContext(ctx), identities)
		if err != nil {
			return "", false, asError(err)
		}
		if known == nil {
			return "", false, models.NewError(models.CodeNotFound, "there is no such user")
		}
		return known[0].UserID, known[0].Kind == identities[0].Kind, nil
	})
}

// EnsureUser returns the id of the user that the reference names, and makes the user at first sight. Identities that are
// new come to name that user too, up to maxIdentities of a kind. When those of the reference belong to different users, the
// strongest names the user and the others stay where they are.
func (s *Store) EnsureUser(ctx context.Context, ref models.UserRef) (string, error) {
	if models.HasPrefix(ref.ID, models.PrefixUser) {
		return s.FindUser(ctx, ref)
	}
	identities, err := ref.Identities()
	if err != nil {
		return "", err
	}
	known, err := findIdentities(s.db.WithContext(ctx), identities)
	if err != nil {
		return "", asError(err)
	}
	if len(known) == len(identities) {
		return known[0].UserID, nil
	}
	id := ""
	err = s.tx(ctx, func(tx *txn) error {
		id, err = tx.ensureUser(identities)
		return err
	})
	return id, err
}

func (tx *txn) ensureUser(identities []models.Identity) (id string, err error) {
	now, err := tx.now()
	if err != nil {
		return "", err
	}
	known, err := findIdentities(tx.DB, identities)
	if err != nil {
		return "", err
	}
	if len(known) > 0 {
		id = known[0].UserID
	} else {
		id = models.NewID(models.PrefixUser)
		if err := tx.Create(&models.User{ID: id, CreatedAt: now}).Error; err != nil {
			return "", err
		}
	}
	of, err := tx.countIdentities(id)
	if err != nil {
		return "", err
	}
	var fresh []models.Identity
	for _, i := range identities {
		if of[i.Kind] < maxIdentities && !slices.ContainsFunc(known, func(k models.Identity) bool { return k.Kind == i.Kind }) {
			fresh = append(fresh, models.Identity{Kind: i.Kind, Value: i.Value, UserID: id, CreatedAt: now})
		}
	}
	if len(fresh) == 0 {
		return id, nil
	}
	return id, tx.Create(&fresh).Error
}

// maxIdentities bounds how many identities of one kind come to name a user: all of them are read, under the lock on a hot
// batch's counter, where the batch counts by them. Further ones are not kept; they count for the request they come with.
const maxIdentities = 20

func (tx *txn) countIdentities(userID string) (map[models.IdentityKind]int, error) {
	var rows []struct {
		Kind models.IdentityKind
		N    int
	}
	err := tx.Model(&models.Identity{}).Select("kind, COUNT(*) AS n").Where("user_id = ?", userID).Group("kind").Find(&rows).Error
	of := make(map[models.IdentityKind]int, len(rows))
	for _, r := range rows {
		of[r.Kind] = r.N
	}
	return of, err
}

// findIdentities returns the rows that exist, in the order asked; nil for none.
func findIdentities(db *gorm.DB, asked []models.Identity) ([]models.Identity, error) {
	q := db.Session(&gorm.Session{NewDB: true})
	for _, i := range asked {
		q = q.Or("kind = ? AND value = ?", i.Kind, i.Value)
	}
	var rows []models.Identity
	if err := q.Find(&rows).Error; err != nil {
		return nil, err
	}
	var found []models.Identity
	for _, i := range asked {
		at := slices.IndexFunc(rows, func(r models.Identity) bool { return r.Kind == i.Kind && r.Value == i.Value })
		if at >= 0 {
			found = append(found, rows[at])
		}
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
