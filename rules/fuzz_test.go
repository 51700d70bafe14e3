package rules_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// FuzzParse: nothing makes Parse panic; what it refuses has a reason; what it accepts is written and read as the same.
func FuzzParse(f *testing.F) {
	for _, c := range readCases(f) {
		for _, h := range c.Coupons {
			f.Add([]byte(h.Rule))
		}
	}
	f.Add([]byte(fullRule))
	f.Add([]byte(with(fullConditions)))
	f.Add([]byte(with(`"scope":{"include":{"tags":["a",7,null]}}`)))
	f.Add([]byte(with(`"stacking":{},"Stacking":null,"stacking":[]`)))
	f.Add([]byte(`{"kind":"percent_off","percent_off":{"basis_points":1e1}}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`[[[[`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		rule, err := rules.Parse(raw)
		if err != nil {
			var e *models.Error
			require.ErrorAs(t, err, &e)
			require.NotEmpty(t, e.Params["errors"])
			return
		}
		written, err := json.Marshal(rule)
		require.NoError(t, err)
		again, err := rules.Parse(written)
		require.NoError(t, err, "%s", written)
		rewritten, err := json.Marshal(again)
		require.NoError(t, err)
		require.Equal(t, string(written), string(rewritten))
		requireStrict(t, raw, written)
		_, err = rules.Quote(atNoon(benchCart(3)), []rules.Candidate{candidate("c", rule)})
		require.NoError(t, err)
	})
}

// requireStrict asserts that a rule says nothing that Parse passed over: what is written back has every field that was
// sent, but for those that say the same as leaving them out.
func requireStrict(t *testing.T, sent, written []byte) {
	var a, b any
	require.NoError(t, json.Unmarshal(sent, &a))
	require.NoError(t, json.Unmarshal(written, &b))
	require.Equal(t, spoken(b), spoken(a))
}

// spoken leaves out what is the same as absent: zeros, "", false and objects without anything.
func spoken(v any) any {
	switch v := v.(type) {
	case map[string]any:
		kept := map[string]any{}
		for name, value := range v {
			if value = spoken(value); value != nil {
				kept[name] = value
			}
		}
		if len(kept) == 0 {
			return nil
		}
		return kept
	case []any:
		for i := range v {
			v[i] = spoken(v[i])
		}
		return v
	case float64:
		if v == 0 {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	}
	return v
}

// FuzzQuote: whatever rule meets whatever cart, the answer is sound and comes in time.
func FuzzQuote(f *testing.F) {
	for _, c := range readCases(f) {
		cart, err := json.Marshal(c.checkout(f).Cart)
		require.NoError(f, err)
		for _, h := range c.Coupons {
			f.Add([]byte(h.Rule), cart, int64(700))
		}
	}
	f.Fuzz(func(t *testing.T, rawRule, rawCart []byte, face int64) {
		rule, err := rules.Parse(rawRule)
		if err != nil {
			return
		}
		var cart models.Cart
		if json.Unmarshal(rawCart, &cart) != nil {
			return
		}
		if low, high := rule.Face(); high > 0 {
			face = min(high, max(low, face))
		}
		candidates := make([]rules.Candidate, 5)
		for i, r := range []rules.Rule{rule, rule, stackable(rule), stackable(percent(3333)), stackable(amount(100))} {
			candidates[i] = candidate(string(rune('a'+i)), r)
			candidates[i].MerchantID, candidates[i].Currency, candidates[i].FaceValue = "", cart.Currency, face
		}
		begin := time.Now()
		quoted, err := rules.Quote(atNoon(cart), candidates)
		require.Less(t, time.Since(begin), 5*time.Second)
		if err != nil {
			require.NotEqual(t, models.ClassInternal, models.ClassOf(err))
			return
		}
		requireSound(t, cart, candidates, quoted.Best)
		priced, err := rules.Price(atNoon(cart), picked(candidates, quoted))
		require.NoError(t, err)
		require.Equal(t, quoted.Best, priced)
	})
}

// picked are the candidates of the best combination.
func picked(candidates []rules.Candidate, quoted rules.Quoted) (list []rules.Candidate) {
	for i, v := range quoted.Coupons {
		if v.Status == rules.Applicable {
			list = append(list, candidates[i])
		}
	}
	return list
}
