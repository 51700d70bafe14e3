package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/participant"
)

func TestBook(t *testing.T) {
	t.Parallel()
	try := participant.Order{RedemptionID: "rdm_1", OrderID: "o-1", Payable: 100, Currency: "USD"}
	ref := participant.Ref{RedemptionID: "rdm_1", OrderID: "o-1"}
	another := participant.Order{RedemptionID: "rdm_2", OrderID: "o-1"}
	open := func(t *testing.T) *book { return openBook(filepath.Join(t.TempDir(), "orders.json")) }

	t.Run("tried and confirmed, each twice, by two processes", func(t *testing.T) {
		t.Parallel()
		b := open(t)
		for range 2 {
			require.NoError(t, b.TryOrder(t.Context(), try))
		}
		b = openBook(b.path)
		for range 2 {
			require.NoError(t, b.ConfirmOrder(t.Context(), ref))
		}
		all, err := b.read()
		require.NoError(t, err)
		assert.Equal(t, map[string]*entry{"rdm_1": {OrderID: "o-1", State: confirmed, Payable: 100, Currency: "USD"}}, all)
		require.ErrorContains(t, b.CancelOrder(t.Context(), ref), "is confirmed")
	})
	t.Run("cancelled before it was tried: a late Try is refused", func(t *testing.T) {
		t.Parallel()
		b := open(t)
		for range 2 {
			require.NoError(t, b.CancelOrder(t.Context(), ref))
			refusedAs(t, b.TryOrder(t.Context(), try), "cancelled")
		}
		require.ErrorContains(t, b.ConfirmOrder(t.Context(), ref), "CANCELLED")
	})
	t.Run("refused while another redemption has it, and for good", func(t *testing.T) {
		t.Parallel()
		b := open(t)
		require.NoError(t, b.TryOrder(t.Context(), try))
		refusedAs(t, b.TryOrder(t.Context(), another), "order_taken")
		require.NoError(t, b.CancelOrder(t.Context(), ref))
		refusedAs(t, b.TryOrder(t.Context(), another), "order_taken")
		require.NoError(t, b.TryOrder(t.Context(), participant.Order{RedemptionID: "rdm_3", OrderID: "o-1"}))
	})
	t.Run("confirmed without a Try", func(t *testing.T) {
		t.Parallel()
		b := open(t)
		require.Error(t, b.ConfirmOrder(t.Context(), ref))
		all, err := b.read()
		require.NoError(t, err)
		assert.Empty(t, all)
	})
}
