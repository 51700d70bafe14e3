package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// post is a store of its own with a template, to send messages from.
type post struct {
	*world
	template models.Template
}

func newPost(t *testing.T, s *store.Store, channels ...models.Channel) *post {
	t.Helper()
	w := newWorld(t, s, storetest.BatchSpec{})
	template, err := s.CreateTemplate(t.Context(), models.Template{
		MerchantID: "m1", Name: "late", Kind: models.MessageReminder, Channels: channels, Locale: "en",
		Texts: map[string]models.Text{"en": {Subject: "s", Body: "b"}},
	}, models.AuditRecord{Action: "template.create"})
	require.NoError(t, err)
	return &post{w, template}
}

// tell adds a message for the user; change may alter it.
func (p *post) tell(userID string, change ...func(*models.Notice)) {
	p.t.Helper()
	n := models.Notice{UserID: userID, BatchID: p.batch.ID, DedupeKey: models.Hash(storetest.Name("once"))}
	for _, f := range change {
		f(&n)
	}
	require.NoError(p.t, p.s.AddMessages(p.t.Context(), p.template.Messages(n)))
}

// mailUsers are users with an address.
func (p *post) mailUsers(n int) []string {
	p.t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = p.mailUser()
	}
	return ids
}

func (p *post) claim(channel models.Channel) store.ClaimedMessages {
	p.t.Helper()
	claimed, err := p.s.ClaimMessages(p.t.Context(), store.MessageClaim{Channel: channel, Limit: 100})
	require.NoError(p.t, err)
	return claimed
}

// late lets all messages be due, and those that are kept be over.
func (p *post) late() {
	p.t.Helper()
	exec(p.t, p.s, "UPDATE messages SET due_at = '2020-01-01 00:00:00.000000', seq = seq + 1")
}

// states are the user's messages.
func (p *post) states(userID string) []string {
	p.t.Helper()
	return query(p.t, p.s, "SELECT channel, state, outcome, attempts FROM messages WHERE user_id = ?", userID)
}

func TestMessagesAreClaimedWithAllThatSendingTakes(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		p := newPost(t, s, models.ViaEmail, models.ViaSMS)
		user := p.UserNamed(models.UserRef{Email: "Ann@Example.com", Phone: "+49 151 1"})
		exec(t, s, "UPDATE users SET locale = 'de', time_zone = 'Europe/Berlin' WHERE id = ?", user)
		p.tell(user, func(n *models.Notice) { n.Params.Coupons = 3 })
		d := p.claim(models.ViaEmail).Deliveries
		require.Len(t, d, 1)
		assert.Equal(t, "ann@example.com", d[0].Address)
		assert.Equal(t, "de Europe/Berlin", d[0].User.Locale+" "+d[0].User.TimeZone)
		assert.Equal(t, p.batch.Name, d[0].Batch.Name)
		assert.Equal(t, "b", d[0].Template.Texts["en"].Body)
		assert.Equal(t, 3, d[0].Params.Coupons)
		assert.Equal(t, "+491511", p.claim(models.ViaSMS).Deliveries[0].Address)
		assert.Empty(t, p.claim(models.ViaEmail).Deliveries, "it is nobody else's while it is sent")
		p.late() // its worker died
		assert.Equal(t, 2, p.claim(models.ViaEmail).Deliveries[0].Attempts)
	})
}

func TestMessagesForTheNewestAddress(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		p := newPost(t, s, models.ViaEmail)
		user := p.UserNamed(models.UserRef{ID: "u-1", Email: "old@example.com"})
		exec(t, s, "UPDATE user_identities SET created_at = '2020-01-01 00:00:00.000000' WHERE value = 'old@example.com'")
		assert.Equal(t, user, p.UserNamed(models.UserRef{ID: "u-1", Email: "a-new@example.com"}))
		p.tell(user)
		assert.Equal(t, "a-new@example.com", p.claim(models.ViaEmail).Deliveries[0].Address)
	})
}

// TestMessagesThatMustNotBeSent are skipped, for all to see.
func TestMessagesThatMustNotBeSent(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		p := newPost(t, s, models.ViaEmail, models.ViaInbox)
		for outcome, set := range map[models.MessageOutcome]string{
			models.OutcomeBlocked:  "UPDATE users SET blocked = TRUE WHERE id = ?",
			models.OutcomeGone:     "UPDATE users SET erased_at = '2020-01-01 00:00:00.000000' WHERE id = ?",
			models.OutcomeOptedOut: fmt.Sprintf("UPDATE users SET opt_out = %d WHERE id = ?", models.ChannelEmail|models.ChannelInbox),
			models.OutcomeTooLate:  "UPDATE messages SET send_until = '2020-01-01 00:00:00.000000' WHERE user_id = ?",
		} {
			user := p.mailUser()
			p.tell(user)
			exec(t, s, set, user)
			for _, channel := range p.template.Channels {
				claimed := p.claim(channel)
				assert.Empty(t, claimed.Deliveries, outcome)
				assert.Equal(t, map[models.MessageOutcome]int{outcome: 1}, claimed.Ended)
			}
			assert.Equal(t, []string{"email SKIPPED " + string(outcome) + " 0", "inbox SKIPPED " + string(outcome) + " 0"}, p.states(user))
		}
		nobody := p.User()
		p.tell(nobody)
		assert.Equal(t, map[models.MessageOutcome]int{models.OutcomeNoAddress: 1}, p.claim(models.ViaEmail).Ended)
		assert.Equal(t, map[models.MessageOutcome]int{"": 1}, p.claim(models.ViaInbox).Ended, "the inbox needs none")
		p.tell("usr_nobody")
		assert.Equal(t, map[models.MessageOutcome]int{models.OutcomeGone: 1}, p.claim(models.ViaEmail).Ended)
	})
}

