package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// messageOperations are what is done to messages and templates.
func messageOperations() []operation {
	return []operation{
		{"AddMessages", messageAddTrials},
		{"ClaimMessages", messageClaimTrials},
		onMessages("RecordMessages, sent", "PENDING", func(ctx context.Context, s *store.Store, m models.Message) error {
			return s.RecordMessages(ctx, []store.MessageResult{{Message: m}})
		}),
		onMessages("RecordMessages, later", "PENDING", func(ctx context.Context, s *store.Store, m models.Message) error {
			return s.RecordMessages(ctx, []store.MessageResult{{Message: m, Outcome: models.OutcomeTryLater}})
		}),
		onMessages("RetryMessage", "DEAD", func(ctx context.Context, s *store.Store, m models.Message) error {
			_, err := s.RetryMessage(ctx, "", m.ID, models.AuditRecord{Action: "message.retry"})
			return err
		}),
		onMessages("ReadMessages", "SENT", func(ctx context.Context, s *store.Store, m models.Message) error {
			_, err := s.ReadMessages(ctx, store.Inbox{UserID: m.UserID}, m.ID)
			return err
		}),
		{"CreateTemplate", templateTrials},
		{"BindTemplate", bindTrials},
	}
}

func messageAddTrials(_ *world, n int) []trial {
	trials := make([]trial, n)
	for i := range trials {
		template := aTemplate()
		rows := notices(template, "a", 3)
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) { return "", s.AddMessages(ctx, rows) }
		trials[i].look = lookAt("SELECT channel, state, seq, COUNT(*) FROM messages WHERE template_id = ? GROUP BY channel, state, seq", template.ID)
	}
	return trials
}

// messageClaimTrials makes each mail due when its turn comes. One that was claimed by a transaction whose COMMIT is unknown is
// left to the end of its lease.
func messageClaimTrials(w *world, n int) []trial {
	p := newPost(w.t, w.s, models.ViaEmail)
	trials := make([]trial, n)
	for i := range trials {
		user := ""
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			if user == "" {
				user = p.mailUser()
				p.tell(user)
			}
			_, err := s.ClaimMessages(ctx, store.MessageClaim{Channel: models.ViaEmail, Limit: 10})
			return "", err
		}
		trials[i].look = func(t *testing.T, s *store.Store) string {
			return fmt.Sprint(query(t, s, "SELECT state, attempts, seq FROM messages WHERE user_id = ?", user))
		}
	}
	return trials
}

func onMessages(name, state string, run func(context.Context, *store.Store, models.Message) error) operation {
	return operation{name, func(w *world, n int) []trial {
		p := newPost(w.t, w.s, models.ViaInbox)
		trials := make([]trial, n)
		for i := range trials {
			user := p.UserNamed(models.UserRef{ID: storetest.Name("u")})
			p.tell(user)
			exec(w.t, w.s, fmt.Sprintf("UPDATE messages SET state = '%s', seq = seq + 1 WHERE user_id = ?", state), user)
			rows, err := w.s.Messages(w.t.Context(), store.MessageQuery{Page: store.Page{Limit: 1}, UserID: user})
			require.NoError(w.t, err)
			trials[i].run = func(ctx context.Context, s *store.Store) (string, error) { return "", run(ctx, s, rows[0]) }
			trials[i].look = lookAt("SELECT state, outcome, seq, read_at IS NULL, sent_at IS NULL, (SELECT COUNT(*) FROM audit_log a WHERE a.subject = m.id) "+
				"FROM messages m WHERE user_id = ?", user)
		}
		return trials
	}}
}
