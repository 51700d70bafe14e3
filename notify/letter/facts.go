package letter

import (
	"time"

	"github.com/tearoff/tearoff/models"
)

// Facts are what one letter tells of.
type Facts struct {
	Locale      string // BCP 47, of the user. "": the template's
	Zone        *time.Location
	Now         time.Time
	BatchName   string
	MerchantID  string
	Unsubscribe string // an address that ends such messages. "": there is none
	Params      models.MessageParams
}

// ownFields is the name under which a manual message's own fields are.
const ownFields = "fields"

// fieldNames are what a template may ask for, in the order of the documentation.
var fieldNames = []string{
	"batch_name", "merchant_id", "coupon_id", "coupons", "valid_until", "valid_until_time", "days_left", "amount",
	"refund_id", "redemption_id", "order_id", "unsubscribe_url", ownFields,
}

// Fields lists what a template may ask for.
func Fields() []string { return append([]string(nil), fieldNames...) }

func (f Facts) fields(locale string) map[string]any {
	p := f.Params
	own := make(map[string]string, len(p.Fields))
	for k, v := range p.Fields {
		own[k] = v
	}
	all := map[string]any{
		"batch_name": f.BatchName, "merchant_id": f.MerchantID, "coupon_id": p.CouponID, "coupons": max(p.Coupons, min(len(p.CouponID), 1)),
		"valid_until": "", "valid_until_time": "", "days_left": 0, "amount": "", "refund_id": p.RefundID,
		"redemption_id": p.RedemptionID, "order_id": p.OrderID, "unsubscribe_url": f.Unsubscribe, ownFields: own,
	}
	if !p.ValidUntil.IsZero() {
		day, clock := lastDay(p.ValidUntil.Time, f.zone())
		all["valid_until"], all["valid_until_time"] = date(locale, day), clock
		all["days_left"] = daysBetween(f.Now.In(f.zone()), day)
	}
	if p.Currency != "" {
		all["amount"] = money(locale, p.Amount, p.Currency)
	}
	return all
}

func (f Facts) zone() *time.Location {
	if f.Zone == nil {
		return time.UTC
	}
	return f.Zone
}

// Zone is the first of the IANA names that names a zone; UTC when none does.
func Zone(names ...string) *time.Location {
	for _, name := range names {
		if name == "" || name == "Local" { // the machine's own zone is nobody's
			continue
		}
		if zone, err := time.LoadLocation(name); err == nil {
			return zone
		}
	}
	return time.UTC
}

// lastDay is the last day on which something is valid that ends at until, and the time of that day when it ends: what ends
// at midnight ends at 24:00 of the day before.
func lastDay(until time.Time, zone *time.Location) (day time.Time, clock string) {
	local := until.In(zone)
	if local.Hour() == 0 && local.Minute() == 0 && local.Second() == 0 {
		return local.AddDate(0, 0, -1), "24:00"
	}
	return local, local.Format("15:04")
}

// daysBetween counts the midnights from one local time to another; never below nought.
func daysBetween(from, to time.Time) int {
	midnight := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	return max(0, int(midnight(to).Sub(midnight(from)).Hours()/24))
}

// Sample is what a preview tells of when nothing else is given.
func Sample(locale string) Facts {
	now := time.Date(2030, time.May, 28, 9, 0, 0, 0, time.UTC)
	return Facts{
		Locale: locale, Now: now, BatchName: "Summer", MerchantID: "acme", Unsubscribe: "https://shop.example/unsubscribe",
		Params: models.MessageParams{
			CouponID: "cpn_00000000000000000000000000", Coupons: 2, ValidUntil: models.NewTime(now.AddDate(0, 0, 3)), Amount: 1999, Currency: "EUR",
			RefundID: "rfd_00000000000000000000000000", RedemptionID: "rdm_00000000000000000000000000", OrderID: "o-1",
		},
	}
}
