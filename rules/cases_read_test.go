package rules_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the cases name zones, wherever they run

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// handCase is one case of testdata/cases. Every number in those files was computed by hand; "why" says how.
type handCase struct {
	Name     string       `json:"name"`
	Why      string       `json:"why"`
	Currency string       `json:"currency"` // default USD
	Lines    []string     `json:"lines"`    // "id 3x999", then cat= tag= of= (merchant) as needed, or "fixed": not discountable
	Shipping []string     `json:"shipping"` // "id 500", then of= as needed
	Platform string       `json:"platform"`
	Payment  string       `json:"payment"`
	First    bool         `json:"first_order"`
	Tags     []string     `json:"user_tags"`
	At       time.Time    `json:"at"` // default a Saturday's noon
	Coupons  []handCoupon `json:"coupons"`

	Verdicts  []string                    `json:"verdicts"` // of each coupon: "STATUS amount code params", what doesn't apply left out
	Off       map[string]map[string]int64 `json:"off"`      // what each coupon of the best takes off each line; "shipping:id", "gift:id"
	Platforms map[string]map[string]int64 `json:"platform_shares"`
	Totals    string                      `json:"totals"` // "goods+shipping-discount=payable"
	All       string                      `json:"all"`    // what Price says of all coupons together: "code params"
	Error     string                      `json:"error"`  // when the cart itself is refused
}

type handCoupon struct {
	ID       string          `json:"id"` // default: its number, from 1
	Rule     json.RawMessage `json:"rule"`
	Batch    string          `json:"batch"` // default: one of its own
	Merchant string          `json:"merchant"`
	Currency *string         `json:"currency"` // default: the cart's
	Zone     string          `json:"zone"`
	Until    time.Time       `json:"until"`
	Face     int64           `json:"face"`
	Uses     *int64          `json:"uses"`  // what its batch's caps leave
	Money    *int64          `json:"money"` // the same
	Refusal  models.Code     `json:"refusal"`
}

// fields reads "id what name=value …".
func fields(text string) (id, what string, names map[string][]string) {
	words := strings.Fields(text)
	names = map[string][]string{}
	for _, w := range words[2:] {
		name, value, _ := strings.Cut(w, "=")
		names[name] = strings.Split(value, ",")
	}
	return words[0], words[1], names
}

func number(t testing.TB, text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	require.NoError(t, err)
	return n
}

func (c handCase) checkout(t testing.TB) rules.Checkout {
	cart := models.Cart{Currency: "USD", Platform: c.Platform, PaymentMethod: c.Payment}
	if c.Currency != "" {
		cart.Currency = models.Currency(c.Currency)
	}
	for _, text := range c.Lines {
		id, what, names := fields(text)
		quantity, unitPrice, _ := strings.Cut(what, "x")
		line := models.CartLine{
			LineID: id, ProductID: id, Quantity: number(t, quantity), UnitPrice: number(t, unitPrice),
			CategoryIDs: names["cat"], Tags: names["tag"], MerchantID: strings.Join(names["of"], ""),
		}
		if names["fixed"] != nil {
			line.Discountable = new(bool)
		}
		cart.Lines = append(cart.Lines, line)
	}
	for _, text := range c.Shipping {
		id, cost, names := fields(text)
		cart.Shipping = append(cart.Shipping, models.Shipping{ID: id, Amount: number(t, cost), MerchantID: strings.Join(names["of"], "")})
	}
	at := c.At
	if at.IsZero() {
		at = noon
	}
	return rules.Checkout{Cart: cart, User: models.UserFacts{FirstOrder: c.First, Tags: c.Tags}, At: at}
}

func (c handCase) candidates(t testing.TB, currency models.Currency) []rules.Candidate {
	all := make([]rules.Candidate, len(c.Coupons))
	for i, h := range c.Coupons {
		if h.ID == "" {
			h.ID = strconv.Itoa(i + 1)
		}
		if h.Batch == "" {
			h.Batch = "bat_" + h.ID
		}
		it := rules.Candidate{
			CouponRef: models.CouponRef{CouponID: h.ID, BatchID: h.Batch}, MerchantID: h.Merchant,
			Currency: currency, ValidUntil: h.Until, FaceValue: h.Face,
		}
		if h.Rule != nil {
			rule, err := rules.Parse(h.Rule)
			require.NoError(t, err, "%s", h.Rule)
			it.Rule = &rule
		}
		if h.Currency != nil {
			it.Currency = models.Currency(*h.Currency)
		}
		if h.Zone != "" {
			zone, err := time.LoadLocation(h.Zone)
			require.NoError(t, err)
			it.Zone = zone
		}
		if h.Uses != nil || h.Money != nil {
			caps := models.Caps{User: models.Cap{Uses: h.Uses}, Batch: models.Cap{Amount: h.Money}}
			room := caps.Room(models.CapUse{})
			it.Room = &room
		}
		if h.Refusal != "" {
			it.Refusal = &models.Refusal{Code: h.Refusal}
		}
		all[i] = it
	}
	return all
}

func readCases(t testing.TB) []handCase {
	files, err := filepath.Glob("testdata/cases/*.json")
	require.NoError(t, err)
	var all []handCase
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		var cases []handCase
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.DisallowUnknownFields()
		require.NoError(t, dec.Decode(&cases), file)
		for _, c := range cases {
			c.Name = strings.TrimSuffix(filepath.Base(file), ".json") + "/" + c.Name
			all = append(all, c)
		}
	}
	return all
}
