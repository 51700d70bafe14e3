package rules

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
)

// expressionCart has one line of each sort. Its instant is a Saturday, 23:30 in UTC and Sunday in Berlin.
func expressionOccasion() *occasion {
	no := false
	return newOccasion(models.Cart{
		Currency: "EUR", Platform: "web", PaymentMethod: "card", Attributes: map[string]string{"channel": "app"},
		Lines: []models.CartLine{
			{LineID: "1", ProductID: "p1", SKU: "SKU-1", CategoryIDs: []string{"shoes"}, MerchantID: "m1", Tags: []string{"new", "red"}, Quantity: 2, UnitPrice: 1500},
			{LineID: "2", ProductID: "p2", Quantity: 1, UnitPrice: 700, Discountable: &no},
		},
		Shipping: []models.Shipping{{ID: "s1", Amount: 400}, {ID: "s2", Amount: 90}},
	}, models.UserFacts{FirstOrder: true, Tags: []string{"gold"}}, time.Date(2026, 3, 7, 23, 30, 0, 0, time.UTC))
}

func TestExpressionMet(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]bool{
		`cart.goods == 3700 && cart.shipping == 490 && cart.quantity == 3`:                                    true,
		`cart.currency == "EUR" && cart.platform == "web" && cart.payment_method == "card"`:                   true,
		`cart.attributes["channel"] == "app"`:                                                                 true,
		`has(cart.attributes.coupon) && cart.attributes.coupon == "x"`:                                        false,
		`lines.exists(l, l.tags.exists(t, t == "new"))`:                                                       true,
		`lines.exists(l, "blue" in l.tags)`:                                                                   false,
		`lines.all(l, l.amount == l.unit_price * l.quantity)`:                                                 true,
		`lines.filter(l, l.discountable).all(l, l.tags.exists(t, t.startsWith("n")))`:                         true,
		`lines.exists_one(l, l.discountable && l.sku.matches("^SKU-[0-9]+$"))`:                                true,
		`lines[0].line_id == "1" && lines[0].product_id == "p1" && lines[0].merchant_id=="m1"`:                true,
		`lines.map(l, l.category_ids)[0].size() == 1 && size(lines) == 2`:                                     true,
		`user.first_order && "gold" in user.tags`:                                                             true,
		`now.getDayOfWeek() == 6 && now.getHours() == 23`:                                                     true,
		`now.getDayOfWeek("Europe/Berlin") == 0 && now.getHours("Europe/Berlin") == 0`:                        true,
		`now.getHours("+05:30") == 5`:                                                                         true,
		`now > timestamp("2026-03-01T00:00:00Z") && now + duration("1h") < timestamp("2027-01-01T00:00:00Z")`: true,
		`cart.platform in ["ios", "android"]`:                                                                 false,
		`{"web": 100}[cart.platform] == 100`:                                                                  true,
		`cart.goods > 5000 ? user.first_order : cart.goods / 100 == 37`:                                       true,
		`lines.exists(l, 1 / (l.quantity - 2) == 0) || true`:                                                  true, // one true is enough
	} {
		e, err := newExpression(source)
		require.NoError(t, err, source)
		got, err := e.met(expressionOccasion())
		require.NoError(t, err, source)
		assert.Equal(t, want, got, source)
	}
}

