package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/Rhymond/go-money"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// quoteTable is a quote for people to read.
type quoteTable struct {
	rules.Quoted
	zones map[string]*time.Location // where the times of each verdict are shown, by its ID
}

// write writes which coupons are used and what they take off, why the others are not, and what the cart costs.
func (q quoteTable) write(w io.Writer) error {
	tables := [][][]string{q.used(), q.notUsed(), q.cart()}
	right := [][]int{{2, 3, 4}, {2}, {1, 2, 3}}
	for i, rows := range tables {
		if len(rows) < 2 {
			continue // a headline alone
		}
		if err := table(w, "", rows, right[i]...); err != nil {
			return err
		}
		if i < len(tables)-1 {
			fmt.Fprintln(w)
		}
	}
	return nil
}

// used lists what each coupon takes off, line by line; who bears it, where that isn't always the platform.
func (q quoteTable) used() [][]string {
	shared := slices.ContainsFunc(q.Best.Coupons, func(c rules.PricedCoupon) bool {
		return slices.ContainsFunc(c.Lines, func(a rules.Allocation) bool { return a.MerchantShare > 0 })
	})
	rows := [][]string{{"USED", "ON", "TAKES OFF", "PLATFORM", "MERCHANT"}}
	add := func(name, on string, a rules.Allocation) {
		rows = append(rows, []string{name, on, q.amount(a.Discount), q.amount(a.PlatformShare), q.amount(a.MerchantShare)})
	}
	for _, c := range q.Best.Coupons {
		name := plain(c.ID())
		if len(c.Lines) > 1 {
			sum := rules.Allocation{Discount: c.Amount}
			for _, l := range c.Lines {
				sum.PlatformShare += l.PlatformShare
				sum.MerchantShare += l.MerchantShare
			}
			add(name, "together", sum)
			name = ""
		}
		for _, l := range c.Lines {
			add(name, string(l.Target)+" "+plain(l.LineID), l)
		}
	}
	if !shared {
		for i := range rows {
			rows[i] = rows[i][:3]
		}
	}
	return rows
}

// notUsed lists the other coupons, what each takes off alone, and why it isn't in the best combination.
func (q quoteTable) notUsed() [][]string {
	rows := [][]string{{"NOT USED", "STATUS", "ALONE", "WHY"}}
	for _, v := range q.Coupons {
		if v.Status == rules.Applicable {
			continue
		}
		alone := "-"
		if v.Status == rules.Skipped {
			alone = q.amount(v.Amount)
		}
		rows = append(rows, []string{plain(v.ID()), string(v.Status), alone, q.why(v)})
	}
	return rows
}

func (q quoteTable) cart() [][]string {
	rows := [][]string{{"CART", "PRICE", "DISCOUNT", "TO PAY"}}
	add := func(what string, price, discount, payable int64) {
		rows = append(rows, []string{what, q.amount(price), q.amount(discount), q.amount(payable)})
	}
	for _, l := range q.Best.Lines {
		add("line "+plain(l.LineID), l.Amount, l.Discount, l.Payable)
	}
	for _, g := range q.Best.Gifts {
		value := g.UnitPrice * g.Quantity
		add(fmt.Sprintf("gift %s × %d", plain(g.ProductID), g.Quantity), value, value, 0)
	}
	for _, s := range q.Best.Shipping {
		add("shipping "+plain(s.LineID), s.Amount, s.Discount, s.Payable)
	}
	t := q.Best.Totals
	add("total "+string(q.Best.Currency), t.Goods+t.Shipping, t.Discount, t.Payable)
	return rows
}

// inMoney are the parameters of reasons that are amounts, unless the reason counts units.
var inMoney = []string{"minimum", "subtotal", "count", "shortfall", "remaining"}

// why is a reason with its parameters, how far the coupon is off first.
func (q quoteTable) why(v rules.Verdict) string {
	reason := v.Reason
	if reason == nil {
		return ""
	}
	names := slices.Sorted(maps.Keys(reason.Params))
	if i := slices.Index(names, "shortfall"); i > 0 {
		names = slices.Insert(slices.Delete(names, i, i+1), 0, "shortfall")
	}
	units := reason.Code == models.CodeTooFewUnits || reason.Params["by"] == rules.ByQuantity
	var params []string
	for _, name := range names {
		value := reason.Params[name]
		if value == v.ID() || value == v.BatchID {
			continue // the row is about it
		}
		text := textOf(value, q.zones[v.ID()])
		if amount, ok := value.(int64); ok && !units && slices.Contains(inMoney, name) {
			text = q.amount(amount) + " " + string(q.Best.Currency)
		}
		params = append(params, name+" "+text)
	}
	text := string(reason.Code) + ": " + plain(reason.Message)
	if len(params) > 0 {
		text += " (" + strings.Join(params, ", ") + ")"
	}
	return text
}

func (q quoteTable) amount(minor int64) string { return amountText(minor, q.Best.Currency) }

// amountText writes minor units with the decimals of the currency; two for one that ISO 4217 doesn't list.
func amountText(minor int64, currency models.Currency) string {
	decimals := 2
	if known := money.GetCurrency(string(currency)); known != nil {
		decimals = known.Fraction
	}
	if decimals == 0 {
		return strconv.FormatInt(minor, 10)
	}
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	digits := fmt.Sprintf("%0*d", decimals+1, minor)
	return sign + digits[:len(digits)-decimals] + "." + digits[len(digits)-decimals:]
}

// textOf writes a parameter of a reason. Times are shown in the zone.
func textOf(value any, zone *time.Location) string {
	switch v := value.(type) {
	case models.Time:
		return localTime(v.Time, zone)
	case []string:
		return plain(strings.Join(v, ", "))
	case []rules.Hours:
		spans := make([]string, len(v))
		for i, h := range v {
			spans[i] = hoursText(h)
		}
		return strings.Join(spans, ", ")
	case map[string]any, []any:
		text, _ := json.Marshal(v) // made of JSON
		return plain(string(text))
	default:
		return plain(fmt.Sprint(v))
	}
}

func hoursText(h rules.Hours) string {
	from, until := h.From, h.Until
	if from == "" {
		from = "00:00"
	}
	if until == "" {
		until = "24:00"
	}
	return strings.TrimSpace(strings.Join(h.Days, " ") + " " + from + "–" + until)
}

// localTime shows an instant by the clock of a zone; nil is UTC.
func localTime(t time.Time, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone).Format("2006-01-02 15:04:05 MST")
}

// table writes rows of equal length in columns; the columns whose numbers are in right are aligned to the right.
func table(w io.Writer, indent string, rows [][]string, right ...int) error {
	for _, column := range right {
		width := 0
		for _, r := range rows {
			if column < len(r) {
				width = max(width, utf8.RuneCountInString(r[column]))
			}
		}
		for _, r := range rows {
			if column < len(r) {
				r[column] = fmt.Sprintf("%*s", width, r[column])
			}
		}
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(out, indent+strings.Join(r, "\t"))
	}
	return out.Flush()
}

// plain keeps what others wrote from moving the cursor or a column.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
