package store_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestKeyLife(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		merchant := storetest.Name("m")
		key, secret, err := s.CreateKey(t.Context(), models.APIKey{Name: "shop", Role: models.RoleServer, MerchantID: merchant})
		require.NoError(t, err)
		assert.True(t, models.HasPrefix(key.ID, models.PrefixKey))
		assert.True(t, strings.HasPrefix(secret, "tk_"))
		assert.Equal(t, "shop", key.Caller, "the name, unless something else is said")
		assert.NotContains(t, strings.Join(query(t, s, "SELECT hash, name FROM api_keys WHERE id = ?", key.ID), ""), secret)

		found, err := s.Key(t.Context(), secret)
		require.NoError(t, err)
		assert.Equal(t, key, found)
		for _, wrong := range []string{"", "tk_", secret + " ", strings.ToLower(secret), key.Hash} {
			_, err = s.Key(t.Context(), wrong)
			requireCode(t, models.CodeUnauthorized, err, wrong)
		}

		_, err = s.RevokeKey(t.Context(), key.ID, "another merchant")
		requireCode(t, models.CodeNotFound, err)
		_, err = s.Key(t.Context(), secret)
		require.NoError(t, err)
		revoked, err := s.RevokeKey(t.Context(), key.ID, merchant)
		require.NoError(t, err)
		assert.False(t, revoked.RevokedAt.IsZero())
		again, err := s.RevokeKey(t.Context(), key.ID, "")
		require.NoError(t, err)
		assert.Equal(t, revoked, again, "again changes nothing")
		_, err = s.Key(t.Context(), secret)
		requireCode(t, models.CodeUnauthorized, err)
		_, err = s.RevokeKey(t.Context(), "key_nobody", "")
		requireCode(t, models.CodeNotFound, err)
	})
}

func TestKeyAddedAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		secret := storetest.Name("secret")
		first := models.APIKey{Name: "dev", Role: models.RoleAdmin, Caller: "me"}
		require.NoError(t, s.AddKey(t.Context(), &first, secret))
		again := models.APIKey{Name: "other", Role: models.RoleSupport}
		require.NoError(t, s.AddKey(t.Context(), &again, secret))
		assert.Equal(t, first, again, "the key that is there")
		err := s.AddKey(t.Context(), &models.APIKey{Name: "x", Role: "root"}, storetest.Name("secret"))
		requireCode(t, models.CodeInvalidRequest, err)
	})
}

func TestKeysArePaged(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		merchant := storetest.Name("m")
		var ids []string
		for range 5 {
			key, _, err := s.CreateKey(t.Context(), models.APIKey{Name: "k", Role: models.RoleSupport, MerchantID: merchant})
			require.NoError(t, err)
			ids = append(ids, key.ID)
		}
		_, err := s.RevokeKey(t.Context(), ids[1], merchant)
		require.NoError(t, err)
		assert.Equal(t, ids, paged(t, 2, func(p store.Page) ([]string, error) {
			p.MerchantID = merchant
			keys, err := s.Keys(t.Context(), p)
			return names(keys, func(k models.APIKey) string { return k.ID }), err
		}), "revoked ones too")
	})
}

// paged reads a list page by page until one is empty.
func paged(t *testing.T, limit int, read func(store.Page) ([]string, error)) []string {
	t.Helper()
	var all []string
	for page := (store.Page{Limit: limit}); ; {
		ids, err := read(page)
		require.NoError(t, err)
		require.LessOrEqual(t, len(ids), limit)
		if len(ids) == 0 {
			return all
		}
		all = append(all, ids...)
		page.After = ids[len(ids)-1]
	}
}

// names maps rows to what names them.
func names[T any](rows []T, name func(T) string) []string {
	list := make([]string, len(rows))
	for i, r := range rows {
		list[i] = name(r)
	}
	return list
}
