package store_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// aTemplate says nothing through two channels.
func aTemplate() *models.Template {
	return &models.Template{
		ID: models.NewID(models.PrefixTemplate), Version: 3, MerchantID: "m1", Kind: models.MessageReminder,
		Channels: []models.Channel{models.ViaInbox, models.ViaEmail},
	}
}

// notices tells n users something, each of them once.
func notices(t *models.Template, word string, n int) []models.Message {
	var rows []models.Message
	for i := range n {
		rows = append(rows, t.Messages(models.Notice{
			UserID: models.NewID(models.PrefixUser), DedupeKey: models.Hash(t.ID, word, fmt.Sprint(i)),
			Params: models.MessageParams{Coupons: i, Amount: 500, Currency: "EUR"},
		})...)
	}
	return rows
}

func messagesOf(t *testing.T, s *store.Store, template *models.Template) []string {
	t.Helper()
	return query(t, s, "SELECT channel, state, attempts, seq, COUNT(*), COUNT(DISTINCT id) FROM messages WHERE template_id = ? "+
		"GROUP BY channel, state, attempts, seq", template.ID)
}

func TestMessagesAreThereOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		template := aTemplate()
		rows := notices(template, "a", 700) // more than one statement takes
		require.NoError(t, s.AddMessages(t.Context(), rows[:300]))
		require.NoError(t, s.AddMessages(t.Context(), append(rows, rows...)))
		require.NoError(t, s.AddMessages(t.Context(), rows))
		require.NoError(t, s.AddMessages(t.Context(), nil))
		assert.Equal(t, []string{"email PENDING 0 1 700 700", "inbox PENDING 0 1 700 700"}, messagesOf(t, s, template))
		assert.Equal(t, []string{"reminder 3 m1"}, query(t, s, "SELECT DISTINCT kind, template_version, merchant_id FROM messages WHERE template_id = ?", template.ID))
	})
}

func TestMessagesAddedByManyAtOnceAreThereOnce(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	template := aTemplate()
	rows := notices(template, "a", 400)
	together(8, func(i int) {
		assert.NoError(t, s.AddMessages(t.Context(), rows[i*50:]))
	})
	assert.Equal(t, []string{"email PENDING 0 1 400 400", "inbox PENDING 0 1 400 400"}, messagesOf(t, s, template))
	assert.Empty(t, faults.Breaches(), "sent after an error")
}
