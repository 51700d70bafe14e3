package rules_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// counter is a desk where refunds of one redemption are asked for, and turned down or paid at any time later.
type counter struct {
	bought
	clawBack bool
	made     []asked
}

// asked is a refund that was made.
type asked struct {
	rules.Refunded
	state models.RefundState
}

// ask makes a refund of the lines, which the desk may refuse to make while another one is not decided.
func (c *counter) ask(lines ...models.ReturnedLine) (made bool, err error) {
	in := rules.RefundInput{Content: c.content, Lines: c.lines, Before: c.before(), Return: lines}
	if c.clawBack {
		in.Coupons = c.coupons
	}
	for _, at := range c.undecided() {
		in.Undecided = append(in.Undecided, fmt.Sprint("rfd_", at))
	}
	got, err := rules.Refund(in)
	if models.CodeOf(err) == models.CodeRefundInProgress {
		return false, nil
	}
	if err == nil {
		for i := range got.Lines {
			got.Lines[i].RefundID = fmt.Sprint("rfd_", len(c.made))
		}
		c.made = append(c.made, asked{got, models.RefundSettling})
	}
	return err == nil, err
}

// before are the lines of all refunds that count.
func (c *counter) before() (lines []models.RefundLine) {
	for _, a := range c.made {
		if !a.state.Released() {
			lines = append(lines, a.Lines...)
		}
	}
	return lines
}

// undecided are the positions of those that may still be turned down.
func (c *counter) undecided() (open []int) {
	for i, a := range c.made {
		if a.state == models.RefundSettling {
			open = append(open, i)
		}
	}
	return open
}

// amount is what the refunds that count give back.
func (c *counter) amount() (sum int64) {
	for _, a := range c.made {
		if !a.state.Released() {
			sum += a.Amount
		}
	}
	return sum
}

// alone is the same counter as if those that were turned down had never been asked for.
func (c *counter) alone(t require.TestingT) *counter {
	other := &counter{bought: c.bought, clawBack: c.clawBack}
	for _, a := range c.made {
		if a.state.Released() {
			continue
		}
		var lines []models.ReturnedLine
		for _, l := range a.Lines {
			if l.Kind == models.RefundReturn {
				lines = append(lines, models.ReturnedLine{Target: l.Target, LineID: l.LineID, Quantity: l.Quantity})
			}
		}
		_, err := other.ask(lines...)
		require.NoError(t, err)
		other.made[len(other.made)-1].state = models.RefundDone
	}
	return other
}

// TestRefundRejections makes partial refunds and turns them down, or pays them, at any time, others having been made in the
// meantime: never more than was paid comes back, for any line, share or coupon; it is what it would be without those that
// were turned down; and when all has come back it is all that was paid.
func TestRefundRejections(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := &counter{bought: drawBought(t), clawBack: rapid.Bool().Draw(t, "claw back")}
		for step := range 8 {
			if open := c.undecided(); len(open) > 0 && rapid.IntRange(0, 2).Draw(t, "decide") > 0 {
				at := rapid.SampledFrom(open).Draw(t, "which")
				c.made[at].state = rapid.SampledFrom([]models.RefundState{models.RefundFailed, models.RefundPaid}).Draw(t, "how")
			} else if _, err := c.ask(drawReturn(t, c.bought, c.before(), step)...); err != nil {
				require.Equal(t, models.CodeNothingLeft, models.CodeOf(err))
			}
			requireBooks(t, c)
		}
		for _, at := range c.undecided() {
			c.made[at].state = rapid.SampledFrom([]models.RefundState{models.RefundFailed, models.RefundPaid}).Draw(t, "how it ends")
			requireBooks(t, c)
		}
		if _, err := c.ask(); err != nil {
			require.Equal(t, models.CodeNothingLeft, models.CodeOf(err))
		}
		requireBooks(t, c)
		require.Equal(t, c.paid, c.amount(), "all that was paid comes back")
		require.Equal(t, c.worth(), c.undone(), "and all discounts, as they were borne")
		require.Empty(t, c.content.Kept(c.before()))
	})
}

