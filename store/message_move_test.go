package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// record claims the only due mail and records what became of it.
func (p *post) record(r store.MessageResult) {
	p.t.Helper()
	d := p.claim(models.ViaEmail).Deliveries
	require.Len(p.t, d, 1)
	r.Message = d[0].Message
	require.NoError(p.t, p.s.RecordMessages(p.t.Context(), []store.MessageResult{r}))
	require.NoError(p.t, p.s.RecordMessages(p.t.Context(), []store.MessageResult{r}), "again")
}

// dueIn is for how long the user's message rests, to the minute.
func (p *post) dueIn(userID string) time.Duration {
	p.t.Helper()
	rows, err := p.s.Messages(p.t.Context(), store.MessageQuery{Page: store.Page{Limit: 1}, UserID: userID})
	require.NoError(p.t, err)
	now, err := p.s.Now(p.t.Context())
	require.NoError(p.t, err)
	return rows[0].DueAt.Sub(now.Time).Round(time.Minute)
}

func TestMessageResults(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		p := newPost(t, s, models.ViaEmail)
		for _, test := range []struct {
			result store.MessageResult
			state  string
			due    time.Duration
		}{
			{store.MessageResult{}, "email SENT - 1", models.MessageKept},
			{store.MessageResult{Outcome: models.OutcomeTryLater}, "email PENDING try_later 1", time.Minute},
			{store.MessageResult{Outcome: models.OutcomeAddressRefused, Final: true}, "email DEAD address_refused 1", models.DeadMessageKept},
			{store.MessageResult{Outcome: models.OutcomeUnreachable, Untried: 7 * time.Minute}, "email PENDING unreachable 0", 7 * time.Minute},
		} {
			user := p.mailUser()
			p.tell(user)
			p.record(test.result)
			assert.Equal(t, []string{test.state}, p.states(user))
			assert.Equal(t, test.due, p.dueIn(user), test.state)
		}
	})
}

// TestMessageIsTriedForADay follows one whose server never takes it.
func TestMessageIsTriedForADay(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		p := newPost(t, s, models.ViaEmail)
		user := p.mailUser()
		p.tell(user)
		var waited time.Duration
		for range models.MaxMessageAttempts - 1 {
			p.record(store.MessageResult{Outcome: models.OutcomeTryLater})
			wait := p.dueIn(user)
			assert.LessOrEqual(t, wait, 6*time.Hour)
			waited += wait
			p.late()
		}
		assert.InDelta(t, 24, waited.Hours(), 4)
		p.record(store.MessageResult{Outcome: models.OutcomeTryLater})
		assert.Equal(t, []string{"email DEAD try_later 12"}, p.states(user))
	})
}

// TestMessageWhoseLeaseRanOut is recorded late, after another worker has claimed it too.
func TestMessageWhoseLeaseRanOut(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		p := newPost(t, s, models.ViaEmail)
		user := p.mailUser()
		p.tell(user)
		first := p.claim(models.ViaEmail).Deliveries[0].Message
		p.late()
		second := p.claim(models.ViaEmail).Deliveries[0].Message
		recordOne := func(m models.Message, outcome models.MessageOutcome) {
			require.NoError(t, s.RecordMessages(t.Context(), []store.MessageResult{{Message: m, Outcome: outcome, Final: true}}))
		}
		recordOne(first, models.OutcomeContentRefused)
		assert.Equal(t, []string{"email PENDING - 2"}, p.states(user), "the second worker's answer counts")
		recordOne(first, "")
		assert.Equal(t, []string{"email SENT - 2"}, p.states(user), "but what was taken is not sent once more")
		recordOne(second, models.OutcomeContentRefused)
		assert.Equal(t, []string{"email SENT - 2"}, p.states(user))
	})
}

func TestRetryMessage(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		p := newPost(t, s, models.ViaEmail)
		user := p.User() // without an address
		p.tell(user)
		p.claim(models.ViaEmail)
		rows, err := s.Messages(t.Context(), store.MessageQuery{Page: store.Page{Limit: 9}, State: models.MessageSkipped})
		require.NoError(t, err)
		retry := func(merchant string) error {
			_, err := s.RetryMessage(t.Context(), merchant, rows[0].ID, models.AuditRecord{Action: "message.retry"})
			return err
		}
		requireCode(t, models.CodeNotFound, retry("m2"))
		require.NoError(t, retry("m1"))
		require.NoError(t, retry(""))
		assert.Equal(t, []string{"email PENDING - 0"}, p.states(user))
		log, err := s.AuditLog(t.Context(), rows[0].ID)
		require.NoError(t, err)
		assert.Len(t, log, 1, "a second time changed nothing")
		exec(t, s, "UPDATE messages SET state = 'DEAD', attempts = 12, outcome = 'try_later'")
		require.NoError(t, retry("m1"))
		assert.Equal(t, []string{"email PENDING - 0"}, p.states(user))
		exec(t, s, "UPDATE messages SET state = 'SENT'")
		requireCode(t, models.CodeStateConflict, retry("m1"))
		_, err = s.RetryMessage(t.Context(), "", "msg_nobody", models.AuditRecord{})
		requireCode(t, models.CodeNotFound, err)
	})
}

func TestMessagesAreDeletedWhenTheirTimeIsOver(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		p := newPost(t, s, models.ViaEmail)
		for _, state := range []string{"SENT", "SKIPPED", "DEAD", "PENDING"} {
			user := p.User()
			p.tell(user)
			p.tell(user)
			exec(t, s, fmt.Sprintf("UPDATE messages SET state = '%s', due_at = '2020-01-01 00:00:00.000000' WHERE user_id = ?", state), user)
			exec(t, s, "UPDATE messages SET due_at = '2099-01-01 00:00:00.000000' WHERE user_id = ? AND id < (SELECT MAX(id) FROM (SELECT id FROM messages) m)", user)
		}
		for _, want := range []int{2, 1, 0} {
			n, err := s.DeleteMessages(t.Context(), 2)
			require.NoError(t, err)
			assert.Equal(t, want, n)
		}
		assert.Equal(t, []string{"DEAD 1", "PENDING 2", "SENT 1", "SKIPPED 1"}, query(t, s, "SELECT state, COUNT(*) FROM messages GROUP BY state"))
	})
}
