package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// folder is one with files for a test.
type folder struct {
	t   *testing.T
	dir string
}

func newFolder(t *testing.T) folder { return folder{t, t.TempDir()} }

// file writes a file and returns its path.
func (f folder) file(name, text string) string {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	require.NoError(f.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(f.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// relative takes the folder's name out of a text.
func (f folder) relative(text string) string { return strings.ReplaceAll(text, f.dir+"/", "") }

const (
	mugCart = `{"currency":"USD","lines":[{"line_id":"mug","product_id":"mug","quantity":2,"unit_price":1500}]}`
	fiveOff = `{"kind":"amount_off","amount_off":{"amount":500}}`
	goldTen = `{"kind":"percent_off","percent_off":{"basis_points":1000},"conditions":{"user_tags":["gold"]}}`
	newUser = `{"kind":"amount_off","amount_off":{"amount":700},"conditions":{"first_order":true}}`
)

// quotedJSON is an answer that was printed as JSON.
func quotedJSON(t *testing.T, text string) (q struct {
	At string `json:"at"`
	rules.Quoted
}) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), &q))
	return q
}

func TestExplainJSON(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	args := []string{"rules", "explain", "--cart", f.file("cart.json", mugCart), "--at", "2026-11-21", "--json",
		f.file("five.json", fiveOff), f.file("gold.json", goldTen), f.file("new.json", newUser)}
	for _, want := range []struct {
		flags  []string
		used   string
		amount int64
		reason models.Code // of the last coupon, "" for none
	}{
		{nil, "five", 500, models.CodeNotFirstOrder},
		{[]string{"--tag", "silver,gold"}, "five", 500, models.CodeNotFirstOrder}, // one tag
		{[]string{"--first-order"}, "new", 700, ""},
		{[]string{"--tag", "silver", "--tag", "gold", "--first-order"}, "new", 700, ""},
		{[]string{"--currency", "EUR"}, "", 0, models.CodeCurrencyMismatch},
	} {
		q := quotedJSON(t, tearoff(append(args, want.flags...)...).answered(t))
		require.Equal(t, "2026-11-21T00:00:00Z", q.At)
		require.Len(t, q.Coupons, 3)
		last := q.Coupons[2]
		require.Equal(t, want.reason == "", last.Reason == nil, want.flags)
		if last.Reason != nil {
			require.Equal(t, want.reason, last.Reason.Code, want.flags)
		}
		require.Equal(t, want.amount, q.Best.Totals.Discount, want.flags)
		if want.used != "" {
			require.Equal(t, want.used, q.Best.Coupons[0].CouponID, want.flags)
		}
	}
}

func TestExplainFaults(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	good, cart := f.file("good.json", fiveOff), f.file("cart.json", mugCart)
	bad := f.file("bad.json", `{"kind":"percent_off","percent_of":{},"conditions":{"minimum_spend":-1}}`)
	badCart := f.file("bad-cart.json", `{"currency":"usd","lines":[
		{"line_id":"a","product_id":"a","quantity":0,"unit_price":1},
		{"line_id":"b","product_id":"b","quantity":1,"unit_price":1.5,"unitprice":1}]}`)
	got := tearoff("rules", "explain", "--cart", badCart, bad, good)
	require.Empty(t, got.stdout)
	require.Equal(t, `tearoff: the files can't be used as written:
  bad-cart.json: currency: expected string to match pattern ^[A-Z]{3}$
  bad-cart.json: lines[0].quantity: expected number >= 1
  bad-cart.json: lines[1].unit_price: expected integer
  bad-cart.json: lines[1].unitprice: unexpected property
  bad.json: percent_of: unknown field
  bad.json: percent_off: must be set, since it is the rule's kind
  bad.json: conditions.minimum_spend: must be 0 to 1000000000000
`, f.relative(got.failed(t)))

	twice := f.file("twice.json", strings.Replace(mugCart, `"lines":[`, `"lines":[{"line_id":"mug","product_id":"x","quantity":1,"unit_price":1},`, 1))
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--cart", twice, good}, "twice.json: lines[1].line_id: must be unique"},
		{[]string{"--cart", f.file("no.json", `{"currency"`), good}, "no.json: cart: is not valid JSON"},
		{[]string{"--cart", f.file("list.json", `[]`), good}, "list.json: cart: "},
		{[]string{"--cart", cart, f.dir + "/none.json"}, "none.json: no such file"},
		{[]string{"--cart", cart, "--zone", "Mars", good}, "--zone: must be an IANA name"},
		{[]string{"--cart", cart, "--at", "noon", good}, "--at: must be an instant"},
		{[]string{"--cart", cart, "--currency", "dollars", good}, "--currency: must be an ISO 4217 code"},
		{[]string{"--cart", cart, "--face", "9", f.file("random.json", `{"kind":"random_amount","random_amount":{"min":10,"max":20}}`)}, "--face: must be 10 to 20"},
	} {
		got := tearoff(append([]string{"rules", "explain"}, c.args...)...)
		require.Empty(t, got.stdout, c.says)
		require.Contains(t, got.failed(t), c.says)
	}
}

func TestExplainSameNames(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	a, b := f.file("a/off.json", fiveOff), f.file("b/off.json", fiveOff)
	q := quotedJSON(t, tearoff("rules", "explain", "--json", "--cart", f.file("cart.json", mugCart), a, b).answered(t))
	require.Equal(t, []string{a, b}, []string{q.Coupons[0].CouponID, q.Coupons[1].CouponID})
	require.Equal(t, models.CodeNotStackable, q.Coupons[1].Reason.Code)
}

func TestCheckRules(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	good, bad := f.file("good.json", fiveOff), f.file("bad.json", `{"kind":"coffee","amount_off":{"amount":0,"each":"cup"}}`)
	require.Equal(t, "good.json: ok\n", f.relative(tearoff("rules", "check", good).answered(t)))
	got := tearoff("rules", "check", bad, f.dir+"/none.json", good)
	require.Empty(t, got.failed(t))
	lines := strings.Split(f.relative(got.stdout), "\n")
	require.Len(t, lines, 5)
	require.Contains(t, lines[0], "bad.json: amount_off: must not be set")
	require.Contains(t, lines[1], "bad.json: kind: must be one of amount_off")
	require.Contains(t, lines[2], "none.json: no such file")
	require.Equal(t, "good.json: ok", lines[3])
}

func TestAmountText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount   int64
		currency models.Currency
		text     string
	}{
		{0, "USD", "0.00"}, {5, "USD", "0.05"}, {-1999, "USD", "-19.99"}, {1999, "JPY", "1999"}, {1999, "KWD", "1.999"},
		{7, "KWD", "0.007"}, {1999, "IDR", "19.99"}, {1999, "RSD", "19.99"}, {1999, "ZZZ", "19.99"}, {1999, "", "19.99"},
	} {
		require.Equal(t, c.text, amountText(c.amount, c.currency), c.currency)
	}
}

// TestPlain keeps names that others chose from moving the cursor or a column.
func TestPlain(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	cart := f.file("cart.json", `{"currency":"USD","lines":[{"line_id":"m\tu\u001b[2Jg","product_id":"mug","quantity":1,"unit_price":1500}]}`)
	text := tearoff("rules", "explain", "--cart", cart, f.file("five.json", fiveOff)).answered(t)
	require.Contains(t, text, "line m?u?[2Jg  15.00")
}
