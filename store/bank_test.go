package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func bankPayment(now models.Time) *models.BankPayment {
	return &models.BankPayment{
		Reference: models.NewID(models.PrefixBank), OurID: models.NewID(models.PrefixRedemption), Method: "tok_approved",
		State: models.PaymentAuthorised, Currency: "EUR", Amount: 1999, CreatedAt: now,
	}
}

// book adds a payment and, when the scope has one, an open key that points to it.
func book(page *models.BankPage, key string) error {
	page.Payment = bankPayment(page.Now)
	if key != "" {
		page.Key = &models.BankKey{
			IdemKey: key, Operation: "authorise", Fingerprint: models.Hash(key), Reference: page.Payment.Reference,
			CreatedAt: page.Now,
		}
	}
	return nil
}

// bankKey makes a key that no other test has: all tests of one database share the bank.
func bankKey() string { return models.NewID("tst") }

// readBank returns the page that a scope shows, and changes nothing.
func readBank(t *testing.T, s *store.Store, scope models.BankScope) models.BankPage {
	t.Helper()
	var seen models.BankPage
	require.NoError(t, s.BankUpdate(t.Context(), scope, func(page *models.BankPage) error {
		seen = *page
		return nil
	}))
	return seen
}

func TestBankUpdateKeepsThePage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		id := models.NewID(models.PrefixRedemption)
		scope := models.BankScope{Key: "Schlüssel/" + id}
		var wrote models.BankPage
		require.NoError(t, s.BankUpdate(t.Context(), scope, func(page *models.BankPage) error {
			assert.Nil(t, page.Key)
			assert.Nil(t, page.Payment)
			assert.WithinDuration(t, time.Now(), page.Now.Time, time.Minute)
			defer func() { wrote = *page }()
			return book(page, scope.Key)
		}))

		read := readBank(t, s, scope)
		wrote.Now = read.Now
		assert.Equal(t, wrote, read, "the key finds its payment")
		assert.EqualValues(t, 1, read.Key.Seq)
		assert.EqualValues(t, 1, read.Payment.Seq)
		assert.Nil(t, read.Key.Answer)
		assert.Equal(t, read, withNow(readBank(t, s, scope), read.Now), "reading moves nothing")
		assert.Nil(t, readBank(t, s, models.BankScope{Key: "schlüssel/" + id}).Key, "keys are compared byte by byte")

		one, err := s.BankPayment(t.Context(), read.Payment.Reference)
		require.NoError(t, err)
		assert.Equal(t, *read.Payment, one)
		all, err := s.BankPaymentsOf(t.Context(), one.OurID)
		require.NoError(t, err)
		assert.Equal(t, []models.BankPayment{one}, all)
	})
}

func withNow(page models.BankPage, now models.Time) models.BankPage {
	page.Now = now
	return page
}

func TestBankUpdateChangesThePage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		scope := models.BankScope{Key: bankKey()}
		require.NoError(t, s.BankUpdate(t.Context(), scope, func(page *models.BankPage) error { return book(page, scope.Key) }))
		answer := &models.BankAnswer{
			State: models.PaymentCaptured, Captured: 1999, Refunded: 500,
			Refusal: &models.Refusal{Code: models.CodePaymentRefused, Message: "because"},
		}
		require.NoError(t, s.BankUpdate(t.Context(), scope, func(page *models.BankPage) error {
			page.Key.Answer = answer
			p := page.Payment
			p.State, p.Captured, p.Refunded, p.Troubles = models.PaymentCaptured, 1999, 500, 3
			return nil
		}))
		read := readBank(t, s, scope)
		assert.Equal(t, answer, read.Key.Answer)
		assert.EqualValues(t, 2, read.Key.Seq)
		p := read.Payment
		assert.Equal(t, models.PaymentCaptured, p.State)
		assert.Equal(t, []int64{1999, 500, 3, 2}, []int64{p.Captured, p.Refunded, int64(p.Troubles), p.Seq})
		assert.False(t, p.UpdatedAt.Before(p.CreatedAt))

		require.NoError(t, s.BankUpdate(t.Context(), models.BankScope{Reference: p.Reference}, func(page *models.BankPage) error {
			assert.Nil(t, page.Key, "no key was named")
			page.Payment.Troubles++
			return nil
		}))
		read = readBank(t, s, scope)
		assert.EqualValues(t, 2, read.Key.Seq, "what didn't change isn't written")
		assert.EqualValues(t, 3, read.Payment.Seq)
	})
}

func TestBankUpdateRollsBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		refused := errors.New("decided against it")
		scope := models.BankScope{Key: bankKey()}
		runs := 0
		err := s.BankUpdate(t.Context(), scope, func(page *models.BankPage) error {
			runs++
			_ = book(page, scope.Key)
			return refused
		})
		require.ErrorIs(t, err, refused)
		assert.Equal(t, 1, runs)
		assert.Nil(t, readBank(t, s, scope).Key)

		// The books' own bounds refuse what no operation may write, and the key goes with it.
		err = s.BankUpdate(t.Context(), scope, func(page *models.BankPage) error {
			_ = book(page, scope.Key)
			page.Payment.Captured = page.Payment.Amount + 1
			return nil
		})
		require.Error(t, err)
		assert.Nil(t, readBank(t, s, scope).Key)

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err = s.BankUpdate(ctx, scope, func(page *models.BankPage) error { return book(page, scope.Key) })
		require.ErrorIs(t, err, context.Canceled)
		assert.Nil(t, readBank(t, s, scope).Key)
	})
}

func TestBankUpdateCountsSiblings(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		scope := models.BankScope{OurID: models.NewID(models.PrefixRedemption)}
		for want := range 3 {
			require.NoError(t, s.BankUpdate(t.Context(), scope, func(page *models.BankPage) error {
				assert.Equal(t, want, page.Siblings)
				page.Payment = bankPayment(page.Now)
				page.Payment.OurID = scope.OurID
				return nil
			}))
		}
		all, err := s.BankPaymentsOf(t.Context(), scope.OurID)
		require.NoError(t, err)
		assert.Len(t, all, 3)
		assert.Zero(t, readBank(t, s, models.BankScope{OurID: "another"}).Siblings)
	})
}

func TestBankLandsByTheStoresClock(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		after time.Duration
		want  models.PaymentState
	}{
		{"not yet", time.Hour, models.PaymentAuthorised},
		{"on the instant", 0, models.PaymentCaptured},
		{"long ago", -time.Hour, models.PaymentCaptured},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				scope := models.BankScope{Key: bankKey()}
				require.NoError(t, s.BankUpdate(t.Context(), scope, func(page *models.BankPage) error {
					_ = book(page, scope.Key)
					page.Payment.LandsAt = page.Now.Add(tt.after)
					return nil
				}))
				seen := readBank(t, s, scope)
				assert.Equal(t, tt.want, seen.Payment.State)
				one, err := s.BankPayment(t.Context(), seen.Payment.Reference)
				require.NoError(t, err)
				assert.Equal(t, tt.want, one.State)
				all, err := s.BankPaymentsOf(t.Context(), one.OurID)
				require.NoError(t, err)
				assert.Equal(t, []models.BankPayment{one}, all)
				assert.Equal(t, tt.want == models.PaymentCaptured, one.Charged() == 1999)
				assert.Equal(t, tt.want == models.PaymentAuthorised, one.CaptureUnderWay())
			})
		})
	}
}

func TestBankPaymentNotFound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		_, err := s.BankPayment(t.Context(), "bnk_nobody")
		assert.Equal(t, models.CodeNotFound, models.CodeOf(err))
		all, err := s.BankPaymentsOf(t.Context(), "nobody")
		require.NoError(t, err)
		assert.Empty(t, all)
		page := readBank(t, s, models.BankScope{Key: bankKey(), Reference: "bnk_nobody"})
		assert.Nil(t, page.Payment)
		assert.Nil(t, page.Key)
	})
}

// TestBankUpdateCrowd lets many bring one new key at once: one adds it, all others find it.
func TestBankUpdateCrowd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		const crowd = 50
		scope := models.BankScope{Key: bankKey(), OurID: models.NewID(models.PrefixRedemption)}
		added := make([]bool, crowd)
		errs := make([]error, crowd)
		var wg sync.WaitGroup
		for i := range crowd {
			wg.Go(func() {
				errs[i] = s.BankUpdate(t.Context(), scope, func(page *models.BankPage) error {
					added[i] = page.Key == nil
					if !added[i] {
						page.Payment.Troubles++
						return nil
					}
					_ = book(page, scope.Key)
					page.Payment.OurID = scope.OurID
					return nil
				})
			})
		}
		wg.Wait()
		first := 0
		for i := range crowd {
			require.NoError(t, errs[i])
			if added[i] {
				first++
			}
		}
		assert.Equal(t, 1, first)
		page := readBank(t, s, scope)
		assert.Equal(t, 1, page.Siblings)
		assert.Equal(t, crowd-1, page.Payment.Troubles, "no change was lost")
		assert.EqualValues(t, crowd, page.Payment.Seq)
	})
}
