package rules_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

const fullRule = `{
	"kind": "percent_off",
	"percent_off": {"basis_points": 1250, "cap": 5000},
	"scope": {
		"include": {"product_ids": ["p1", "p2"], "category_ids": ["shoes"], "merchant_ids": ["m1"], "tags": ["new"]},
		"exclude": {"product_ids": ["p3"], "category_ids": ["sale"], "merchant_ids": ["m2"], "tags": ["gift"]}
	},
	"conditions": {"minimum_spend": 10000},
	"stacking": {
		"level": "item", "priority": -5, "stackable": true, "exclusive": true, "group": "welcome",
		"exclude_batch_ids": ["bat_1"], "exclude_merchant_ids": ["m3"], "max_coupons": 3
	},
	"funded_by": {"platform_bp": 4000, "merchant_bp": 6000}
}`

func TestParse(t *testing.T) {
	t.Parallel()

	t.Run("Full", func(t *testing.T) {
		t.Parallel()
		rule, err := rules.Parse(json.RawMessage(fullRule))
		require.NoError(t, err)
		require.Equal(t, rules.Rule{
			Kind:       rules.KindPercentOff,
			PercentOff: &rules.PercentOff{BasisPoints: 1250, Cap: 5000},
			Scope: rules.Scope{
				Include: rules.Selector{
					ProductIDs: []string{"p1", "p2"}, CategoryIDs: []string{"shoes"}, MerchantIDs: []string{"m1"}, Tags: []string{"new"},
				},
				Exclude: rules.Selector{
					ProductIDs: []string{"p3"}, CategoryIDs: []string{"sale"}, MerchantIDs: []string{"m2"}, Tags: []string{"gift"},
				},
			},
			Conditions: rules.Conditions{MinimumSpend: 10_000},
			Stacking: rules.Stacking{
				Level: rules.LevelItem, Priority: -5, Stackable: true, Exclusive: true, Group: "welcome",
				ExcludeBatchIDs: []string{"bat_1"}, ExcludeMerchantIDs: []string{"m3"}, MaxCoupons: 3,
			},
			FundedBy: rules.FundedBy{PlatformBP: 4000, MerchantBP: 6000},
		}, rule)
	})

	t.Run("Least", func(t *testing.T) {
		t.Parallel()
		rule, err := rules.Parse(json.RawMessage(` {"kind":"amount_off","amount_off":{"amount":1}} `))
		require.NoError(t, err)
		require.Equal(t, amount(1), rule)
	})

	t.Run("WrittenAndReadAgain", func(t *testing.T) {
		t.Parallel()
		first, err := rules.Parse(json.RawMessage(fullRule))
		require.NoError(t, err)
		written, err := json.Marshal(first)
		require.NoError(t, err)
		require.JSONEq(t, fullRule, string(written))
	})
}

// faultsOf parses what must be refused and returns the list of faults.
func faultsOf(t *testing.T, raw string) []string {
	t.Helper()
	rule, err := rules.Parse(json.RawMessage(raw))
	var e *models.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, models.CodeInvalidRule, e.Code)
	require.Zero(t, rule)
	list, ok := e.Params["errors"].([]string)
	require.True(t, ok)
	return list
}

// with puts more fields into a rule that is right without them.
func with(fields string) string {
	return `{"kind":"amount_off","amount_off":{"amount":500},` + fields + `}`
}

