package store

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// messagesAtOnce bounds how many messages one statement names.
const messagesAtOnce = 500

// messageKey is what a message is there once by.
type messageKey struct {
	dedupe  string
	channel models.Channel
}

func keyOfMessage(m models.Message) messageKey { return messageKey{m.DedupeKey, m.Channel} }

// AddMessages adds messages that belong to no other change; see addMessages.
func (s *Store) AddMessages(ctx context.Context, rows []models.Message) error {
	return s.tx(ctx, func(tx *txn) error { return tx.addMessages(rows) })
}

// WriteMessage adds messages that an admin wrote, all with one dedupe key, and returns them as they are stored: those of an
// earlier call with that key if there was one, which replayed says, and CodeIdempotencyKeyReused if they say something else.
func (s *Store) WriteMessage(ctx context.Context, rows []models.Message, audit models.AuditRecord) (stored []models.Message, replayed bool, err error) {
	err = s.tx(ctx, func(tx *txn) error {
		fresh, err := tx.freshMessages(rows)
		if err != nil {
			return err
		}
		if err := tx.addMessages(rows); err != nil {
			return err
		}
		if err := tx.Order("id").Find(&stored, "dedupe_key = ?", rows[0].DedupeKey).Error; err != nil {
			return err
		}
		if x, y := stored[0], rows[0]; x.UserID != y.UserID || x.TemplateID != y.TemplateID || !maps.Equal(x.Params.Fields, y.Params.Fields) {
			return models.NewError(models.CodeIdempotencyKeyReused, "the key was used for another message")
		}
		if replayed = len(fresh) == 0 && !tx.again; len(fresh) == 0 {
			return nil
		}
		audit.Subject = stored[0].UserID
		audit.Detail = map[string]any{"template_id": rows[0].TemplateID, "template_version": rows[0].TemplateVersion}
		return tx.audit(audit)
	})
	return stored, replayed, err
}

// addMessages inserts the messages that are not there yet by dedupe key and channel; the others stay as they are. Id, state,
// seq and time are filled in; DueAt zero is now. They are sent once this transaction has committed.
func (tx *txn) addMessages(rows []models.Message) error {
	fresh, err := tx.freshMessages(rows)
	if err != nil || len(fresh) == 0 {
		return err
	}
	now, err := tx.now()
	if err != nil {
		return err
	}
	for i := range fresh {
		m := &fresh[i]
		m.ID, m.State, m.Seq, m.CreatedAt = models.NewID(models.PrefixMessage), models.MessagePending, 1, now
		if m.DueAt.IsZero() {
			m.DueAt = now
		}
	}
	return insert(tx, messageTable, pointers(fresh))
}

// freshMessages are those that the store doesn't have, each once, in the order of the unique key: two transactions with some
// messages in common then wait for each other in one direction only.
func (tx *txn) freshMessages(rows []models.Message) ([]models.Message, error) {
	fresh := slices.Clone(rows)
	slices.SortStableFunc(fresh, func(x, y models.Message) int {
		return cmp.Or(cmp.Compare(x.DedupeKey, y.DedupeKey), cmp.Compare(x.Channel, y.Channel))
	})
	fresh = slices.CompactFunc(fresh, func(x, y models.Message) bool { return keyOfMessage(x) == keyOfMessage(y) })
	known := map[messageKey]bool{}
	for chunk := range slices.Chunk(fresh, messagesAtOnce) {
		keys := slices.Compact(keysOf(chunk, func(m models.Message) string { return m.DedupeKey }))
		var found []models.Message
		if err := tx.Select("dedupe_key, channel").Find(&found, "dedupe_key IN ?", keys).Error; err != nil {
			return nil, err
		}
		for _, m := range found {
			known[keyOfMessage(m)] = true
		}
	}
	return slices.DeleteFunc(fresh, func(m models.Message) bool { return known[keyOfMessage(m)] }), nil
}
