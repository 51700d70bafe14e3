package rules

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
)

// However many coupons may be combined, and however alike they are, the search ends when its work is done.
func TestSearchIsBounded(t *testing.T) {
	t.Parallel()
	cart := models.Cart{Currency: "USD"}
	for i := range 100 {
		cart.Lines = append(cart.Lines, models.CartLine{LineID: fmt.Sprint(i), ProductID: "p", Quantity: 2, UnitPrice: int64(1000 + i)})
	}
	b, err := newBasket(Checkout{Cart: cart})
	require.NoError(t, err)
	var w work
	usable := make([]*coupon, 100)
	for i := range usable {
		rule := Rule{Kind: KindPercentOff, PercentOff: &PercentOff{BasisPoints: 1000}, Stacking: Stacking{Stackable: true}}
		it, refused := b.judge(&Candidate{CouponRef: models.CouponRef{CouponID: fmt.Sprintf("c%02d", i)}, Rule: &rule}, &w)
		require.Nil(t, refused)
		usable[i] = it
	}
	best := b.best(usable, &w)
	require.Len(t, best, MaxCoupons)
	const greed, step = 100 * MaxCoupons * 101, 100 * (101 + MaxCoupons) // the most that greed and one step of the search look at
	require.Greater(t, w.effort, int64(maxWork))
	require.Less(t, w.effort, int64(maxWork+greed+step))
}
