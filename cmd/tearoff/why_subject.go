package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// subject is what a verdict of why is about: state, windows and bounds of a coupon, or of one that would be issued.
type subject struct {
	models.CouponRef
	Name        string             `json:"name"` // of the batch
	MerchantID  string             `json:"merchant_id,omitempty"`
	RuleID      string             `json:"rule_id"`
	RuleVersion int                `json:"rule_version"`
	Currency    models.Currency    `json:"currency,omitempty"`
	TimeZone    string             `json:"time_zone"`
	ClaimMode   models.ClaimMode   `json:"claim_mode"`
	Codes       models.CodeKind    `json:"codes,omitempty"`
	BatchState  models.BatchState  `json:"batch_state"`
	Paused      []string           `json:"paused"`
	State       models.CouponState `json:"coupon_state,omitempty"`
	FaceValue   int64              `json:"face_value,omitempty"`
	Redemption  *holder            `json:"redemption,omitempty"`  // that holds or used the coupon
	CodeActive  *bool              `json:"code_active,omitempty"` // nil: without a code
	Windows     []window           `json:"windows"`
	Bounds      []usedBound        `json:"bounds"`

	zone *time.Location
}

// holder is the redemption that holds or used a coupon.
type holder struct {
	ID       string                 `json:"id"`
	State    models.RedemptionState `json:"state"`
	OrderID  string                 `json:"order_id,omitempty"`
	Deadline models.Time            `json:"deadline,omitzero"`
}

// window is when something is open; zero: without a bound.
type window struct {
	What  string      `json:"what"`
	From  models.Time `json:"from,omitzero"`
	Until models.Time `json:"until,omitzero"`
}

// usedBound is a limit or cap with what is used of it.
type usedBound struct {
	What  string `json:"what"`
	Most  int64  `json:"most"`
	Used  int64  `json:"used"`
	Left  int64  `json:"left"`
	Money bool   `json:"money,omitempty"` // minor units
}

func subjectOf(ctx context.Context, s *store.Store, o models.Offer) (subject, error) {
	b := o.Batch
	out := subject{
		CouponRef: o.Ref(), Name: b.Name, MerchantID: b.MerchantID, RuleID: o.Rule.ID, RuleVersion: o.Rule.Version, Currency: b.Currency,
		TimeZone: b.TimeZone, ClaimMode: b.ClaimMode, Codes: b.Codes, BatchState: o.Counter.State, Paused: o.Counter.Paused.Words(),
		State: o.Coupon.State, FaceValue: o.Coupon.FaceValue, Bounds: boundsOf(o), zone: b.Zone(),
	}
	from, until := o.Coupon.ValidFrom, o.Coupon.ValidUntil
	if o.Coupon.ID == "" {
		from, until = b.Validity(o.At)
		out.Windows = append(out.Windows, window{"issued", b.ClaimFrom, b.ClaimUntil})
	}
	out.Windows = append(out.Windows, window{"valid", from, until})
	if o.Code != nil {
		out.CodeActive = &o.Code.Active
		out.Windows = append(out.Windows, window{"code valid", o.Code.ValidFrom, o.Code.ValidUntil})
	}
	if o.Coupon.RedemptionID == nil {
		return out, nil
	}
	r, err := s.Redemption(ctx, *o.Coupon.RedemptionID)
	if err != nil {
		return out, err
	}
	out.Redemption = &holder{ID: r.ID, State: r.State}
	if r.OrderID != nil {
		out.Redemption.OrderID = *r.OrderID
	}
	if !r.State.Decided() {
		out.Redemption.Deadline = r.Deadline
	}
	return out, nil
}