// borne is a discount with its shares.
type borne struct{ discount, platform, merchant int64 }

func (b borne) less(l models.RefundLine) borne {
	return borne{b.discount - l.Amount, b.platform - l.PlatformShare, b.merchant - l.MerchantShare}
}

func discountKey(couponID string, target models.LineTarget, lineID string) string {
	return fmt.Sprint(couponID, " ", target, " ", lineID)
}

// worth is what each coupon took off each line.
func (c *counter) worth() map[string]borne {
	all := map[string]borne{}
	for _, l := range c.lines {
		all[discountKey(l.CouponID, l.Target, l.LineID)] = borne{l.Discount, l.PlatformShare, l.MerchantShare}
	}
	return all
}

// undone is how much of it the refunds that count have given back to budgets.
func (c *counter) undone() map[string]borne {
	all := map[string]borne{}
	for _, l := range c.before() {
		if l.CouponID != "" {
			key := discountKey(l.CouponID, l.Target, l.LineID)
			all[key] = all[key].less(l)
		}
	}
	return all
}

// requireBooks checks what must be so at any time.
func requireBooks(t *rapid.T, c *counter) {
	budgets := map[string]int64{}
	for _, a := range c.made {
		require.GreaterOrEqual(t, a.Amount, int64(0))
		sum := int64(0)
		for _, l := range a.Lines {
			kept := l.Kind == models.RefundClawBack || l.Kind == models.RefundCarry
			require.True(t, c.clawBack || !kept, "nothing is kept back where nothing may be")
			sum += l.Amount
		}
		require.Equal(t, a.Amount, sum)
		if !a.state.Released() {
			for id, n := range a.Budgets {
				budgets[id] += n
			}
		}
	}
	require.LessOrEqual(t, c.amount(), c.paid)
	requireWithinPaid(t, c.bought, c.before(), c.clawBack)
	worth, back := c.worth(), map[string]int64{}
	for key, u := range c.undone() {
		w := worth[key]
		require.Equal(t, u.discount, u.platform+u.merchant, key)
		require.True(t, u.discount <= w.discount && u.platform <= w.platform && u.merchant <= w.merchant, "%s: %v of %v", key, u, w)
		require.True(t, u.platform >= 0 && u.merchant >= 0, "%s: %v of %v", key, u, w)
		back[key[:len("cpn_0")]] += u.discount
	}
	require.Equal(t, back, budgets)
	if len(c.undecided()) > 0 {
		return
	}
	// Those that were turned down may have moved where the odd cents fall, and nothing else.
	turned := 0
	for _, a := range c.made {
		if a.state.Released() {
			turned++
		}
	}
	require.InDelta(t, c.alone(t).amount(), c.amount(), float64(turned*len(c.lines)))
}

// TestRefundBesideOneThatKeepsBack shows what would be lost if a refund were made beside an undecided one that keeps a
// discount back: when that is turned down, the customer has back nearly all that was paid, and has kept the goods.
func TestRefundBesideOneThatKeepsBack(t *testing.T) {
	t.Parallel()
	cart := models.Cart{Currency: "USD"}
	for id, price := range map[string]int64{"dear": 5000, "other": 4900, "cheap": 100} {
		cart.Lines = append(cart.Lines, models.CartLine{LineID: id, ProductID: id, Quantity: 1, UnitPrice: price})
	}
	c := &counter{clawBack: true, bought: buy(t, cart,
		written(t, "cpn_0", `{"kind":"amount_off","amount_off":{"amount":5000},"conditions":{"minimum_spend":10000}}`))}
	ask := func(line string) bool {
		made, err := c.ask(units(line, 1))
		require.NoError(t, err)
		return made
	}
	require.True(t, ask("cheap"))
	require.False(t, ask("dear"), "it would keep back what the first couldn't, which may be turned down")
	c.made[0].state = models.RefundPaid
	require.True(t, ask("dear"))
	require.EqualValues(t, 100, c.amount(), "4900 of the discount were still to be kept back")
	require.False(t, ask("other"))
	require.Len(t, c.made, 2)
	beside, err := c.back(c.before(), true, units("other", 1))
	require.NoError(t, err)
	require.EqualValues(t, 4900, beside.Amount, "as if the undecided one were paid")
	c.made[1].state = models.RefundFailed
	require.True(t, ask("other"))
	require.Zero(t, c.amount(), "as it is turned down, this one keeps back the 4900")
}

