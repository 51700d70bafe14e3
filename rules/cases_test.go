package rules_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// said writes a reason as the cases have it: its code, then its parameters by name.
func said(code models.Code, params map[string]any) string {
	words := []string{string(code)}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		value := params[name]
		if written, err := json.Marshal(value); err == nil && (written[0] == '[' || written[0] == '{') {
			value = string(written)
		}
		words = append(words, fmt.Sprintf("%s=%v", name, value))
	}
	return strings.Join(words, " ")
}

func saidOfVerdict(v rules.Verdict) string {
	words := []string{string(v.Status)}
	if v.Amount > 0 {
		words = append(words, strconv.FormatInt(v.Amount, 10))
	}
	if v.Reason != nil {
		words = append(words, said(v.Reason.Code, v.Reason.Params))
	}
	return strings.Join(words, " ")
}

// offOf lists what each coupon takes off each line, and what of it the platform bears where it is not all.
func offOf(p rules.Priced) (off, platform map[string]map[string]int64) {
	off, platform = map[string]map[string]int64{}, map[string]map[string]int64{}
	for _, c := range p.Coupons {
		lines, shares := map[string]int64{}, map[string]int64{}
		for _, l := range c.Lines {
			name := l.LineID
			if l.Target != models.TargetLine {
				name = string(l.Target) + ":" + name
			}
			lines[name] = l.Discount
			if l.MerchantShare > 0 {
				shares[name] = l.PlatformShare
			}
		}
		off[c.CouponID] = lines
		if len(shares) > 0 {
			platform[c.CouponID] = shares
		}
	}
	return off, platform
}

func TestCases(t *testing.T) {
	t.Parallel()
	cases := readCases(t)
	require.GreaterOrEqual(t, len(cases), 120)
	names := map[string]bool{}
	for _, c := range cases {
		require.False(t, names[c.Name], "%s is there twice", c.Name)
		names[c.Name] = true
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

func (c handCase) run(t *testing.T) {
	checkout := c.checkout(t)
	candidates := c.candidates(t, checkout.Cart.Currency)
	quoted, err := rules.Quote(checkout, candidates)
	if c.Error != "" {
		require.Equal(t, c.Error, string(models.CodeOf(err)), c.Why)
		return
	}
	require.NoError(t, err)
	var verdicts []string
	for _, v := range quoted.Coupons {
		verdicts = append(verdicts, saidOfVerdict(v))
	}
	off, platform := offOf(quoted.Best)
	totals := quoted.Best.Totals
	require.Equal(t, c.Verdicts, verdicts, c.Why)
	require.Equal(t, orEmpty(c.Off), off, c.Why)
	require.Equal(t, orEmpty(c.Platforms), platform, c.Why)
	require.Equal(t, c.Totals, fmt.Sprintf("%d+%d-%d=%d", totals.Goods, totals.Shipping, totals.Discount, totals.Payable), c.Why)
	requireSound(t, checkout.Cart, candidates, quoted.Best)

	_, err = rules.Price(checkout, candidates)
	if c.All != "" {
		var refused *models.Error
		require.ErrorAs(t, err, &refused)
		require.Equal(t, c.All, said(refused.Code, refused.Params), c.Why)
	}
}

func orEmpty(m map[string]map[string]int64) map[string]map[string]int64 {
	if m == nil {
		return map[string]map[string]int64{}
	}
	return m
}