// boundsOf lists the bounds that the offer has. Stock, codes and limits are of no account for a coupon that is issued.
func boundsOf(o models.Offer) []usedBound {
	list := []usedBound{}
	add := func(what string, most, used int64, isMoney bool) {
		list = append(list, usedBound{what, most, used, max(0, most-used), isMoney})
	}
	if o.Coupon.ID == "" {
		if o.Counter.Quantity != nil {
			add("coupons of the batch", *o.Counter.Quantity, *o.Counter.Quantity-o.Counter.Remaining, false)
		}
		if o.Code != nil && o.Code.MaxUses != nil {
			add("uses of the code", *o.Code.MaxUses, o.Code.Uses, false)
		}
		if o.Batch.ClaimsPerUser > 0 {
			add("coupons per "+limitedBy(*o.Batch), int64(o.Batch.ClaimsPerUser), int64(o.Limit.Coupons), false)
		}
	}
	for _, c := range []struct {
		of  string
		cap models.Cap
		use models.Usage
	}{
		{"of the batch", o.Batch.Caps.Batch, o.Counter.Usage},
		{"by the user", o.Batch.Caps.User, o.User},
		{"by the user on " + o.Batch.Day(o.At), o.Batch.Caps.UserDay, o.UserDay},
	} {
		if c.cap.Uses != nil {
			add("uses "+c.of, *c.cap.Uses, c.use.Uses(), false)
		}
		if c.cap.Amount != nil {
			add("money "+c.of, *c.cap.Amount, c.use.Amount(), true)
		}
	}
	return list
}

func limitedBy(b models.Batch) string {
	if len(b.LimitBy) == 0 {
		return string(models.LimitUser)
	}
	words := make([]string, len(b.LimitBy))
	for i, kind := range b.LimitBy {
		words[i] = string(kind)
	}
	return strings.Join(words, " and ")
}

// rows are the subject as a table of two columns.
func (s subject) rows(at time.Time) [][]string {
	var rows [][]string
	add := func(what, format string, args ...any) {
		rows = append(rows, []string{what, fmt.Sprintf(format, args...)})
	}
	if s.State != "" {
		add("coupon", "%s%s", s.State, s.heldBy())
	}
	if s.FaceValue > 0 {
		add("face value", "%s", s.money(s.FaceValue))
	}
	if s.CodeActive != nil {
		add("code", "%s", map[bool]string{true: "active", false: "switched off"}[*s.CodeActive])
	}
	state := string(s.BatchState)
	if len(s.Paused) > 0 {
		state += ", paused: " + strings.Join(s.Paused, ", ")
	}
	add("batch", "%s %q: %s", s.BatchID, plain(s.Name), state)
	if s.MerchantID != "" {
		add("merchant", "%s", plain(s.MerchantID))
	}
	got := string(s.ClaimMode)
	if s.Codes != models.CodesNone {
		got += ", with " + string(s.Codes) + " codes"
	}
	add("got by", "%s", got)
	add("rule", "%s, version %d", s.RuleID, s.RuleVersion)
	add("local time", "%s (%s)", localTime(at, s.zone), s.TimeZone)
	for _, w := range s.Windows {
		add(w.What, "%s", w.text(s.zone))
	}
	for _, b := range s.Bounds {
		if b.Money {
			add(b.What, "%s of %s used, %s left", s.money(b.Used), s.money(b.Most), s.money(b.Left))
		} else {
			add(b.What, "%d of %d used, %d left", b.Used, b.Most, b.Left)
		}
	}
	return rows
}

func (s subject) money(amount int64) string {
	return amountText(amount, s.Currency) + " " + string(s.Currency)
}

func (s subject) heldBy() string {
	if s.Redemption == nil {
		return ""
	}
	text := fmt.Sprintf(", %s is %s", s.Redemption.ID, s.Redemption.State)
	if s.Redemption.OrderID != "" {
		text += ", order " + plain(s.Redemption.OrderID)
	}
	if !s.Redemption.Deadline.IsZero() {
		text += ", until " + localTime(s.Redemption.Deadline.Time, s.zone)
	}
	return text
}

func (w window) text(zone *time.Location) string {
	var parts []string
	if !w.From.IsZero() {
		parts = append(parts, "from "+localTime(w.From.Time, zone))
	}
	if !w.Until.IsZero() {
		parts = append(parts, "until "+localTime(w.Until.Time, zone))
	}
	if len(parts) == 0 {
		return "as long as the batch"
	}
	return strings.Join(parts, " ")
}
