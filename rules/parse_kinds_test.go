package rules_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/rules"
)

// kindRule is a rule of the kind with the given part and, if not empty, more fields.
func kindRule(kind, part, more string) string {
	if more != "" {
		more = "," + more
	}
	return fmt.Sprintf(`{"kind":%q,%q:%s%s}`, kind, kind, part, more)
}

// leastParts has the least that each kind needs.
var leastParts = map[string]string{
	"amount_off":    `{"amount":1}`,
	"percent_off":   `{"basis_points":1}`,
	"tiered":        `{"tiers":[{"from":1,"amount":1}]}`,
	"fixed_price":   `{"price":1}`,
	"buy_x_get_y":   `{"buy_quantity":1,"get_quantity":1}`,
	"free_gift":     `{"gifts":[{"product_id":"p","quantity":1,"unit_price":1}]}`,
	"free_shipping": `{}`,
	"random_amount": `{"min":1,"max":1}`,
}

// fullParts has every field of each kind.
var fullParts = map[string]string{
	"amount_off":    `{"amount":500,"each":"unit","max_units":3,"first":"dearest"}`,
	"percent_off":   `{"basis_points":10000,"of":"initial","cap":9,"each":"line","max_units":1000000000,"first":"cheapest"}`,
	"tiered":        `{"by":"quantity","tiers":[{"from":1,"amount":7},{"from":3,"basis_points":2500}],"cap":900,"each":"unit","max_units":2,"first":"dearest"}`,
	"fixed_price":   `{"price":999,"units":3,"max_times":2,"first":"cheapest"}`,
	"buy_x_get_y":   `{"buy_quantity":2,"buy_scope":{"include":{"tags":["t"]}},"get_quantity":1,"amount":100,"max_times":3,"first":"dearest"}`,
	"free_gift":     `{"gifts":[{"product_id":"p","sku":"s","quantity":2,"unit_price":1000000000},{"product_id":"q","quantity":1000000,"unit_price":5}]}`,
	"free_shipping": `{"cap":700}`,
	"random_amount": `{"min":100,"max":1000000000000}`,
}

const fullConditions = `"conditions":{"minimum_spend":5,"minimum_spend_after_coupons":true,"minimum_quantity":2,"platforms":["web"],
	"payment_methods":["card"],"user_tags":["vip"],"first_order":true,"hours":[{"days":["mon"],"from":"18:00","until":"22:00"},{"until":"24:00"}]}`

func TestParseEveryKind(t *testing.T) {
	t.Parallel()
	for _, parts := range []map[string]string{leastParts, fullParts} {
		for kind, part := range parts {
			for _, more := range []string{"", fullConditions} {
				t.Run(kind, func(t *testing.T) {
					t.Parallel()
					raw := kindRule(kind, part, more)
					rule, err := rules.Parse(json.RawMessage(raw))
					require.NoError(t, err)
					require.Equal(t, rules.Kind(kind), rule.Kind)
					written, err := json.Marshal(rule)
					require.NoError(t, err)
					require.JSONEq(t, raw, string(written))
				})
			}
		}
	}
}

func TestParseRefusesParts(t *testing.T) {
	t.Parallel()
	const amounts, units = "must be 0 to 1000000000000", "must be 0 to 1000000000"
	for name, tt := range map[string]struct{ kind, part, want string }{
		"Each":           {"amount_off", `{"amount":1,"each":"box"}`, "amount_off.each: must be line or unit"},
		"MaxUnits":       {"amount_off", `{"amount":1,"max_units":1000000001}`, "amount_off.max_units: " + units},
		"First":          {"percent_off", `{"basis_points":1,"max_units":1,"first":"best"}`, "percent_off.first: must be cheapest or dearest"},
		"FirstOfAll":     {"percent_off", `{"basis_points":1,"first":"cheapest"}`, "percent_off.first: says nothing without max_units"},
		"Of":             {"percent_off", `{"basis_points":1,"of":"all"}`, "percent_off.of: must be remaining or initial"},
		"NoTiers":        {"tiered", `{}`, "tiered.tiers: must be 1 to 50"},
		"TierBy":         {"tiered", `{"by":"weight","tiers":[{"from":1,"amount":1}]}`, "tiered.by: must be subtotal or quantity"},
		"TierFrom":       {"tiered", `{"tiers":[{"amount":1}]}`, "tiered.tiers[0].from: must be 1 to 1000000000000"},
		"TierWorth":      {"tiered", `{"tiers":[{"from":1}]}`, "tiered.tiers[0]: must have either amount or basis_points"},
		"TierTwice":      {"tiered", `{"tiers":[{"from":1,"amount":1,"basis_points":1}]}`, "tiered.tiers[0]: must have either amount or basis_points"},
		"TierOrder":      {"tiered", `{"tiers":[{"from":2,"amount":1},{"from":2,"amount":2}]}`, "tiered.tiers[1].from: must be more than that of the tier before"},
		"TierCap":        {"tiered", `{"tiers":[{"from":2,"amount":1}],"cap":-1}`, "tiered.cap: " + amounts},
		"Price":          {"fixed_price", `{"price":0}`, "fixed_price.price: must be 1 to 1000000000000"},
		"PriceUnits":     {"fixed_price", `{"price":1,"units":-1}`, "fixed_price.units: " + units},
		"PriceTimes":     {"fixed_price", `{"price":1,"max_times":-1}`, "fixed_price.max_times: " + units},
		"Buy":            {"buy_x_get_y", `{"get_quantity":1}`, "buy_x_get_y.buy_quantity: must be 1 to 1000000000"},
		"Get":            {"buy_x_get_y", `{"buy_quantity":1}`, "buy_x_get_y.get_quantity: must be 1 to 1000000000"},
		"BothWorths":     {"buy_x_get_y", `{"buy_quantity":1,"get_quantity":1,"amount":1,"basis_points":1}`, "buy_x_get_y: must have at most one of basis_points and amount"},
		"BuyScope":       {"buy_x_get_y", `{"buy_quantity":1,"get_quantity":1,"buy_scope":{"include":{"tags":[]}}}`, "buy_x_get_y.buy_scope.include.tags: must not be empty; leave it out"},
		"NoGifts":        {"free_gift", `{}`, "free_gift.gifts: must be 1 to 20"},
		"GiftProduct":    {"free_gift", `{"gifts":[{"quantity":1,"unit_price":1}]}`, "free_gift.gifts[0].product_id: must be 1 to 100 bytes and not repeated"},
		"GiftTwice":      {"free_gift", `{"gifts":[{"product_id":"p","quantity":1,"unit_price":1},{"product_id":"p","quantity":1,"unit_price":1}]}`, "free_gift.gifts[1].product_id: must be 1 to 100 bytes and not repeated"},
		"GiftQuantity":   {"free_gift", `{"gifts":[{"product_id":"p","quantity":0,"unit_price":1}]}`, "free_gift.gifts[0].quantity: must be 1 to 1000000"},
		"GiftPrice":      {"free_gift", `{"gifts":[{"product_id":"p","quantity":1,"unit_price":0}]}`, "free_gift.gifts[0].unit_price: must be 1 to 1000000000"},
		"GiftsTooDear":   {"free_gift", `{"gifts":[{"product_id":"p","quantity":1000000,"unit_price":1000000000}]}`, "free_gift.gifts: must be worth at most 1000000000000 together"},
		"ShippingCap":    {"free_shipping", `{"cap":-1}`, "free_shipping.cap: " + amounts},
		"RandomMin":      {"random_amount", `{"max":5}`, "random_amount.min: must be 1 to 1000000000000"},
		"RandomMax":      {"random_amount", `{"min":7,"max":6}`, "random_amount.max: must be 7 to 1000000000000"},
		"UnknownInPart":  {"free_shipping", `{"cap":1,"CAP":1}`, "free_shipping.CAP: unknown field"},
		"EmbeddedByName": {"amount_off", `{"amount":1,"Application":{}}`, "amount_off.Application: unknown field"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, []string{tt.want}, faultsOf(t, kindRule(tt.kind, tt.part, "")))
		})
	}
}

