package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestUpsertUsersEachOnItsOwn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := storetest.New(t, s)
		mail, name := storetest.Name("ann")+"@example.com", storetest.Name("ann")
		known := f.UserNamed(models.UserRef{Email: mail})
		at := models.NewTime(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))
		list := []store.UserUpsert{
			{Ref: models.UserRef{ID: name, Email: mail}, ProfileChange: store.ProfileChange{
				Locale: new("de-AT"), TimeZone: new("Europe/Vienna"), OptOut: new(models.ChannelSMS), LastActiveAt: &at, AddTags: []string{"a", "b"}}},
			{Ref: models.UserRef{ID: storetest.Name("new")}, ProfileChange: store.ProfileChange{SetTags: &[]string{"c"}}},
			{},
			{Ref: models.UserRef{ID: storetest.Name("nobody")}, KnownOnly: true},
			{Ref: models.UserRef{ID: models.NewID(models.PrefixUser)}},
			{Ref: models.UserRef{ID: known}, ProfileChange: store.ProfileChange{RemoveTags: []string{"a", "none"}, AddTags: []string{"d"}}},
		}
		for range 2 { // again changes nothing
			out, err := s.UpsertUsers(t.Context(), list)
			require.NoError(t, err)
			require.Len(t, out, len(list))
			assert.Equal(t, []string{known, known}, []string{out[0].UserID, out[5].UserID})
			assert.NotEmpty(t, out[1].UserID)
			for i, want := range map[int]models.Code{2: models.CodeInvalidRequest, 3: models.CodeUnknownUser, 4: models.CodeUnknownUser} {
				assert.Equal(t, want, code(out[i].Err), i)
			}
			p, err := s.UserProfile(t.Context(), known)
			require.NoError(t, err)
			assert.Equal(t, []string{"b", "d"}, p.Tags)
			assert.Len(t, p.Identities, 2)
			assert.Equal(t, []any{"de-AT", "Europe/Vienna", models.ChannelSMS}, []any{p.Locale, p.TimeZone, p.OptOut})
			assert.Equal(t, "b d", strings.Join(p.Tags, " "))
			found, err := s.FindUser(t.Context(), models.UserRef{ID: name})
			require.NoError(t, err)
			assert.Equal(t, known, found)
		}
	})
}

func TestChangeUser(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := storetest.New(t, s)
		user := f.User()
		change := func(c store.ProfileChange) error {
			return s.ChangeUser(t.Context(), store.UserChange{UserID: user, ProfileChange: c, Audit: models.AuditRecord{Action: "user.change", Reason: "r"}})
		}
		requireCode(t, models.CodeNotFound, s.ChangeUser(t.Context(), store.UserChange{UserID: models.NewID(models.PrefixUser)}))
		many := make([]string, models.MaxTags)
		for i := range many {
			many[i] = strings.Repeat("x", i%60+1) + string(rune('a'+i/60))
		}
		require.NoError(t, change(store.ProfileChange{AddTags: many}))
		requireCode(t, models.CodeInvalidRequest, change(store.ProfileChange{AddTags: []string{"one-more"}}))
		require.NoError(t, change(store.ProfileChange{AddTags: []string{"one-more"}, RemoveTags: many[:1]}))
		require.NoError(t, change(store.ProfileChange{SetTags: &[]string{}}))
		require.NoError(t, change(store.ProfileChange{SetTags: &[]string{}}), "nothing changes, and nothing is recorded")
		log, err := s.AuditLog(t.Context(), user)
		require.NoError(t, err)
		assert.Len(t, log, 3)
		p, err := s.UserProfile(t.Context(), user)
		require.NoError(t, err)
		assert.Empty(t, p.Tags)
	})
}

// A block holds for the next claim, though this process has just looked at the user.
func TestBlockedAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		block := func(blocked bool) {
			require.NoError(t, s.ChangeUser(t.Context(), store.UserChange{UserID: w.user, ProfileChange: store.ProfileChange{Blocked: &blocked}}))
		}
		claim := func() models.Code {
			out, err := s.Claim(t.Context(), w.claims(1))
			require.NoError(t, err)
			return code(out[0].Err)
		}
		assert.Empty(t, claim())
		block(true)
		assert.Equal(t, models.CodeUserBlocked, claim())
		block(false)
		assert.Empty(t, claim())
		w.AuditClean(w.batch.ID)
	})
}

func TestSeenIsWritten(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		user := storetest.New(t, s).User()
		exec(t, s, "UPDATE users SET last_active_at = NULL WHERE id = ?", user)
		for range 3 {
			s.Seen(t.Context(), user)
		}
		require.Eventually(t, func() bool {
			p, err := s.UserProfile(t.Context(), user)
			return err == nil && !p.LastActiveAt.IsZero()
		}, 20*time.Second, 50*time.Millisecond)
	})
}
