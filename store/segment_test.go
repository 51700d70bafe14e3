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

// people makes users by name, each with what it is given, and a tag that only they have.
func people(t *testing.T, s *store.Store, profiles map[string]store.ProfileChange) (tag string, ids map[string]string) {
	t.Helper()
	tag, ids = models.Tag(storetest.Name("crowd")), map[string]string{}
	for name, p := range profiles {
		p.AddTags = append(slices.Clone(p.AddTags), tag)
		out, err := s.UpsertUsers(t.Context(), []store.UserUpsert{{Ref: models.UserRef{ID: storetest.Name(name)}, ProfileChange: p}})
		require.NoError(t, err)
		require.Nil(t, out[0].Err)
		ids[name] = out[0].UserID
	}
	return tag, ids
}

// walk reads an audience page by page.
func walk(t *testing.T, s *store.Store, q store.AudienceQuery) []models.AudienceMember {
	t.Helper()
	var all []models.AudienceMember
	for {
		members, next, err := s.AudiencePage(t.Context(), q)
		require.NoError(t, err)
		all = append(all, members...)
		if next == "" {
			return all
		}
		q.After = next
	}
}

func TestSegmentMembers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		long := models.NewTime(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
		now, err := s.Now(t.Context())
		require.NoError(t, err)
		tag, ids := people(t, s, map[string]store.ProfileChange{
			"ann": {AddTags: []string{"vip"}, Locale: new("de-AT"), TimeZone: new("Europe/Vienna"), LastActiveAt: &now},
			"bob": {AddTags: []string{"vip", "staff"}, Locale: new("de"), LastActiveAt: &long},
			"cat": {Locale: new("en"), OptOut: new(models.ChannelEmail | models.ChannelSMS)},
			"dan": {AddTags: []string{"vip"}, Blocked: new(true)},
			"eve": {Locale: new("den")},
		})
		merchant := storetest.Name("merchant")
		for _, named := range [][2]string{{"vips", "tag:vip and not tag:staff"}, {"vips at home", `segment("vips") and locale:de`}} {
			_, err := s.CreateAudience(t.Context(), models.Audience{
				MerchantID: merchant, Name: named[0], Kind: models.AudienceExpression, Expression: named[1]}, nil, models.AuditRecord{})
			require.NoError(t, err)
		}
		for text, want := range map[string][]string{
			"tag:vip": {"ann", "bob"}, "not tag:vip": {"cat", "eve"}, "locale:de": {"ann", "bob"}, "locale:de-AT": {"ann"},
			"not locale:de": {"cat", "eve"}, "time_zone:Europe/Vienna": {"ann"}, "not time_zone:Europe/Vienna": {"bob", "cat", "eve"},
			"active_within:30d": {"ann"}, "not active_within:30d": {"bob", "cat", "eve"}, "active_since:2019-12-31": {"ann", "bob"},
			"seen_within:1h": {"ann", "bob", "cat", "eve"}, "not seen_since:2020-01-01": {}, "opted_out:email": {"cat"}, "not opted_out:sms": {"ann", "bob", "eve"},
			`segment("vips")`: {"ann"}, `not segment("vips")`: {"bob", "cat", "eve"}, `segment("vips at home") or opted_out:email`: {"ann", "cat"},
			"tag:vip and tag:staff": {"bob"}, "(tag:staff or locale:en) and not opted_out:email": {"bob"},
		} {
			for _, query := range []string{"tag:" + tag + " and (" + text + ")", "(" + text + ") and (tag:" + tag + ")", "not (not (" + text + ") or not tag:" + tag + ")"} {
				wanted := []string{}
				for _, name := range want {
					wanted = append(wanted, ids[name])
				}
				slices.Sort(wanted)
				got := []string{}
				for _, m := range walk(t, s, store.AudienceQuery{MerchantID: merchant, Expression: query, Limit: 2}) {
					assert.Empty(t, m.Reason)
					got = append(got, m.UserID)
				}
				assert.Equal(t, wanted, got, query)
				count, err := s.CountSegment(t.Context(), models.Audience{MerchantID: merchant, Expression: query}, time.Minute)
				require.NoError(t, err)
				assert.Equal(t, []any{int64(len(want)), true}, []any{count.Users, count.Exact}, query)
			}
		}
	})
}

func TestAudienceRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		merchant := storetest.Name("merchant")
		create := func(name, text string) (models.Audience, error) {
			return s.CreateAudience(t.Context(), models.Audience{MerchantID: merchant, Name: name, Kind: models.AudienceExpression, Expression: text}, nil, models.AuditRecord{})
		}
		base, err := create("base", "tag:vip or tag:gold")
		require.NoError(t, err)
		_, err = create("base", "tag:vip")
		requireCode(t, models.CodeNameTaken, err)
		_, err = create("x", `segment("x")`)
		requireCode(t, models.CodeInvalidExpression, err, "a segment can't use itself")
		_, err = create("x", "tag:")
		requireCode(t, models.CodeInvalidExpression, err)

		user, err := create("user", `not segment("base")`)
		require.NoError(t, err)
		requireCode(t, models.CodeStateConflict, s.DeleteAudience(t.Context(), base.ID, models.AuditRecord{}), "another uses it")
		require.NoError(t, s.DeleteAudience(t.Context(), user.ID, models.AuditRecord{}))
		require.NoError(t, s.DeleteAudience(t.Context(), base.ID, models.AuditRecord{}))
		requireCode(t, models.CodeNotFound, s.DeleteAudience(t.Context(), base.ID, models.AuditRecord{}))

		_, err = create("s0", "tag:a or tag:b or tag:c or tag:d")
		require.NoError(t, err)
		for deep := 1; err == nil && deep < 50; deep++ { // each stands for twice the terms of the one before
			_, err = create(fmt.Sprintf("s%d", deep), fmt.Sprintf(`segment("s%d") or not segment("s%d")`, deep-1, deep-1))
		}
		requireCode(t, models.CodeInvalidExpression, err, "short expressions can't stand for an endless one")
	})
}

func TestListMembers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := storetest.New(t, s)
		users := []string{f.User(), f.User(), f.User()}
		users = append(users, users[0])
		a, err := s.CreateAudience(t.Context(), models.Audience{Name: storetest.Name("list"), Kind: models.AudienceList}, users, models.AuditRecord{})
		require.NoError(t, err)
		assert.Equal(t, int64(3), a.Size, "each counts once")
		require.NoError(t, s.ChangeUser(t.Context(), store.UserChange{UserID: users[1], ProfileChange: store.ProfileChange{Blocked: new(true)}}))
		assert.Equal(t, []models.AudienceMember{{UserID: users[0]}, {UserID: users[1], Reason: models.CodeUserBlocked}, {UserID: users[2]}},
			walk(t, s, store.AudienceQuery{AudienceID: a.ID, Limit: 2}))
		_, _, err = s.AudiencePage(t.Context(), store.AudienceQuery{AudienceID: a.ID, After: "x", Limit: 1})
		requireCode(t, models.CodeInvalidCursor, err)
		_, _, err = s.AudiencePage(t.Context(), store.AudienceQuery{AudienceID: models.NewID(models.PrefixAudience), Limit: 1})
		requireCode(t, models.CodeNotFound, err)
	})
}

// An expression that hardly anybody fulfils is walked through in bounded steps: pages may be empty before the last one.
func TestSegmentOfFew(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		users := crowdOf(t, s, 20_500)
		few := []string{users[3], users[20_400]}
		marks, args := in(few)
		exec(t, s, "UPDATE users SET locale = 'rm' WHERE id IN "+marks, args...)
		for _, id := range few {
			exec(t, s, "INSERT INTO user_tags (user_id, tag) VALUES (?, 'rare')", id)
		}
		for _, expression := range []string{"locale:rm", "tag:rare"} {
			q := store.AudienceQuery{Expression: expression, Limit: 5}
			assert.Equal(t, []models.AudienceMember{{UserID: few[0]}, {UserID: few[1]}}, walk(t, s, q))
			c, err := s.CountSegment(t.Context(), models.Audience{Expression: expression}, time.Minute)
			require.NoError(t, err)
			assert.Equal(t, store.AudienceCount{Users: 2, Exact: true, Sample: few}, c)
		}
		members, next, err := s.AudiencePage(t.Context(), store.AudienceQuery{Expression: "locale:sv", Limit: 5})
		require.NoError(t, err)
		assert.Empty(t, members)
		assert.Equal(t, users[19_999], next, "as far as one page goes")
		c, err := s.CountSegment(t.Context(), models.Audience{Expression: "locale:rm"}, 0)
		require.NoError(t, err)
		assert.Equal(t, store.AudienceCount{}, c, "without time nothing is counted")
	})
}
