package store_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestRuleVersions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		merchant := storetest.Name("m")
		first, err := s.CreateRule(t.Context(), models.Rule{MerchantID: merchant, Name: "one", Content: json.RawMessage(`{"n":1}`)})
		require.NoError(t, err)
		assert.True(t, models.HasPrefix(first.ID, models.PrefixRule))
		assert.Equal(t, 1, first.Version)
		second, err := s.CreateRule(t.Context(), models.Rule{ID: first.ID, MerchantID: merchant, Name: "two", Content: json.RawMessage(`{"n":2}`)})
		require.NoError(t, err)
		assert.Equal(t, 2, second.Version)

		for version, want := range map[int]models.Rule{0: second, 1: first, 2: second} {
			got, err := s.Rule(t.Context(), first.ID, version)
			require.NoError(t, err)
			assert.JSONEq(t, string(want.Content), string(got.Content))
			assert.Equal(t, []any{want.Version, want.Name, want.CreatedAt}, []any{got.Version, got.Name, got.CreatedAt})
		}
		_, err = s.Rule(t.Context(), first.ID, 3)
		requireCode(t, models.CodeNotFound, err)
		_, err = s.Rule(t.Context(), "rul_nobody", 0)
		requireCode(t, models.CodeNotFound, err)

		_, err = s.CreateRule(t.Context(), models.Rule{ID: first.ID, MerchantID: "other", Name: "stolen", Content: json.RawMessage(`{}`)})
		requireCode(t, models.CodeNotFound, err, "another merchant's")
		_, err = s.CreateRule(t.Context(), models.Rule{ID: "rul_nobody", MerchantID: merchant, Name: "x", Content: json.RawMessage(`{}`)})
		requireCode(t, models.CodeNotFound, err)
		assert.Equal(t, []string{"1 one", "2 two"}, query(t, s, "SELECT version, name FROM rules WHERE id = ?", first.ID))
	})
}

// TestRuleVersionsCrowd edits one rule many times at once: every edit gets a version of its own.
func TestRuleVersionsCrowd(t *testing.T) {
	t.Parallel()
	s := storetest.MySQL(t)
	r, err := s.CreateRule(t.Context(), models.Rule{MerchantID: "m1", Name: "0", Content: json.RawMessage(`{}`)})
	require.NoError(t, err)
	const edits = 4 // more than that and an edit may lose all of its tries
	errs := make([]error, edits)
	together(edits, func(i int) {
		_, errs[i] = s.CreateRule(t.Context(), models.Rule{ID: r.ID, MerchantID: "m1", Name: fmt.Sprint(i + 1), Content: json.RawMessage(`{}`)})
	})
	for _, err := range errs {
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"5 5 5"}, query(t, s, "SELECT COUNT(*), MAX(version), COUNT(DISTINCT name) FROM rules WHERE id = ?", r.ID))
}

func TestRulesArePaged(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		merchant := storetest.Name("m")
		var want []string
		for range 5 {
			r, err := s.CreateRule(t.Context(), models.Rule{MerchantID: merchant, Name: "old", Content: json.RawMessage(`{}`)})
			require.NoError(t, err)
			r.Name = "new"
			_, err = s.CreateRule(t.Context(), r)
			require.NoError(t, err)
			want = append(want, r.ID)
		}
		assert.Equal(t, want, paged(t, 2, func(p store.Page) ([]string, error) {
			p.MerchantID = merchant
			rules, err := s.Rules(t.Context(), p)
			for _, r := range rules {
				assert.Equal(t, "new", r.Name, "the newest version")
			}
			return names(rules, func(r models.Rule) string { return r.ID }), err
		}))
		others, err := s.Rules(t.Context(), store.Page{MerchantID: "nobody", Limit: 5})
		require.NoError(t, err)
		assert.Empty(t, others)
	})
}