func TestParseRefusesForm(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ raw, want string }{
		"Nothing":       {``, "rule: is not valid JSON"},
		"Broken":        {`{"kind":`, "rule: is not valid JSON"},
		"TwoValues":     {`{} {}`, "rule: is not valid JSON"},
		"UnknownField":  {with(`"discount":5`), "discount: unknown field"},
		"UnknownInside": {with(`"scope":{"include":{"skus":["a"]}}`), "scope.include.skus: unknown field"},
		"OtherCase":     {with(`"Scope":{}`), "Scope: unknown field"},
		"FutureField":   {with(`"conditions":{"moon":"full"}`), "conditions.moon: unknown field"},
		"Unexported":    {with(`"conditions":{"compiled":{}}`), "conditions.compiled: unknown field"},
		"Embedded":      {with(`"conditions":{"Application":{}}`), "conditions.Application: unknown field"},
		"Repeated":      {with(`"scope":{},"scope":{}`), "scope: must not be repeated"},
		"Null":          {with(`"conditions":{"minimum_spend":null}`), "conditions.minimum_spend: must not be null; leave it out"},
		"NullEntry":     {with(`"scope":{"include":{"tags":[null]}}`), "scope.include.tags[0]: must not be null; leave it out"},
		"EmptyList":     {with(`"scope":{"include":{"product_ids":[]}}`), "scope.include.product_ids: must not be empty; leave it out"},
		"ListExpected":  {with(`"scope":{"include":{"tags":"new"}}`), "scope.include.tags: must be a list"},
		"StringInList":  {with(`"scope":{"include":{"tags":["a",7]}}`), "scope.include.tags[1]: must be a string"},
		"Fraction":      {with(`"conditions":{"minimum_spend":10.5}`), "conditions.minimum_spend: must be a whole number"},
		"Exponent":      {with(`"conditions":{"minimum_spend":1e3}`), "conditions.minimum_spend: must be a whole number"},
		"Text":          {with(`"conditions":{"minimum_spend":"10"}`), "conditions.minimum_spend: must be a whole number"},
		"TooWide":       {with(`"conditions":{"minimum_spend":9223372036854775808}`), "conditions.minimum_spend: must be a whole number"},
		"NotABool":      {with(`"stacking":{"stackable":"yes"}`), "stacking.stackable: must be true or false"},
		"NotAnObject":   {with(`"scope":["p1"]`), "scope: must be an object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, []string{tt.want}, faultsOf(t, tt.raw))
		})
	}
}

func TestParseRefusesValues(t *testing.T) {
	t.Parallel()
	const (
		notPercent = "percent_off: must not be set, since it is not the rule's kind"
		anyKind    = "kind: must be one of amount_off, percent_off, tiered, fixed_price, buy_x_get_y, free_gift, free_shipping, random_amount"
		badID      = "must be 1 to 100 bytes and not repeated"
	)
	long := strings.Repeat("x", 101)
	for name, tt := range map[string]struct{ raw, want string }{
		"NoKind":         {`{}`, anyKind},
		"UnknownKind":    {`{"kind":"free_lunch"}`, anyKind},
		"KindWithout":    {`{"kind":"amount_off"}`, "amount_off: must be set, since it is the rule's kind"},
		"KindIsText":     {`{"kind":"amount_off","amount_off":"5"}`, "amount_off: must be an object"},
		"TwoKinds":       {with(`"percent_off":{"basis_points":5}`), notPercent},
		"NoAmount":       {`{"kind":"amount_off","amount_off":{}}`, "amount_off.amount: must be 1 to 1000000000000"},
		"AmountTooLarge": {`{"kind":"amount_off","amount_off":{"amount":1000000000001}}`, "amount_off.amount: must be 1 to 1000000000000"},
		"NoPercent":      {`{"kind":"percent_off","percent_off":{"cap":5}}`, "percent_off.basis_points: must be 1 to 10000"},
		"OverPercent":    {`{"kind":"percent_off","percent_off":{"basis_points":10001}}`, "percent_off.basis_points: must be 1 to 10000"},
		"NegativeCap":    {`{"kind":"percent_off","percent_off":{"basis_points":1,"cap":-1}}`, "percent_off.cap: must be 0 to 1000000000000"},
		"Minimum":        {with(`"conditions":{"minimum_spend":-1}`), "conditions.minimum_spend: must be 0 to 1000000000000"},
		"Level":          {with(`"stacking":{"level":"cart"}`), "stacking.level: must be item, order or shipping"},
		"Priority":       {with(`"stacking":{"priority":1001}`), "stacking.priority: must be -1000 to 1000"},
		"Group":          {with(`"stacking":{"group":"` + long + `"}`), "stacking.group: must be at most 100 bytes"},
		"MaxCoupons":     {with(`"stacking":{"max_coupons":21}`), "stacking.max_coupons: must be 0 to 20"},
		"OneShare":       {with(`"funded_by":{"merchant_bp":3000}`), "funded_by: platform_bp and merchant_bp must sum to 10000"},
		"EmptyID":        {with(`"scope":{"exclude":{"tags":[""]}}`), "scope.exclude.tags[0]: " + badID},
		"LongID":         {with(`"scope":{"include":{"product_ids":["` + long + `"]}}`), "scope.include.product_ids[0]: " + badID},
		"RepeatedID":     {with(`"scope":{"include":{"merchant_ids":["a","b","a"]}}`), "scope.include.merchant_ids[2]: " + badID},
		"BatchID":        {with(`"stacking":{"exclude_batch_ids":[""]}`), "stacking.exclude_batch_ids[0]: " + badID},
		"MerchantID":     {with(`"stacking":{"exclude_merchant_ids":[""]}`), "stacking.exclude_merchant_ids[0]: " + badID},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, []string{tt.want}, faultsOf(t, tt.raw))
		})
	}
}