// TestRefundOddCents returns units of one cent one by one, of which some cents were off, and turns some down. Those that take
// their place take neither more off than a unit costs nor less than nothing.
func TestRefundOddCents(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		units, off int64
		first      []int64 // what each gives back
		turned     []int   // those that are turned down
		then       []int64
	}{
		{4, 3, []int64{0, 0, 1}, []int{0, 1}, []int64{0, 0, 0}},
		{8, 2, []int64{1, 0, 1, 1, 1, 0}, []int{0, 2, 3, 4}, []int64{1, 1, 1, 1, 1, 1}},
	} {
		c := &counter{bought: buy(t, models.Cart{Currency: "USD", Lines: []models.CartLine{{LineID: "pin", ProductID: "pin", Quantity: tt.units, UnitPrice: 1}}},
			written(t, "cpn_0", fmt.Sprintf(`{"kind":"amount_off","amount_off":{"amount":%d}}`, tt.off)))}
		ask := func(want []int64) {
			for _, amount := range want {
				_, err := c.ask(units("pin", 1))
				require.NoError(t, err)
				require.Equal(t, amount, c.made[len(c.made)-1].Amount, "%d of %d", len(c.made), tt.units)
			}
		}
		ask(tt.first)
		for _, at := range tt.turned {
			c.made[at].state = models.RefundFailed
		}
		ask(tt.then)
		require.Equal(t, c.paid, c.amount())
		require.Equal(t, c.worth(), c.undone())
	}
}

// TestRefundKeepsTheGift returns all goods and keeps what a coupon with a minimum gave beside them: the batch that claws back
// charges it, until it comes back too.
func TestRefundKeepsTheGift(t *testing.T) {
	t.Parallel()
	cart := models.Cart{Currency: "USD", Lines: []models.CartLine{{LineID: "mug", ProductID: "mug", Quantity: 1, UnitPrice: 1000}},
		Shipping: []models.Shipping{{ID: "parcel", Amount: 490}}}
	other := cart
	other.Lines = append(other.Lines[:1:1], models.CartLine{LineID: "tea", ProductID: "tea", Quantity: 1, UnitPrice: 700})
	for name, tt := range map[string]struct {
		cart models.Cart
		rule string
		kept models.ReturnedLine
		cost int64
	}{
		"a gift": {cart, `{"kind":"free_gift","free_gift":{"gifts":[{"product_id":"pen","quantity":1,"unit_price":80}]},"conditions":{"minimum_spend":900}}`,
			models.ReturnedLine{Target: models.TargetGift, LineID: "pen"}, 80},
		"a delivery": {cart, `{"kind":"free_shipping","free_shipping":{},"conditions":{"minimum_quantity":1}}`,
			models.ReturnedLine{Target: models.TargetShipping, LineID: "parcel"}, 490},
		"other goods stay": {other, `{"kind":"free_gift","free_gift":{"gifts":[{"product_id":"pen","quantity":1,"unit_price":80}]},` +
			`"conditions":{"minimum_spend":900},"scope":{"include":{"product_ids":["mug"]}}}`, models.ReturnedLine{Target: models.TargetGift, LineID: "pen"}, 80},
		"without a minimum": {cart, `{"kind":"free_shipping","free_shipping":{}}`, models.ReturnedLine{Target: models.TargetShipping, LineID: "parcel"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := buy(t, tt.cart, written(t, "cpn_0", tt.rule))
			first, err := b.back(nil, true, units("mug", 1))
			require.NoError(t, err)
			require.Equal(t, 1000-tt.cost, first.Amount)
			second, err := b.back(first.Lines, true, tt.kept)
			require.NoError(t, err)
			require.Equal(t, tt.cost, second.Amount)
			require.Equal(t, []string{"cpn_0"}, second.Finished)
		})
	}
}
