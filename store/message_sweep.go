package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// DueMessages lists the channels that have something to send now.
func (s *Store) DueMessages(ctx context.Context) ([]models.Channel, error) {
	var due []models.Channel
	for _, channel := range models.Channels() { // each is one look at the index
		var rows []models.Message
		err := s.db.WithContext(ctx).Select("id").Where("state = ? AND channel = ? AND due_at <= "+s.clock(), models.MessagePending, channel).
			Limit(1).Find(&rows).Error
		if err != nil {
			return nil, asError(err)
		}
		if len(rows) > 0 {
			due = append(due, channel)
		}
	}
	return due, nil
}

// DeleteMessages removes up to limit messages whose time is over, and says how many.
func (s *Store) DeleteMessages(ctx context.Context, limit int) (int, error) {
	n := 0
	err := s.tx(ctx, func(tx *txn) error {
		now, err := tx.now()
		if err != nil {
			return err
		}
		var ids []string
		err = tx.free().Model(&models.Message{}).Where("state IN ? AND channel IN ? AND due_at <= ?",
			[]models.MessageState{models.MessageSent, models.MessageSkipped, models.MessageDead}, models.Channels(), now).
			Limit(limit).Pluck("id", &ids).Error
		if n = len(ids); err != nil || n == 0 {
			return err
		}
		return tx.Exec("DELETE FROM messages WHERE id IN ?", ids).Error
	})
	return n, err
}