func TestParseRefusesConditionsAndLevels(t *testing.T) {
	t.Parallel()
	condition := func(kind, fields string) string { return kindRule(kind, leastParts[kind], `"conditions":{`+fields+`}`) }
	level := func(kind, part, name string) string { return kindRule(kind, part, `"stacking":{"level":"`+name+`"}`) }
	const units = "must be 0 to 1000000000"
	for name, tt := range map[string]struct{ raw, want string }{
		"AfterCoupons": {condition("amount_off", `"minimum_spend_after_coupons":true`), "conditions.minimum_spend_after_coupons: says nothing without minimum_spend"},
		"Quantity":     {condition("amount_off", `"minimum_quantity":-1`), "conditions.minimum_quantity: " + units},
		"NoWord":       {condition("amount_off", `"platforms":[""]`), "conditions.platforms[0]: must be 1 to 100 bytes and not repeated"},
		"WordTwice":    {condition("amount_off", `"user_tags":["a","a"]`), "conditions.user_tags[1]: must be 1 to 100 bytes and not repeated"},
		"NoHours":      {condition("amount_off", `"hours":[]`), "conditions.hours: must not be empty; leave it out"},
		"Day":          {condition("amount_off", `"hours":[{"days":["Mon"]}]`), "conditions.hours[0].days[0]: must be one of mon, tue, wed, thu, fri, sat, sun and not repeated"},
		"From":         {condition("amount_off", `"hours":[{"from":"24:00","until":"10:00"}]`), "conditions.hours[0].from: must be a time from 00:00 to 23:59"},
		"FromShort":    {condition("amount_off", `"hours":[{"from":"9:00"}]`), "conditions.hours[0].from: must be a time from 00:00 to 23:59"},
		"Until":        {condition("amount_off", `"hours":[{"until":"24:01"}]`), "conditions.hours[0].until: must be a time from 00:00 to 24:00"},
		"NoSpan":       {condition("amount_off", `"hours":[{"from":"10:00","until":"10:00"}]`), "conditions.hours[0]: must not end when it begins"},
		"NoSpanAtAll":  {condition("amount_off", `"hours":[{"until":"00:00"}]`), "conditions.hours[0]: must not end when it begins"},

		"ItemsByShipping":  {level("buy_x_get_y", leastParts["buy_x_get_y"], "shipping"), "stacking.level: must be item or order for this kind"},
		"PriceByShipping":  {level("fixed_price", leastParts["fixed_price"], "shipping"), "stacking.level: must be item or order for this kind"},
		"GiftByShipping":   {level("free_gift", leastParts["free_gift"], "shipping"), "stacking.level: must be item or order for this kind"},
		"RandomByShipping": {level("random_amount", leastParts["random_amount"], "shipping"), "stacking.level: must be item or order for this kind"},
		"ShippingByItem":   {level("free_shipping", leastParts["free_shipping"], "item"), "stacking.level: must be shipping, which is the default for this kind"},
		"UnitsOfShipping":  {level("percent_off", `{"basis_points":1,"max_units":2}`, "shipping"), "percent_off.each: each, max_units and first are not for the level shipping"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, []string{tt.want}, faultsOf(t, tt.raw))
		})
	}
}
