package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// giveBack adds a refund to the page, as the bank does.
func giveBack(page *models.BankPage, amount int64, next models.ProviderRefundState, at models.Time) {
	p := page.Payment
	page.Refunds = append(page.Refunds, models.BankRefund{
		Reference: models.NewID(models.PrefixBankRefund), Payment: p.Reference, OurID: "Erstattung", Currency: p.Currency,
		State: models.ProviderRefundPending, Amount: amount, Failure: "account_closed", Next: next, SettleAt: at, CreatedAt: page.Now,
	})
	p.Refunded += amount
}

// captured books a payment of 1999 that is charged.
func captured(t *testing.T, s *store.Store) models.BankScope {
	t.Helper()
	scope := models.BankScope{Key: bankKey()}
	require.NoError(t, s.BankUpdate(t.Context(), scope, func(page *models.BankPage) error {
		_ = book(page, scope.Key)
		page.Payment.State, page.Payment.Captured = models.PaymentCaptured, 1999
		scope.Reference = page.Payment.Reference
		return nil
	}))
	return models.BankScope{Reference: scope.Reference}
}

func TestBankUpdateKeepsRefunds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		scope := captured(t, s)
		for range 2 {
			require.NoError(t, s.BankUpdate(t.Context(), scope, func(page *models.BankPage) error {
				giveBack(page, 700, models.ProviderRefundSucceeded, page.Now.Add(time.Hour))
				return nil
			}))
		}
		page := readBank(t, s, scope)
		require.Len(t, page.Refunds, 2)
		assert.EqualValues(t, 1, page.Refunds[0].Seq, "what didn't change isn't written")
		all, err := s.BankRefundsOf(t.Context(), scope.Reference)
		require.NoError(t, err)
		assert.Equal(t, page.Refunds, all)
		one, err := s.BankRefund(t.Context(), all[1].Reference)
		require.NoError(t, err)
		assert.Equal(t, all[1], one)
		assert.EqualValues(t, 1400, page.Payment.Refunded)

		require.Error(t, s.BankUpdate(t.Context(), scope, func(page *models.BankPage) error {
			giveBack(page, 700, models.ProviderRefundSucceeded, models.Time{})
			return nil
		}), "more than was captured")
		assert.Len(t, readBank(t, s, scope).Refunds, 2, "rolled back with the payment")

		_, err = s.BankRefund(t.Context(), "bnr_nobody")
		assert.Equal(t, models.CodeNotFound, models.CodeOf(err))
		none, err := s.BankRefundsOf(t.Context(), "bnk_nobody")
		require.NoError(t, err)
		assert.Empty(t, none)
	})
}

// TestBankSettlesByTheStoresClock: every way to look at a refund, and at its payment, shows the same, before and after the
// refund's instant, and whether anybody wrote it down meanwhile or not.
func TestBankSettlesByTheStoresClock(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		after    time.Duration
		next     models.ProviderRefundState
		want     models.ProviderRefundState
		refunded int64
	}{
		"not yet":             {time.Hour, models.ProviderRefundFailed, models.ProviderRefundPending, 1999},
		"failed just now":     {0, models.ProviderRefundFailed, models.ProviderRefundFailed, 0},
		"succeeded long ago":  {-time.Hour, models.ProviderRefundSucceeded, models.ProviderRefundSucceeded, 1999},
		"failed a moment ago": {-time.Second, models.ProviderRefundFailed, models.ProviderRefundFailed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				scope := captured(t, s)
				require.NoError(t, s.BankUpdate(t.Context(), scope, func(page *models.BankPage) error {
					giveBack(page, 1999, tt.next, page.Now.Add(tt.after))
					page.Payment.State = models.PaymentRefunded
					return nil
				}))
				look := func() {
					one, err := s.BankPayment(t.Context(), scope.Reference)
					require.NoError(t, err)
					assert.Equal(t, tt.refunded, one.Refunded)
					assert.Equal(t, tt.refunded == 0, one.State == models.PaymentCaptured)
					refunds, err := s.BankRefundsOf(t.Context(), scope.Reference)
					require.NoError(t, err)
					require.Len(t, refunds, 1)
					assert.Equal(t, tt.want, refunds[0].State)
				}
				look() // nobody has written it down
				page := readBank(t, s, scope)
				assert.Equal(t, tt.refunded, page.Payment.Refunded)
				assert.Equal(t, tt.want, page.Refunds[0].State)
				look()
				assert.Equal(t, page, withNow(readBank(t, s, scope), page.Now), "and not twice")
			})
		})
	}
}
