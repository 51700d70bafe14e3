package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/participant"
)

var (
	tryPayment = participant.Payment{RedemptionID: "rdm_1", OrderID: "o-1", Amount: 100, Currency: "USD"}
	paymentRef = participant.PaymentRef{RedemptionID: "rdm_1", OrderID: "o-1", Amount: 100, Currency: "USD"}
)

func newTill(t *testing.T) *till {
	t.Helper()
	return openTill(filepath.Join(t.TempDir(), "till.json"))
}

func (t *till) saleOf(tb testing.TB) *sale {
	tb.Helper()
	all, err := t.read()
	require.NoError(tb, err)
	return all["rdm_1"]
}

func refusedAs(t *testing.T, err error, want string) {
	t.Helper()
	code, _, ok := participant.Refusal(err)
	assert.True(t, ok, "%v", err)
	assert.Equal(t, want, code)
}

func TestTill(t *testing.T) {
	t.Parallel()
	t.Run("held and charged, each twice, by two processes; given back when cancelled", func(t *testing.T) {
		t.Parallel()
		money := newTill(t)
		for range 2 {
			got, err := money.TryPayment(t.Context(), tryPayment)
			require.NoError(t, err)
			assert.Equal(t, "till/o-1", got.Reference)
		}
		money = openTill(money.path)
		for range 2 {
			require.NoError(t, money.ConfirmPayment(t.Context(), paymentRef))
		}
		assert.Equal(t, &sale{OrderID: "o-1", State: charged, Amount: 100, Currency: "USD"}, money.saleOf(t))
		for range 2 {
			require.NoError(t, money.CancelPayment(t.Context(), paymentRef))
		}
		assert.Equal(t, released, money.saleOf(t).State)
		refusedAs(t, money.ConfirmPayment(t.Context(), paymentRef), "cancelled")
	})
	t.Run("cancelled before it was tried: late calls are refused", func(t *testing.T) {
		t.Parallel()
		money := newTill(t)
		require.NoError(t, money.CancelPayment(t.Context(), paymentRef))
		_, err := money.TryPayment(t.Context(), tryPayment)
		refusedAs(t, err, "cancelled")
		refusedAs(t, money.ConfirmPayment(t.Context(), paymentRef), "cancelled")
	})
	t.Run("declined at once, and for good", func(t *testing.T) {
		t.Parallel()
		money := newTill(t)
		broke := tryPayment
		broke.Method = methodBroke
		for range 2 {
			_, err := money.TryPayment(t.Context(), broke)
			refusedAs(t, err, "no_money")
		}
		refusedAs(t, money.ConfirmPayment(t.Context(), paymentRef), "no_money")
		require.NoError(t, money.CancelPayment(t.Context(), paymentRef))
	})
	t.Run("declined when it is to be charged", func(t *testing.T) {
		t.Parallel()
		money := newTill(t)
		gone := tryPayment
		gone.Method = methodGone
		_, err := money.TryPayment(t.Context(), gone)
		require.NoError(t, err)
		for range 2 {
			refusedAs(t, money.ConfirmPayment(t.Context(), paymentRef), "no_longer_there")
		}
		assert.Equal(t, declined, money.saleOf(t).State)
	})
	t.Run("charged without a Try", func(t *testing.T) {
		t.Parallel()
		money := newTill(t)
		require.ErrorContains(t, money.ConfirmPayment(t.Context(), paymentRef), "nothing was tried")
		assert.Nil(t, money.saleOf(t))
	})
}

func TestTillRefunds(t *testing.T) {
	t.Parallel()
	refund := func(id string, amount int64) participant.Refund {
		return participant.Refund{RefundID: id, RedemptionID: "rdm_1", OrderID: "o-1", Currency: "USD", Amount: amount}
	}
	money := newTill(t)
	_, err := money.TryPayment(t.Context(), tryPayment)
	require.NoError(t, err)
	_, err = money.RefundPayment(t.Context(), refund("rfd_1", 60))
	require.ErrorContains(t, err, "HELD")
	require.NoError(t, money.ConfirmPayment(t.Context(), paymentRef))
	_, err = money.RefundPaymentStatus(t.Context(), participant.RefundRef{RedemptionID: "rdm_1", RefundID: "rfd_1"})
	require.ErrorContains(t, err, "not known", "which decides nothing")
	for range 2 {
		got, err := money.RefundPayment(t.Context(), refund("rfd_1", 60))
		require.NoError(t, err)
		assert.Equal(t, participant.Refunded{State: participant.RefundSucceeded, Reference: "till/rfd_1"}, got)
	}
	_, err = money.RefundPayment(t.Context(), refund("rfd_1", 50))
	require.ErrorContains(t, err, "another amount")
	_, err = money.RefundPayment(t.Context(), refund("rfd_2", 50))
	refusedAs(t, err, "more_than_paid")
	got, err := money.RefundPaymentStatus(t.Context(), participant.RefundRef{RedemptionID: "rdm_1", RefundID: "rfd_1"})
	require.NoError(t, err)
	assert.Equal(t, participant.RefundSucceeded, got.State)
	assert.Equal(t, map[string]int64{"rfd_1": 60}, money.saleOf(t).Refunds)
}