func TestExpressionRefused(t *testing.T) {
	t.Parallel()
	const (
		dear    = "takes too long on a large cart: compare each line with a few values, not with the other lines"
		whole   = "lists, maps and lines can't be compared: compare their fields or size()"
		joined  = "texts and lists can't be joined"
		unknown = "the type of a value must be known: a list or map holds values of one type"
	)
	for source, want := range map[string]string{
		``:                                 "1:1: Syntax error: mismatched input '<EOF>'",
		`cart.goods >`:                     "1:13: Syntax error: mismatched input '<EOF>'",
		"true &&\n  cart.gods > 1":         "2:7: undefined field 'gods'",
		`cart.gods > 1`:                    "1:5: undefined field 'gods'",
		`card.goods > 1`:                   "1:1: undeclared reference to 'card' (did you mean 'cart'?)",
		`lines.all(l, l.quantity > "2")`:   "1:25: found no matching overload for '_>_' applied to '(int, string)'",
		`cart.goods`:                       "must be true or false",
		`"true"`:                           "must be true or false",
		strings.Repeat(" ", 1997) + "true": "must be at most 2000 bytes",
		`timestamp("soon") < now`:          "1:11: invalid timestamp argument",
		`"a".matches("(")`:                 "1:13: invalid matches argument",
		`"a".matches("a{200}")`:            "1:13: regex program size 202 exceeds limit of 100",
		`"a".matches(cart.platform)`:       "1:12: the pattern of matches() must be a literal",
		strings.Repeat("(", 60) + "true" + strings.Repeat(")", 60):       "expression recursion limit exceeded: 50",
		strings.Repeat("[1].map(x,", 11) + "1" + strings.Repeat(")", 11): "must have at most 10 of all(), exists(), filter() and map()",
		"[1]" + strings.Repeat(".map(x,[x])", 11) + ".size() == 1":       "must have at most 10 of all(), exists(), filter() and map()",
		`lines == lines`:                  "1:7: " + whole,
		`lines[0] in lines`:               "1:10: " + whole,
		`cart.platform + "a" == "weba"`:   "1:15: " + joined,
		`size(lines + lines) == 4`:        "1:12: " + joined,
		`dyn(1) == 1`:                     "1:4: " + unknown,
		`[1, "a"].exists(x, x == 1)`:      "1:20: " + unknown,
		`line{sku: "a"}.sku == "a"`:       "1:5: an expression can't build messages",
		`google.protobuf.Value{} == null`: "1:22: an expression can't build messages",
		`"%d".format([1]) == "1"`:         "1:12: undeclared reference to 'format'",

		`lines.exists(l, lines.exists(m, m.sku == l.sku && m.line_id != l.line_id))`: dear,
		`lines.all(l, lines.all(m, true))`:                                           dear,
		`lines.exists(l, l.tags.exists(t, t in user.tags))`:                          dear,
		`lines.exists(l, l.tags.exists(t, l.category_ids.exists(c, c == t)))`:        dear,
		`lines.exists(l, l.tags.exists(t, t.matches("^a")))`:                         dear,
		`lines.exists(l, l.tags.exists(t, now.getHours("Europe/Berlin") == 1))`:      dear,
		`lines.map(l, lines.map(m, m.sku)).size() == 1`:                              dear,
		`lines.map(l, l.tags).exists(a, lines.exists(l, l.sku in a))`:                dear,
	} {
		_, err := newExpression(source)
		require.Error(t, err, source)
		assert.Equal(t, want, err.Error(), source)
	}
}

func TestExpressionFails(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`1 / (cart.quantity - 3) == 1`:            "rules: judge an expression: division by zero",
		`cart.attributes["campaign"] == "x"`:      "rules: judge an expression: no such key: campaign",
		`cart.attributes.campaign == "x"`:         "rules: judge an expression: no such key: campaign",
		`lines[7].amount > 1`:                     "rules: judge an expression: index out of bounds: 7",
		`cart.goods * 9223372036854775807 > 1`:    "rules: judge an expression: integer overflow",
		`now.getHours("Europe/Nowhere") == 1`:     "rules: judge an expression: unknown time zone Europe/Nowhere",
		`now.getHours("../../../etc/passwd") > 1`: "rules: judge an expression: time: invalid location name",
	} {
		e, err := newExpression(source)
		require.NoError(t, err, source)
		_, err = e.met(expressionOccasion())
		require.Error(t, err, source)
		assert.Equal(t, want, err.Error(), source)
	}
}

// The fence at run time holds whatever was estimated.
func TestExpressionCostLimit(t *testing.T) {
	t.Parallel()
	program, err := compile(`lines.all(l, l.tags.all(t, t != "none"))`, 1000)
	require.NoError(t, err)
	e := &expression{program}
	_, err = e.met(largestOccasion())
	require.EqualError(t, err, "rules: judge an expression: operation cancelled: actual cost limit exceeded")
	met, err := e.met(expressionOccasion())
	require.NoError(t, err)
	assert.True(t, met)
}

// A cart beyond what the estimate counts on isn't judged.
func TestExpressionCartBounds(t *testing.T) {
	t.Parallel()
	e, err := newExpression(`cart.goods >= 0`)
	require.NoError(t, err)
	long, many := strings.Repeat("é", maxText+1), make([]string, maxUserTags+1)
	one := func(l models.CartLine) models.Cart { return models.Cart{Lines: []models.CartLine{l}} }
	for name, in := range map[string]*occasion{
		"lines":      newOccasion(models.Cart{Lines: make([]models.CartLine, models.MaxCartLines+1)}, models.UserFacts{}, time.Time{}),
		"tags":       newOccasion(one(models.CartLine{Tags: many}), models.UserFacts{}, time.Time{}),
		"categories": newOccasion(one(models.CartLine{CategoryIDs: many}), models.UserFacts{}, time.Time{}),
		"tag":        newOccasion(one(models.CartLine{Tags: []string{long}}), models.UserFacts{}, time.Time{}),
		"price":      newOccasion(one(models.CartLine{UnitPrice: models.MaxAmount + 1, Quantity: 1}), models.UserFacts{}, time.Time{}),
		"quantity":   newOccasion(one(models.CartLine{Quantity: -1}), models.UserFacts{}, time.Time{}),
		"attribute":  newOccasion(models.Cart{Attributes: map[string]string{"a": strings.Repeat("x", maxAttribute+1)}}, models.UserFacts{}, time.Time{}),
		"platform":   newOccasion(models.Cart{Platform: long}, models.UserFacts{}, time.Time{}),
		"shipping":   newOccasion(models.Cart{Shipping: []models.Shipping{{Amount: -1}}}, models.UserFacts{}, time.Time{}),
		"user tags":  newOccasion(models.Cart{}, models.UserFacts{Tags: many}, time.Time{}),
		"user tag":   newOccasion(models.Cart{}, models.UserFacts{Tags: []string{long}}, time.Time{}),
	} {
		_, err := e.met(in)
		assert.EqualError(t, err, "rules: the cart is larger than expressions can judge", name)
	}
}

