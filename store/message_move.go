package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/tearoff/tearoff/models"
)

// MessageResult is what a channel made of a message.
type MessageResult struct {
	Message models.Message        // as it was claimed
	Outcome models.MessageOutcome // "": it was taken
	Final   bool                  // it was refused for good
	// Untried says that nothing was sent: the try doesn't count, and the next one is after this time. 0: it was tried.
	Untried time.Duration
}

// RecordMessages stores what became of messages that were claimed. Recorded again changes nothing. A message that another
// worker has claimed meanwhile is left to that one, unless it was taken: then it must not be sent once more.
func (s *Store) RecordMessages(ctx context.Context, results []MessageResult) error {
	if len(results) == 0 {
		return nil
	}
	return s.tx(ctx, func(tx *txn) error {
		ids := keysOf(results, func(r MessageResult) string { return r.Message.ID })
		var rows []*models.Message
		if err := tx.locked().Order("id").Find(&rows, "id IN ? AND state = ?", ids, models.MessagePending).Error; err != nil {
			return err
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		var moved []*models.Message
		for _, m := range rows {
			result := results[slices.Index(ids, m.ID)]
			if m.Seq == result.Message.Seq || result.Outcome == "" {
				result.apply(m, now)
				moved = append(moved, m)
			}
		}
		return tx.moveMessages(moved)
	})
}

// apply moves a message that was tried.
func (r MessageResult) apply(m *models.Message, now models.Time) {
	m.Outcome = r.Outcome
	switch {
	case r.Outcome == "":
		m.State, m.SentAt, m.DueAt = models.MessageSent, now, now.Add(models.MessageKept)
	case r.Untried > 0:
		m.Attempts, m.DueAt = max(m.Attempts-1, 0), now.Add(r.Untried)
	case r.Final, m.Attempts >= models.MaxMessageAttempts:
		m.State, m.DueAt = models.MessageDead, now.Add(models.DeadMessageKept)
	default:
		m.DueAt = now.Add(models.MessageRetryAfter(m.Attempts))
	}
}

// moveMessages stores what rows under lock have become, in one compare-and-set over their sequences.
func (tx *txn) moveMessages(rows []*models.Message) error {
	if len(rows) == 0 {
		return nil
	}
	slices.SortFunc(rows, func(x, y *models.Message) int { return cmp.Compare(x.ID, y.ID) })
	err := update[*models.Message]{
		keyed: keyed[*models.Message]{rows, "id", func(m *models.Message) string { return m.ID }}, table: "messages",
		set: []column[*models.Message]{
			{"state", func(m *models.Message) any { return m.State }},
			{"outcome", func(m *models.Message) any { return m.Outcome }},
			{"attempts", func(m *models.Message) any { return m.Attempts }},
			{"due_at", func(m *models.Message) any { return m.DueAt }},
			{"sent_at", func(m *models.Message) any { return m.SentAt }},
			{"seq", func(m *models.Message) any { return m.Seq + 1 }},
		},
		from: column[*models.Message]{"seq", func(m *models.Message) any { return m.Seq }},
	}.run(tx)
	for _, m := range rows {
		m.Seq++
	}
	return err
}

// RetryMessage lets a message that was given up or skipped be tried again, as if it were new; one that waits is tried at once.
// One that was sent is CodeStateConflict, another merchant's CodeNotFound.
func (s *Store) RetryMessage(ctx context.Context, merchantID, id string, audit models.AuditRecord) (models.Message, error) {
	var after models.Message
	err := s.tx(ctx, func(tx *txn) error {
		var m models.Message
		if err := tx.locked().Take(&m, "id = ?", id).Error; err != nil {
			return notFound(err, "message")
		}
		now, err := tx.now()
		switch {
		case err != nil:
			return err
		case merchantID != "" && m.MerchantID != merchantID:
			return models.NewError(models.CodeNotFound, "there is no such message")
		case m.State == models.MessageSent:
			return models.NewError(models.CodeStateConflict, "the message was sent").With("state", m.State)
		case m.State == models.MessagePending && !now.Before(m.DueAt):
			after = m
			return nil
		}
		m.State, m.Attempts, m.Outcome, m.DueAt = models.MessagePending, 0, "", now
		if err := tx.moveMessages([]*models.Message{&m}); err != nil {
			return err
		}
		after, audit.Subject = m, m.ID
		return tx.audit(audit)
	})
	return after, err
}