// TestMessagesOfABatchForActiveUsers leaves those alone of whom nothing was heard for long.
func TestMessagesOfABatchForActiveUsers(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		p := newPost(t, s, models.ViaInbox)
		exec(t, s, `UPDATE batches SET notices = '{"active_within_days": 30}'`)
		fresh, back, away := p.User(), p.User(), p.User()
		exec(t, s, "UPDATE users SET created_at = '2020-01-01 00:00:00.000000' WHERE id IN (?, ?)", back, away)
		exec(t, s, "UPDATE users SET last_active_at = '2020-02-01 00:00:00.000000' WHERE id = ?", away)
		now, err := s.Now(t.Context())
		require.NoError(t, err)
		exec(t, s, "UPDATE users SET last_active_at = ? WHERE id = ?", now.Add(-29*24*time.Hour), back)
		for _, user := range []string{fresh, back, away} {
			p.tell(user)
		}
		p.tell(away, func(n *models.Notice) { n.BatchID = "" }) // a refund, say
		p.claim(models.ViaInbox)
		assert.Equal(t, []string{"inbox SENT - 0"}, p.states(fresh))
		assert.Equal(t, []string{"inbox SENT - 0"}, p.states(back))
		assert.Equal(t, []string{"inbox SENT - 0", "inbox SKIPPED inactive 0"}, p.states(away))
	})
}

func TestMessagesOfAMissingChannelAreSkipped(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		p := newPost(t, s, models.ViaEmail)
		p.tell(p.mailUser())
		claimed, err := s.ClaimMessages(t.Context(), store.MessageClaim{Channel: models.ViaEmail, Limit: 10, Missing: true})
		require.NoError(t, err)
		assert.Equal(t, store.ClaimedMessages{Found: 1, Ended: map[models.MessageOutcome]int{models.OutcomeNoChannel: 1}}, claimed)
	})
}

func TestMessagesOfAPausedBatchWait(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		p := newPost(t, s, models.ViaEmail, models.ViaInbox)
		user := p.mailUser()
		p.tell(user)
		p.tell(user, func(n *models.Notice) { n.BatchID = "" }) // of no batch: not concerned
		change := func(pause, resume models.PauseSet) {
			_, err := s.ChangeBatch(t.Context(), store.BatchChange{BatchID: p.batch.ID, Pause: pause, Resume: resume, Audit: models.AuditRecord{Action: "pause"}})
			require.NoError(t, err)
		}
		change(models.PauseMessages, 0)
		for _, channel := range p.template.Channels {
			claimed := p.claim(channel)
			assert.Equal(t, 2, claimed.Found)
			assert.Equal(t, 1, len(claimed.Deliveries)+claimed.Ended[""])
		}
		assert.Equal(t, []string{"email PENDING - 0", "email PENDING - 1", "inbox PENDING - 0", "inbox SENT - 0"}, p.states(user))
		change(0, models.PauseMessages)
		exec(t, s, "UPDATE messages SET due_at = '2020-01-01 00:00:00.000000', seq = seq + 1 WHERE batch_id = ?", p.batch.ID)
		assert.Len(t, p.claim(models.ViaEmail).Deliveries, 1)
		assert.Equal(t, 1, p.claim(models.ViaInbox).Ended[""])
	})
}

func TestMessagesAreClaimedWhenTheyAreDue(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		p := newPost(t, s, models.ViaEmail)
		now, err := s.Now(t.Context())
		require.NoError(t, err)
		p.tell(p.mailUser(), func(n *models.Notice) { n.DueAt = now.Add(time.Hour) })
		assert.Zero(t, p.claim(models.ViaEmail).Found)
		due, err := s.DueMessages(t.Context())
		require.NoError(t, err)
		assert.Empty(t, due)
		p.late()
		due, err = s.DueMessages(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []models.Channel{models.ViaEmail}, due)
		assert.Equal(t, 1, p.claim(models.ViaEmail).Found)
	})
}

// TestMessagesAreClaimedOnceByMany lets eight workers claim and record at once: each message is sent once.
func TestMessagesAreClaimedOnceByMany(t *testing.T) {
	t.Parallel()
	dsn, s := migrated(t)
	faults := &storetest.Faults{}
	many := storetest.Open(t, store.Options{MySQL: dsn, Wrap: faults.Wrap})
	p := newPost(t, s, models.ViaEmail)
	for _, user := range p.mailUsers(40) {
		for range 5 {
			p.tell(user)
		}
	}
	sent := make([][]string, 8)
	together(8, func(i int) {
		for {
			claimed, err := many.ClaimMessages(t.Context(), store.MessageClaim{Channel: models.ViaEmail, Limit: 7})
			if !assert.NoError(t, err) || claimed.Found == 0 {
				return
			}
			var results []store.MessageResult
			for _, d := range claimed.Deliveries {
				sent[i] = append(sent[i], d.ID)
				results = append(results, store.MessageResult{Message: d.Message})
			}
			assert.NoError(t, many.RecordMessages(t.Context(), results))
		}
	})
	all := slices.Concat(sent...)
	assert.Len(t, all, 200)
	assert.Len(t, slices.Compact(slices.Sorted(slices.Values(all))), 200)
	assert.Equal(t, []string{"SENT 1 200"}, query(t, s, "SELECT state, attempts, COUNT(*) FROM messages GROUP BY state, attempts"))
	requireNoDeadlock(t, faults)
}
