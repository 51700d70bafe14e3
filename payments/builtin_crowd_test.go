package payments_test

import (
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

const crowd = 50

// rush makes the same call from many callers at once and counts what they were told.
func (c *till) rush(call func(i int) (payments.Payment, error)) map[string]int {
	var wg sync.WaitGroup
	var mu sync.Mutex
	told := map[string]int{}
	gate := make(chan struct{})
	for i := range crowd {
		wg.Go(func() {
			<-gate
			answer := said(call(i))
			mu.Lock()
			defer mu.Unlock()
			told[answer]++
		})
	}
	close(gate)
	wg.Wait()
	return told
}

func TestBuiltinCrowdWithOneKey(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		token         string
		auth, capture map[string]int
	}{
		{payments.TokenApproved, map[string]int{authorised: crowd}, map[string]int{captured: crowd}},
		{payments.TokenAuthLost, map[string]int{authorised: crowd - 1, isUnknown: 1}, map[string]int{captured: crowd}},
		{payments.TokenAuthLostBefore, map[string]int{authorised: crowd - 1, isUnknown: 1}, map[string]int{captured: crowd}},
		{payments.TokenCaptureLost, map[string]int{authorised: crowd}, map[string]int{captured: crowd - 1, isUnknown: 1}},
		{payments.TokenCaptureRefused, map[string]int{authorised: crowd}, map[string]int{codeRefused: crowd}},
	} {
		t.Run(tt.token, func(t *testing.T) {
			t.Parallel()
			eachBooks(t, func(t *testing.T, books payments.Books) {
				c := newTill(t, books)
				told := c.rush(func(int) (payments.Payment, error) { return c.authorise(t.Context(), "a", tt.token) })
				assert.Equal(t, tt.auth, told)
				list := c.list()
				require.Len(t, list, 1, "one payment, whoever asked")
				c.ref = list[0].Reference
				told = c.rush(func(int) (payments.Payment, error) { return c.bank.Capture(t.Context(), c.on("c")) })
				assert.Equal(t, tt.capture, told)
				want := int64(amount)
				if tt.token == payments.TokenCaptureRefused {
					want = 0
				}
				assert.Equal(t, want, c.charged())
			})
		})
	}
}

// keyOf numbers the keys of a crowd.
func (c *till) keyOf(prefix string, i int) payments.ReferenceInput {
	return c.on(prefix + strconv.Itoa(i))
}

func TestBuiltinCrowdOfCapturesAndVoids(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, books payments.Books) {
		c := newTill(t, books)
		c.run([]step{{auth("a", payments.TokenApproved), authorised}})
		told := c.rush(func(i int) (payments.Payment, error) {
			if i%2 == 0 {
				return c.bank.Capture(t.Context(), c.keyOf("c", i))
			}
			return c.bank.Void(t.Context(), c.keyOf("v", i))
		})
		// Whoever came first decided, and all others were told so.
		if c.charged() > 0 {
			assert.Equal(t, map[string]int{captured: crowd / 2, codeCaptured: crowd / 2}, told)
		} else {
			assert.Equal(t, map[string]int{codeRefused: crowd / 2, voided: crowd / 2}, told)
		}
	})
}

func TestBuiltinCrowdOfRefunds(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, books payments.Books) {
		c := newTill(t, books)
		c.run([]step{{auth("a", payments.TokenApproved), authorised}, {capt("c"), captured}})
		told := c.rush(func(i int) (payments.Payment, error) {
			r, err := c.bank.Refund(t.Context(), c.giving("r"+strconv.Itoa(i), 100))
			return payments.Payment{State: models.PaymentState(r.State)}, err
		})
		assert.Equal(t, map[string]int{succeeded: amount / 100, codeRefused: crowd - amount/100}, told)
		assert.EqualValues(t, amount%100, c.charged())
		assert.Len(t, c.refunds(), amount/100)
	})
}

func TestBuiltinCrowdOfCustomers(t *testing.T) {
	t.Parallel()
	eachBooks(t, func(t *testing.T, books payments.Books) {
		c := newTill(t, books)
		c.run([]step{{auth("a", payments.TokenPendingWallet), pending}})
		told := c.rush(func(int) (payments.Payment, error) { return c.bank.CustomerPays(t.Context(), c.ref, true) })
		assert.Equal(t, map[string]int{captured: crowd}, told)
		assert.EqualValues(t, amount, c.charged())
	})
}
