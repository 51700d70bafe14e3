package store_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestInbox(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		p := newPost(t, s, models.ViaInbox, models.ViaEmail)
		ann, bob := p.mailUser(), p.mailUser()
		for range 3 {
			p.tell(ann)
		}
		p.tell(bob)
		inbox := store.Inbox{UserID: ann}
		list := func(page store.InboxPage) ([]store.InboxRow, int64) {
			page.Inbox = inbox
			got, err := s.InboxMessages(t.Context(), page)
			require.NoError(t, err)
			assert.Equal(t, ann, got.User.ID)
			return got.Rows, got.Unread
		}
		rows, unread := list(store.InboxPage{Limit: 9})
		assert.Empty(t, rows, "nothing is there before it was judged")
		assert.Zero(t, unread)
		p.claim(models.ViaInbox)
		rows, unread = list(store.InboxPage{Limit: 2})
		require.Len(t, rows, 2)
		assert.Equal(t, int64(3), unread)
		assert.Greater(t, rows[0].ID, rows[1].ID, "newest first")
		assert.Equal(t, "b", rows[0].Template.Texts["en"].Body)
		assert.Equal(t, p.batch.Name, rows[0].Batch.Name)
		older, _ := list(store.InboxPage{Limit: 2, Before: rows[1].ID})
		require.Len(t, older, 1)

		unread, err := s.ReadMessages(t.Context(), inbox, older[0].ID)
		require.NoError(t, err)
		assert.Equal(t, int64(2), unread)
		first := query(t, s, "SELECT read_at, due_at FROM messages WHERE id = ?", older[0].ID)
		_, err = s.ReadMessages(t.Context(), inbox, older[0].ID)
		require.NoError(t, err)
		assert.Equal(t, first, query(t, s, "SELECT read_at, due_at FROM messages WHERE id = ?", older[0].ID), "read again changes nothing")
		rows, unread = list(store.InboxPage{Limit: 9, Unread: true})
		assert.Len(t, rows, 2)
		assert.Equal(t, int64(2), unread)

		for name, other := range map[string]store.Inbox{"another user": {UserID: bob}, "another merchant": {UserID: ann, MerchantID: "m2"}} {
			_, err = s.ReadMessages(t.Context(), other, rows[0].ID)
			requireCode(t, models.CodeNotFound, err, name)
		}
		unread, err = s.ReadMessages(t.Context(), store.Inbox{UserID: ann, MerchantID: "m2"}, "")
		require.NoError(t, err)
		assert.Zero(t, unread)
		unread, err = s.ReadMessages(t.Context(), store.Inbox{UserID: ann, MerchantID: "m1"}, "")
		require.NoError(t, err)
		assert.Zero(t, unread)
		others, err := s.InboxMessages(t.Context(), store.InboxPage{Inbox: store.Inbox{UserID: bob}, Limit: 1})
		require.NoError(t, err)
		assert.Equal(t, int64(1), others.Unread, "another user's are unread as they were")
	})
}

func TestMessagesAreListed(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		p := newPost(t, s, models.ViaInbox, models.ViaEmail)
		ann, bob := p.mailUser(), p.mailUser()
		p.tell(ann)
		p.tell(bob)
		p.claim(models.ViaInbox)
		for name, test := range map[string]struct {
			query store.MessageQuery
			want  int
		}{
			"all":              {store.MessageQuery{}, 4},
			"of a state":       {store.MessageQuery{State: models.MessageSent}, 2},
			"of a channel":     {store.MessageQuery{Channel: models.ViaEmail}, 2},
			"of a user":        {store.MessageQuery{UserID: ann}, 2},
			"of a merchant":    {store.MessageQuery{Page: store.Page{MerchantID: "m1"}}, 4},
			"of another":       {store.MessageQuery{Page: store.Page{MerchantID: "m2"}}, 0},
			"of all these":     {store.MessageQuery{Page: store.Page{MerchantID: "m1"}, UserID: bob, State: models.MessagePending, Channel: models.ViaEmail}, 1},
			"after everything": {store.MessageQuery{Page: store.Page{After: "msg_zzz"}}, 0},
		} {
			test.query.Limit = 10
			rows, err := s.Messages(t.Context(), test.query)
			require.NoError(t, err)
			assert.Len(t, rows, test.want, name)
		}
		_, err := s.Message(t.Context(), "msg_nobody")
		requireCode(t, models.CodeNotFound, err)
	})
}
