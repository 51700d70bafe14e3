package rules

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"cel.dev/cel-go/interpreter"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
)

// fuzzedFor is how long one expression may take on the largest cart: far more than its cost says, for a slow machine
// that does other things too, and far less than an expression without bounds.
const fuzzedFor = 2 * time.Second

// FuzzExpression compiles any text and judges what compiles on the largest cart and on one of hostile values. Nothing
// panics, refusals are short, no expression runs for long, and none costs more than was estimated for it: that would be
// a hole in the estimate.
func FuzzExpression(f *testing.F) {
	for _, source := range []string{
		`cart.goods > 5000 && lines.exists(l, "new" in l.tags)`,
		`lines.all(l, l.tags.all(t, t != "a" && t.size() < 9))`,
		`lines.filter(l, l.discountable).map(l, l.amount)[0] / cart.quantity > -1`,
		`lines.exists(l, l.sku.matches("(a|b){9}[^c]*$") || matches(l.line_id, "x*?"))`,
		`lines.exists_one(l, has(cart.attributes.x) ? cart.attributes[l.sku] == "" : false)`,
		`now.getHours("Europe/Berlin") < 9 || now.getDayOfYear("+05:30") > 3`,
		`now - timestamp("2020-01-01T00:00:00Z") > duration("1h30m")`,
		`{"a": [1, 2], "b": []}[cart.platform].exists(n, n in [1, 2, 3])`,
		`int(cart.platform) + int(uint(double("1e9"))) % 7 == -9223372036854775808`,
		`string(bytes(cart.currency)).contains("U") && b"\x00" < b'a' && '\u00e9' != r"\d"`,
		`type(lines[0]) == line || type(cart) == type(user)`,
		`[[lines]].map(x, x.map(y, y.size()))[0][0] == [1].size()`,
		`lines.map(l, lines.map(m, m.sku)).size() == 1`,
		`((((((((((true))))))))))`, `!!!!!!!!!!true`, "true // comment\n", "\xff\x00", `google.protobuf.Struct{}`, `cart.`,
	} {
		f.Add(source)
	}
	largest, hostile := largestOccasion(), hostileOccasion()
	f.Fuzz(func(t *testing.T, source string) {
		began := time.Now()
		e, err := newExpression(source)
		if err != nil {
			checkRefusal(t, err.Error())
			return
		}
		for _, in := range []*occasion{largest, hostile} {
			met, err := e.met(in)
			if err == nil {
				continue
			}
			if cut := (interpreter.EvalCancelledError{}); met || errors.As(err, &cut) || strings.Contains(err.Error(), "internal error") {
				t.Fatalf("%q: %v, %v", source, met, err)
			}
		}
		if took := time.Since(began); took > fuzzedFor {
			t.Fatalf("%q took %v", source, took)
		}
	})
}

func checkRefusal(t *testing.T, text string) {
	t.Helper()
	if len(text) > maxFaultBytes+20 || strings.ContainsAny(text, "\r\n") || !utf8.ValidString(text) || text == "" ||
		strings.Contains(text, "rules:") {
		t.Fatalf("not fit for a merchant: %q", text)
	}
}

// What is ordinary passes, even on the largest cart.
func TestExpressionCostAllows(t *testing.T) {
	t.Parallel()
	in := largestOccasion()
	for _, source := range []string{
		`lines.exists(l, l.tags.exists(t, t == "none"))`,
		`!lines.all(l, l.tags.all(t, t != "none" && t != "gone" && !t.startsWith("nothing")))`,
		`lines.exists(l, l.sku in user.tags || "none" in l.tags || "none" in l.category_ids)`,
		`lines.exists(l, l.sku.matches("^[a-z]+-[0-9]+$"))`,
		`lines.filter(l, l.discountable).map(l, l.amount).exists(a, a > 1000000)`,
		`lines.filter(l, l.tags.exists(t, t == "none")).size() > 2`,
	} {
		e, err := newExpression(source)
		require.NoError(t, err, source)
		_, err = e.met(in)
		require.NoError(t, err, source)
	}
}

// largestOccasion is a cart at every bound that the estimate counts on.
func largestOccasion() *occasion {
	texts := func(n int) []string {
		list := make([]string, n)
		for i := range list {
			list[i] = strconv.Itoa(i) + strings.Repeat("é", maxText-3)
		}
		return list
	}
	tags, attributes := texts(maxListed), map[string]string{}
	for _, key := range tags {
		attributes[key] = strings.Repeat("x", maxAttribute)
	}
	c := models.Cart{Currency: "USD", Attributes: attributes}
	for i := range models.MaxCartLines {
		c.Lines = append(c.Lines, models.CartLine{LineID: strconv.Itoa(i), ProductID: tags[0], SKU: tags[1], Tags: tags, CategoryIDs: tags, Quantity: 1, UnitPrice: 1})
	}
	return newOccasion(c, models.UserFacts{Tags: texts(maxUserTags)}, time.Unix(0, 0))
}

// hostileOccasion has values that a careless expression trips over, within the bounds of a cart.
func hostileOccasion() *occasion {
	odd := []string{"", "\x00", "\xff\xfe", "-9223372036854775808", "1e999", "../../etc/passwd", "(a+)+$", "İ", "%n%s{{}}"}
	attributes := map[string]string{}
	for _, text := range odd {
		attributes[text] = text
	}
	return newOccasion(models.Cart{
		Currency: "\xff", Platform: "1e999", PaymentMethod: "\x00", Attributes: attributes,
		Lines: []models.CartLine{
			{SKU: "\xff", Tags: odd, CategoryIDs: odd, Quantity: models.MaxLineQuantity, UnitPrice: 1},
			{LineID: "(a+)+$", Tags: nil, Quantity: 0, UnitPrice: models.MaxAmount},
		},
	}, models.UserFacts{Tags: odd}, time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC))
}
