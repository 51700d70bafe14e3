package store_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// What a twin answered and left, in words that are the same for all twins.

func (tw *twin) answer(o store.OperationOutcome) string {
	show := func(err *models.Error) string {
		if err == nil {
			return "ok"
		}
		return fmt.Sprint(err.Code, " ", err.Params)
	}
	if o.Claim != nil {
		text := show(o.Claim.Err)
		if c := o.Claim.Coupon; c != nil {
			text += fmt.Sprintln(" ", o.Claim.Replayed, c.ID, c.Ordinal, c.State, c.Seq, c.RedemptionID != nil)
		}
		return tw.named(text)
	}
	r := o.Redemption.Redemption
	text := show(o.Redemption.Err) + fmt.Sprintln(" ", o.Redemption.Replayed, r.ID, r.State, r.Seq, len(r.Names()), r.DueAt.IsZero(), r.OutcomeInfo)
	if r.OrderID != nil {
		text += " " + *r.OrderID
	}
	if r.Outcome != nil {
		text += " " + string(*r.Outcome)
	}
	return tw.named(text)
}

// orderPattern finds orders and codes of the redemptions that world makes.
var orderPattern = regexp.MustCompile(`(order|CODE)-[^" ]+`)

var idPattern = regexp.MustCompile(`[a-z]{3}_[0-9a-z]{26}`)

// named replaces ids by names. An id without one gets the next number.
func (tw *twin) named(text string) string {
	for _, code := range tw.codes {
		text = strings.ReplaceAll(text, code, tw.names[code])
	}
	return idPattern.ReplaceAllStringFunc(orderPattern.ReplaceAllString(text, "$1"), func(id string) string {
		if tw.names[id] == "" {
			tw.seen++
			tw.names[id] = fmt.Sprint("id", tw.seen)
		}
		return tw.names[id]
	})
}

// books describes all that the script left. How often a row was written within one slice doesn't count.
func (tw *twin) books() []string {
	tw.t.Helper()
	marks, args := in([]string{tw.claimed.batch.ID, tw.issued.batch.ID})
	all := []string{}
	for _, part := range []string{
		"SELECT 'counter', batch_id, remaining, issued, face_amount, reserved_count, reserved_amount, used_count, used_amount, ledger_seq FROM batch_counters WHERE batch_id IN ",
		"SELECT 'user', batch_id, user_id, day <> '', reserved_count, reserved_amount, used_count, used_amount FROM user_counters WHERE batch_id IN ",
		"SELECT 'coupon', id, user_id, ordinal, state, seq, redemption_id, code_key FROM coupons WHERE batch_id IN ",
		"SELECT 'code', code_key, uses FROM codes WHERE batch_id IN ",
		"SELECT 'limit', batch_id, key_kind, ordinal, coupon_id FROM coupon_limits WHERE batch_id IN ",
		"SELECT 'entry', batch_id, batch_seq, coupon_id, coupon_seq, kind, `count`, amount, user_id, redemption_id FROM ledger_entries WHERE batch_id IN ",
	} {
		all = append(all, query(tw.t, tw.s, part+marks, args...)...)
	}
	ids := []any{tw.caller}
	for _, id := range tw.others {
		ids = append(ids, id)
	}
	where := "WHERE r.caller = ? OR r.id IN (" + strings.TrimSuffix(strings.Repeat("?,", len(ids)-1), ",") + ")"
	all = append(all, query(tw.t, tw.s, "SELECT 'redemption', r.id, r.state, r.seq, r.idem_key, r.order_id, "+
		"r.due_at IS NULL, r.wake, r.outcome, r.outcome_info, r.stuck, r.discount, r.payable, r.content FROM redemptions r "+where, ids...)...)
	all = append(all, query(tw.t, tw.s, "SELECT 'branch', r.id, b.branch, b.state, b.seq, b.result FROM redemptions r "+
		"JOIN tcc_branches b ON b.redemption_id = r.id "+where, ids...)...)
	all = append(all, query(tw.t, tw.s, "SELECT 'line', r.id, l.coupon_id, l.discount FROM redemptions r "+
		"JOIN redemption_lines l ON l.redemption_id = r.id "+where, ids...)...)
	all = append(all, query(tw.t, tw.s, "SELECT 'name', CASE kind WHEN 'key' THEN value ELSE kind END, redemption_id FROM redemption_names "+
		"WHERE caller = ? AND redemption_id <> ''", tw.caller)...)
	for i, row := range all {
		all[i] = tw.named(row)
	}
	slices.Sort(all)
	return all
}
