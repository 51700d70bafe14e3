package store_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func ensure(t *testing.T, s *store.Store, ref models.UserRef) string {
	t.Helper()
	id, err := s.EnsureUser(t.Context(), ref)
	require.NoError(t, err)
	require.True(t, models.HasPrefix(id, models.PrefixUser))
	return id
}

func TestUserOfSeveralSpellings(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		name := storetest.Name("u")
		phone := "+49 (151) " + name[len(name)-6:]
		for _, same := range [][]models.UserRef{
			{{ID: name}, {ID: " " + name + "\t"}},
			{{ID: name + "ﬁ"}, {ID: name + "fi"}}, // NFKC
			{{Email: name + "@Example.COM"}, {Email: name + "@example.com "}},
			{{Phone: phone}, {Phone: "+49151" + name[len(name)-6:]}, {Phone: "+49-151." + name[len(name)-6:]}},
			{{OpenID: name}, {OpenID: name + " "}},
			{{Device: name}, {Device: name}},
			{{Card: name}, {Card: name}},
		} {
			first := ensure(t, s, same[0])
			for _, ref := range same {
				assert.Equal(t, first, ensure(t, s, ref), "%+v", ref)
				found, err := s.FindUser(t.Context(), ref)
				require.NoError(t, err)
				assert.Equal(t, first, found, "%+v", ref)
			}
		}
		assert.NotEqual(t, ensure(t, s, models.UserRef{ID: name}), ensure(t, s, models.UserRef{ID: name + "X"}), "ids are compared byte by byte")
		assert.NotEqual(t, ensure(t, s, models.UserRef{ID: name}), ensure(t, s, models.UserRef{OpenID: name}), "a value belongs to its kind")
	})
}

func TestUserOfSeveralIdentities(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		name := storetest.Name("u")
		id := ensure(t, s, models.UserRef{ID: name})
		assert.Equal(t, id, ensure(t, s, models.UserRef{ID: name, Email: name + "@example.com"}))
		assert.Equal(t, id, ensure(t, s, models.UserRef{Email: name + "@example.com", Device: name}), "all that come together mean one user")
		assert.Equal(t, id, ensure(t, s, models.UserRef{Device: name}))
		assert.Equal(t, id, ensure(t, s, models.UserRef{ID: id}), "our own id")

		other := ensure(t, s, models.UserRef{Phone: "+1" + name})
		assert.NotEqual(t, id, other)
		assert.Equal(t, id, ensure(t, s, models.UserRef{ID: name, Phone: "+1" + name}), "the strongest names the user")
		assert.Equal(t, other, ensure(t, s, models.UserRef{Phone: "+1" + name}), "the other stays where it is")
		assert.Equal(t, []string{"device", "email", "id"}, query(t, s, "SELECT kind FROM user_identities WHERE user_id = ?", id))
	})
}

func TestUserNotFound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		_, err := s.FindUser(t.Context(), models.UserRef{ID: storetest.Name("nobody")})
		requireCode(t, models.CodeNotFound, err)
		ours := models.NewID(models.PrefixUser)
		_, err = s.FindUser(t.Context(), models.UserRef{ID: ours})
		requireCode(t, models.CodeNotFound, err)
		_, err = s.EnsureUser(t.Context(), models.UserRef{ID: ours})
		requireCode(t, models.CodeNotFound, err, "our own ids are never made up by callers")
		for _, empty := range []models.UserRef{{}, {ID: "  ", Phone: "-"}} {
			_, err = s.EnsureUser(t.Context(), empty)
			requireCode(t, models.CodeInvalidRequest, err)
			_, err = s.FindUser(t.Context(), empty)
			requireCode(t, models.CodeInvalidRequest, err)
		}
	})
}

// TestUserFirstSightCrowd lets many see one person first at once, each knowing something else of them.
func TestUserFirstSightCrowd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		n := map[store.Dialect]int{store.MySQL: 40, store.SQLite: 6}[s.Dialect()]
		name := storetest.Name("u")
		refs := []models.UserRef{
			{ID: name}, {ID: name, Email: name + "@example.com"}, {ID: name, Phone: "+1" + name}, {ID: name, Email: name + "@EXAMPLE.com", Phone: "+1" + name},
		}
		ids, errs := make([]string, n), make([]error, n)
		together(n, func(i int) { ids[i], errs[i] = s.EnsureUser(t.Context(), refs[i%len(refs)]) })
		for i := range ids {
			require.NoError(t, errs[i])
			assert.Equal(t, ids[0], ids[i])
		}
		assert.Equal(t, []string{"email", "id", "phone"}, query(t, s, "SELECT kind FROM user_identities WHERE user_id = ?", ids[0]))
	})
}
