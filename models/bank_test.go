package models_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tearoff/tearoff/models"
)

func TestBankPaymentLand(t *testing.T) {
	t.Parallel()
	lands := models.NewTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	underWay := models.BankPayment{State: models.PaymentAuthorised, Amount: 1999, LandsAt: lands}
	landed := models.BankPayment{State: models.PaymentCaptured, Amount: 1999, Captured: 1999}
	idle := models.BankPayment{State: models.PaymentVoided, Amount: 1999}
	for _, tt := range []struct {
		name         string
		before, want models.BankPayment
		now          models.Time
	}{
		{"a microsecond early: still under way", underWay, underWay, lands.Add(-time.Microsecond)},
		{"on the instant: captured in full", underWay, landed, lands},
		{"long after: captured in full", underWay, landed, lands.Add(time.Hour)},
		{"landed already: stays", landed, landed, lands.Add(time.Hour)},
		{"nothing under way: stays", idle, idle, lands.Add(time.Hour)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := tt.before
			p.Land(tt.now)
			assert.Equal(t, tt.want, p)
		})
	}
}

func TestBankPaymentCharged(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		captured, refunded, want int64
	}{{0, 0, 0}, {1999, 0, 1999}, {1999, 500, 1499}, {1999, 1999, 0}} {
		p := models.BankPayment{Amount: 1999, Captured: tt.captured, Refunded: tt.refunded}
		assert.Equal(t, tt.want, p.Charged())
	}
}
