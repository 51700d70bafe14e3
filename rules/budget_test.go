package rules_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// TestBudgetSufficesInCompany has 3.00 left for a coupon of 50 %, which alone would take 25.00 off 50.00, and after an item
// coupon of 48.00 only 1.00.
func TestBudgetSufficesInCompany(t *testing.T) {
	t.Parallel()
	item1, half := candidate("a", stackable(amount(4800))), candidate("b", stackable(percent(5000)))
	item1.Rule.Stacking.Level = rules.LevelItem
	half.Room = &models.Room{Uses: 9, Amount: 300, Issues: 9, NoAmount: models.CodeBudgetExhausted}
	checkout := rules.Checkout{Cart: cartOf(item("1", 5000))}
	quoted, err := rules.Quote(checkout, []rules.Candidate{item1, half})
	require.NoError(t, err)
	assert.EqualValues(t, 100, quoted.Best.Totals.Payable)
	priced, err := rules.Price(checkout, []rules.Candidate{half, item1})
	require.NoError(t, err)
	assert.Equal(t, quoted.Best, priced)

	quoted, err = rules.Quote(checkout, []rules.Candidate{half})
	require.NoError(t, err)
	assert.Equal(t, rules.Inapplicable, quoted.Coupons[0].Status)
	assert.Equal(t, models.CodeBudgetExhausted, quoted.Coupons[0].Reason.Code)
	assert.EqualValues(t, 300, quoted.Coupons[0].Reason.Params["remaining"])
	assert.Zero(t, quoted.Coupons[0].Amount)
	_, err = rules.Price(checkout, []rules.Candidate{half})
	assert.Equal(t, models.CodeBudgetExhausted, models.CodeOf(err))
}

// TestIssuesAreBounded offers two codes of a batch that has one coupon left to issue, and an owned coupon of the same batch.
func TestIssuesAreBounded(t *testing.T) {
	t.Parallel()
	room := &models.Room{Uses: 9, Amount: 1_000_000, Issues: 1, NoIssues: models.CodeSoldOut}
	of := func(ref models.CouponRef) rules.Candidate {
		c := candidate("x", stackable(amount(100)))
		c.CouponRef, c.Room = ref, room
		return c
	}
	quoted, err := rules.Quote(rules.Checkout{Cart: cartOf(item("1", 5000))}, []rules.Candidate{
		of(models.CouponRef{BatchID: "bat", Code: "A"}), of(models.CouponRef{BatchID: "bat", Code: "B"}), of(models.CouponRef{BatchID: "bat", CouponID: "cpn"}),
	})
	require.NoError(t, err)
	assert.EqualValues(t, 200, quoted.Best.Totals.Discount)
	assert.Equal(t, models.CodeSoldOut, quoted.Coupons[1].Reason.Code)
	assert.Equal(t, "A", quoted.Coupons[1].Reason.Params["with"])
}
