package worker_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// tagged makes n users with the tag.
func (w *world) tagged(tag string, n int) []string {
	w.T.Helper()
	ids := w.people(n)
	for _, id := range ids {
		w.exec("INSERT INTO user_tags (user_id, tag) VALUES (?, ?)", id, tag)
	}
	return ids
}

// inboxTemplate is of a message to who is given a coupon.
func (w *world) inboxTemplate() string {
	w.T.Helper()
	id := models.NewID(models.PrefixTemplate)
	w.exec("INSERT INTO templates (id, version, merchant_id, name, kind, channels, locale, texts, created_at) VALUES (?, 1, 'm1', ?, 'issued', '[\"inbox\"]', 'en', '{}', ?)",
		id, id, "2026-01-01 00:00:00.000000")
	return id
}

// A distribution to whom an expression holds for, with a message to each, events to who listens, and no faster than it may be.
func TestDistributionByAllItsTerms(t *testing.T) {
	t.Parallel()
	r := newRig(t, alone(t, 0))
	r.work(nil, nil)
	const users, perSecond = 120, 40
	vips := r.tagged("vip", users+1)
	r.people(30)
	r.exec("UPDATE users SET blocked = TRUE WHERE id = ?", vips[7])
	audience, err := r.Store.CreateAudience(t.Context(), models.Audience{
		MerchantID: "m1", Name: storetest.Name("vips"), Kind: models.AudienceExpression, Expression: "tag:vip",
	}, nil, models.AuditRecord{})
	require.NoError(t, err)
	template := r.inboxTemplate()
	_, err = r.Store.CreateEndpoint(t.Context(), models.WebhookEndpoint{MerchantID: "m1", URL: "https://example.org", Events: []string{
		string(models.EventDistributionStarted), string(models.EventDistributionCompleted),
	}}, models.AuditRecord{})
	require.NoError(t, err)

	id := r.distribution(nil, func(n *store.NewDistribution) {
		n.AudienceID, n.TemplateID, n.PerSecond = &audience.ID, &template, perSecond
	})
	require.NoError(t, r.carryOut(id).Get(t.Context(), nil))
	r.exactlyOnce(id, users) // who is blocked is no member
	var messages, told, events int
	scan := func(into *int, query string, args ...any) {
		require.NoError(t, r.raw.QueryRowContext(t.Context(), query, args...).Scan(into))
	}
	scan(&messages, "SELECT COUNT(*) FROM messages WHERE template_id = ?", template)
	scan(&told, "SELECT COUNT(DISTINCT c.user_id) FROM messages m JOIN coupons c ON c.user_id = m.user_id WHERE m.template_id = ? AND c.batch_id = ?", template, r.batch.ID)
	scan(&events, "SELECT COUNT(*) FROM events WHERE subject = ?", id)
	assert.Equal(t, []int{users, users, 2}, []int{messages, told, events})
	d := r.distributed(id)
	fastest := float64(users-perSecond) / perSecond // a second's worth may go out at once
	assert.GreaterOrEqual(t, d.EndedAt.Sub(d.StartedAt.Time).Seconds(), fastest, "no faster than %d a second", perSecond)
}
