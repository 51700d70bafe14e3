package models_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tearoff/tearoff/models"
)

func TestBankPaymentSettle(t *testing.T) {
	t.Parallel()
	at := models.NewTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	pending := models.BankRefund{Amount: 500, State: models.ProviderRefundPending, SettleAt: at}
	for _, tt := range []struct {
		name         string
		next         models.ProviderRefundState
		now          models.Time
		state        models.ProviderRefundState
		refunded     int64
		paymentState models.PaymentState
	}{
		{"too early", models.ProviderRefundFailed, at.Add(-1000), models.ProviderRefundPending, 500, models.PaymentRefunded},
		{"failed on the instant", models.ProviderRefundFailed, at, models.ProviderRefundFailed, 0, models.PaymentCaptured},
		{"succeeded long ago", models.ProviderRefundSucceeded, at.Add(time.Hour), models.ProviderRefundSucceeded, 500, models.PaymentRefunded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			refund := pending
			refund.Next = tt.next
			page := models.BankPage{
				Now: tt.now, Refunds: []models.BankRefund{refund},
				Payment: &models.BankPayment{State: models.PaymentRefunded, Amount: 500, Captured: 500, Refunded: 500},
			}
			for range 2 { // settling twice is as good as once
				page.Settle()
				assert.Equal(t, tt.state, page.Refunds[0].State)
				assert.Equal(t, tt.refunded, page.Payment.Refunded)
				assert.Equal(t, tt.paymentState, page.Payment.State)
			}
		})
	}
	empty := models.BankPage{Now: at}
	assert.NotPanics(t, empty.Settle)
}
