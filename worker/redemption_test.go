package worker_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

func TestRedemptionByToken(t *testing.T) {
	t.Parallel()
	ends := map[string]models.Code{ // "": confirmed
		payments.TokenApproved:          "",
		payments.TokenDeclined:          models.CodePaymentDeclined,
		payments.TokenSlow:              "",
		payments.TokenAuthLost:          "",
		payments.TokenAuthLostBefore:    "",
		payments.TokenKeyForgotten:      "",
		payments.TokenPending:           models.CodePaymentExpired,
		payments.TokenPendingWallet:     models.CodePaymentExpired,
		payments.TokenLateCustomer:      models.CodePaymentExpired,
		payments.TokenCaptureLost:       "",
		payments.TokenCaptureLostBefore: "",
		payments.TokenCaptureRefused:    models.CodePaymentRefused,
		payments.TokenCaptureLate:       "",
		payments.TokenVoidLost:          "",
		payments.TokenVoidDown:          "",
		payments.TokenRefundLost:        "",
		payments.TokenRefundForgotten:   "",
		payments.TokenRefundSlow:        "",
		payments.TokenRefundRefused:     "",
		payments.TokenRefundFails:       "",
		payments.TokenRefundBounces:     "",
		payments.TokenRefundDown:        "",
		"tok_nobody_knows":              models.CodePaymentDeclined,
	}
	for _, token := range payments.Tokens() {
		if token.Name == payments.TokenCaptureDown {
			continue // needs an operator: TestCaptureUnknown
		}
		assert.Contains(t, ends, token.Name, "a token without a test")
	}
	for token, why := range ends {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			w := onMySQL(t)
			id := w.Open(w.plan(token)).ID
			d := drive{w: w}
			result := d.run(id)
			assert.Equal(t, why, result.Outcome)
			path{why: why}.ended(w, id)
		})
	}
}
