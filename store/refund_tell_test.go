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

// TestRefundTellsTheUser adds the message with the books, once, and none where the merchant has no template for it.
func TestRefundTellsTheUser(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Caps: models.Caps{UserDay: models.Cap{Uses: new(int64(100))}}})
		d := w.desks(1, inUnits(3))[0]
		told := func() []string {
			return query(t, s, "SELECT channel, kind, state, user_id, batch_id, params FROM messages")
		}
		d.book(d.paid(d.ask(some(1))))
		assert.Empty(t, told(), "no template is bound")

		template, err := s.CreateTemplate(t.Context(), newTemplate(d.of.MerchantID), templateAudit)
		require.NoError(t, err)
		_, err = s.BindTemplate(t.Context(), models.TemplateBinding{MerchantID: d.of.MerchantID, Kind: models.MessageRefund, TemplateID: template.ID}, templateAudit)
		require.NoError(t, err)
		refund := d.paid(d.ask(some(1)))
		assert.Empty(t, told(), "not before it is booked")
		d.book(refund)
		_, err = s.BookRefund(t.Context(), refund)
		require.NoError(t, err)
		rows := told()
		require.Len(t, rows, 1)
		assert.Contains(t, rows[0], "email refund PENDING "+d.of.UserID)
		assert.Contains(t, rows[0], refund)
		amount := query(t, s, "SELECT amount FROM refunds WHERE id = ?", refund)[0]
		assert.Contains(t, strings.ReplaceAll(rows[0], ": ", ":"), `"amount":`+amount)
		d.failed(d.ask(some(1)).ID)
		assert.Len(t, told(), 1, "nothing was paid")
		w.AuditClean(w.batch.ID)
	})
}
