package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// OptOuts returns the user, or CodeNotFound. One that was merged answers as the one that has taken it over.
func (s *Store) OptOuts(ctx context.Context, userID string) (models.User, error) {
	return (&txn{DB: s.db.WithContext(ctx), store: s}).present(userID)
}

// SetOptOuts sets, of the channels which, those through which the user wants nothing, and returns the user. It holds for every
// message that is sent from then on. Set again changes nothing. CodeNotFound: there is no such user.
func (s *Store) SetOptOuts(ctx context.Context, userID string, set, which models.ChannelSet) (models.User, error) {
	var after models.User
	err := s.tx(ctx, func(tx *txn) error {
		user, err := tx.present(userID)
		if err != nil {
			return err
		}
		if err := tx.locked().Take(&after, "id = ?", user.ID).Error; err != nil {
			return notFound(err, "user")
		}
		wanted := after.OptOut&^which | set&which
		if wanted == after.OptOut {
			return nil
		}
		after.OptOut = wanted
		after.Seq++
		return tx.guard(1, "UPDATE users SET opt_out = ?, seq = ? WHERE id = ? AND seq = ?", after.OptOut, after.Seq, after.ID, after.Seq-1)
	})
	return after, err
}

// present is the user, or whoever has taken it over.
func (tx *txn) present(userID string) (models.User, error) {
	for {
		var user models.User
		err := tx.Take(&user, "id = ?", userID).Error
		if err != nil || !user.ErasedAt.IsZero() {
			if err == nil {
				err = models.NewError(models.CodeNotFound, "there is no such user")
			}
			return models.User{}, notFound(err, "user")
		}
		if user.MergedInto == nil {
			return user, nil
		}
		userID = *user.MergedInto
	}
}