func TestExpressionConcurrent(t *testing.T) {
	t.Parallel()
	in := expressionOccasion()
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			for range 50 {
				e, err := newExpression(`cart.goods > ` + strconv.Itoa(i%4) + ` && lines.exists(l, l.sku.matches("^SKU"))`)
				if assert.NoError(t, err) {
					met, err := e.met(in)
					assert.True(t, met && err == nil, err)
				}
			}
		})
	}
	group.Wait()
}

func TestExpressionIsKept(t *testing.T) {
	t.Parallel()
	const source = `cart.goods > 424242`
	first, err := newExpression(source)
	require.NoError(t, err)
	again, err := newExpression(source)
	require.NoError(t, err)
	assert.Same(t, first, again)
	assert.EqualValues(t, keptExpressions, expressions.GetMaximum())
}

// A quote without expressions pays one allocation, the occasion itself.
func TestOccasionIsLazy(t *testing.T) {
	given := expressionOccasion().given
	var in *occasion
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { in = newOccasion(given.cart, given.user, given.at) }), 1.0)
	assert.Nil(t, in.lines)
	e, err := newExpression(`cart.goods > 5000`)
	require.NoError(t, err)
	_, err = e.met(in)
	require.NoError(t, err)
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = e.met(in) }), 10.0)
}

// BenchmarkExpressionMet judges 20 lines, of which the last has the tag; "first" makes the occasion each time.
func BenchmarkExpressionMet(b *testing.B) {
	e, err := newExpression(`cart.goods > 5000 && lines.exists(l, "new" in l.tags)`)
	require.NoError(b, err)
	var c models.Cart
	for i := range 20 {
		c.Lines = append(c.Lines, models.CartLine{LineID: strconv.Itoa(i), ProductID: "p", Quantity: 1, UnitPrice: 1000, Tags: []string{"sale", "red"}})
	}
	c.Lines[19].Tags = []string{"sale", "new"}
	in := newOccasion(c, models.UserFacts{}, time.Unix(0, 0))
	require.NoError(b, in.build())
	b.Run("next", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if met, _, err := e.eval(in); !met || err != nil {
				b.Fatal(met, err)
			}
		}
	})
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if met, err := e.met(newOccasion(c, models.UserFacts{}, time.Unix(0, 0))); !met || err != nil {
				b.Fatal(met, err)
			}
		}
	})
}

// BenchmarkExpressionCompile measures what the cache saves.
func BenchmarkExpressionCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := compile(`cart.goods > 5000 && lines.exists(l, "new" in l.tags)`, maxExpressionCost); err != nil {
			b.Fatal(err)
		}
	}
}

// TestExpressionsOfAQuoteAreBounded judges the same expression once, and no more of them when what they cost is spent.
func TestExpressionsOfAQuoteAreBounded(t *testing.T) {
	t.Parallel()
	in := newOccasion(models.Cart{Currency: "USD"}, models.UserFacts{Tags: []string{"gold"}}, time.Unix(0, 0))
	gold, err := newExpression(`"gold" in user.tags`)
	require.NoError(t, err)
	for range 3 {
		met, err := gold.met(in)
		require.NoError(t, err)
		assert.True(t, met)
	}
	once := in.spent
	assert.Positive(t, once)
	_, _, err = gold.eval(in)
	require.NoError(t, err)
	assert.Equal(t, once, in.spent, "asked three times, judged once")

	in.spent = maxOccasionCost + 1
	met, err := gold.met(in)
	require.NoError(t, err, "what is known is said")
	assert.True(t, met)
	silver, err := newExpression(`"silver" in user.tags`)
	require.NoError(t, err)
	_, err = silver.met(in)
	assert.Error(t, err)
}