func TestParseReportsAllFaultsTogether(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{
		"scope.includes: unknown field",
		"conditions.minimum_spend: must be a whole number",
		"percent_off.basis_points: must be 1 to 10000",
		"percent_off.cap: must be 0 to 1000000000000",
		"stacking.level: must be item, order or shipping",
		"funded_by.platform_bp: must be 0 to 10000",
		"funded_by: platform_bp and merchant_bp must sum to 10000",
	}, faultsOf(t, `{
		"kind": "percent_off", "percent_off": {"basis_points": 20000, "cap": -3},
		"scope": {"includes": {}}, "conditions": {"minimum_spend": "lots"},
		"stacking": {"level": "cart"}, "funded_by": {"platform_bp": -1, "merchant_bp": 10000}
	}`))
}

func TestParseBoundsItsAnswer(t *testing.T) {
	t.Parallel()
	ids := make([]string, 1001)
	unknown := make([]string, 500)
	for i := range ids {
		ids[i] = fmt.Sprintf(`"p%d"`, i)
	}
	for i := range unknown {
		unknown[i] = fmt.Sprintf(`"%s%d": 1`, strings.Repeat("ü", 5000), i)
	}

	t.Run("TooManyIDs", func(t *testing.T) {
		t.Parallel()
		list := faultsOf(t, with(`"scope":{"include":{"product_ids":[`+strings.Join(ids, ",")+`]}}`))
		require.Equal(t, []string{"scope.include.product_ids: must have at most 1000 entries"}, list)
	})
	t.Run("TooManyFaults", func(t *testing.T) {
		t.Parallel()
		for _, fault := range faultsOf(t, with(strings.Join(unknown, ","))) {
			require.Less(t, len(fault), 200)
		}
		bad := strings.Repeat(`"",`, 500) + `""`
		require.Len(t, faultsOf(t, with(`"scope":{"include":{"tags":[`+bad+`]}}`)), 100)
	})
}

func TestNeedsCurrency(t *testing.T) {
	t.Parallel()
	capped, minimum := percent(1000), percent(1000)
	capped.PercentOff.Cap = 500
	minimum.Conditions.MinimumSpend = 1
	require.True(t, amount(1).NeedsCurrency())
	require.True(t, capped.NeedsCurrency())
	require.True(t, minimum.NeedsCurrency())
	require.False(t, percent(1000).NeedsCurrency())
	require.False(t, rules.Rule{}.NeedsCurrency())
}
