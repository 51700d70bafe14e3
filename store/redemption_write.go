package store

import (
	"database/sql/driver"
	"encoding/json"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// redemptionColumns are those that may change in a redemption's life.
var redemptionColumns = []column[*models.Redemption]{
	{"state", func(r *models.Redemption) any { return r.State }},
	{"seq", func(r *models.Redemption) any { return r.Seq }},
	{"idem_key", func(r *models.Redemption) any { return orNull(r.IdemKey) }},
	{"order_id", func(r *models.Redemption) any { return orNull(r.OrderID) }},
	{"deadline", func(r *models.Redemption) any { return r.Deadline }},
	{"due_at", func(r *models.Redemption) any { return r.DueAt }},
	{"wake", func(r *models.Redemption) any { return r.Wake }},
	{"outcome", func(r *models.Redemption) any { return orNull(r.Outcome) }},
	{"outcome_info", func(r *models.Redemption) any { return jsonOf(r.OutcomeInfo) }},
	{"stuck", func(r *models.Redemption) any { return r.Stuck }},
	{"stuck_reason", func(r *models.Redemption) any { return orNull(r.StuckReason) }},
	{"stuck_since", func(r *models.Redemption) any { return r.StuckSince }},
	{"resolution", func(r *models.Redemption) any { return jsonOf(r.Resolution) }},
	{"updated_at", func(r *models.Redemption) any { return r.UpdatedAt }},
}

// pricedColumns change with the cart of a hold.
var pricedColumns = []column[*models.Redemption]{
	{"goods", func(r *models.Redemption) any { return r.Goods }},
	{"shipping", func(r *models.Redemption) any { return r.Shipping }},
	{"discount", func(r *models.Redemption) any { return r.Discount }},
	{"payable", func(r *models.Redemption) any { return r.Payable }},
	{"content", func(r *models.Redemption) any { return jsonOf(r.Content) }},
}

// orNull is what p points at, or NULL.
func orNull[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

// jsonOf is v as a JSON column keeps it; nil is NULL.
func jsonOf(v any) any {
	text, err := json.Marshal(v)
	switch {
	case err != nil:
		return unfit{err.Error()}
	case string(text) == "null":
		return nil
	}
	return string(text)
}

// unfit is a value that fails the statement that has it.
type unfit struct{ why string }

// Value implements driver.Valuer.
func (u unfit) Value() (driver.Value, error) {
	return nil, models.NewError(models.CodeInternal, "store: a value can't be written: "+u.why)
}

// stamp counts one change of a locked redemption and says when the sweeper must look at it next.
func (tx *txn) stamp(r *models.Redemption) error {
	now, err := tx.now()
	r.Seq, r.UpdatedAt, r.DueAt = r.Seq+1, now, tx.store.dueAt(*r, now)
	return err
}

// updateRedemptions writes columns of locked redemptions, sorted by id, in one compare-and-set over their sequences.
func (tx *txn) updateRedemptions(rows []*models.Redemption, columns []column[*models.Redemption], seq func(*models.Redemption) int64) error {
	for rows := range slices.Chunk(rows, 500) {
		err := update[*models.Redemption]{
			keyed: keyed[*models.Redemption]{rows, "id", redemptionID}, table: "redemptions", set: columns,
			from: column[*models.Redemption]{"seq", func(r *models.Redemption) any { return seq(r) }},
		}.run(tx)
		if err != nil {
			return err
		}
	}
	return nil
}

func redemptionID(r *models.Redemption) string { return r.ID }

// updateItems writes what has changed of the items, sorted by id. A column that changed in none of them is left out.
func (tx *txn) updateItems(items []*item) error {
	if len(items) == 0 {
		return nil
	}
	rows := make([]*models.Redemption, len(items))
	from := make(map[string]int64, len(items))
	for i, it := range items {
		rows[i], from[it.ID] = it.Redemption, it.stored.Seq
	}
	columns := redemptionColumns
	if slices.ContainsFunc(items, func(it *item) bool { return it.repriced }) {
		columns = slices.Concat(columns, pricedColumns)
	}
	var changed []column[*models.Redemption]
	for _, c := range columns {
		if slices.ContainsFunc(items, func(it *item) bool { return c.value(it.Redemption) != c.value(&it.stored) }) {
			changed = append(changed, c)
		}
	}
	return tx.updateRedemptions(rows, changed, func(r *models.Redemption) int64 { return from[r.ID] })
}

// newItem is a planned redemption, which nobody has written yet. Its id stays in the plan: should this run's COMMIT be
// unknown, the next one finds it by that.
func (tx *txn) newItem(p *models.Plan, state models.RedemptionState) (*item, error) {
	now, err := tx.now()
	if p.Redemption.ID == "" {
		p.Redemption.ID = models.NewID(models.PrefixRedemption)
	}
	r := p.Redemption
	r.State, r.Seq, r.CreatedAt, r.UpdatedAt, r.Deadline = state, 1, now, now, now.Add(p.TTL)
	r.DueAt = tx.store.dueAt(r, now)
	return &item{Redemption: &r, lines: p.Lines}, err
}

// insertItems writes new redemptions with their lines and, when something is to be paid, their payments.
func (tx *txn) insertItems(items []*item) error {
	if len(items) == 0 {
		return nil
	}
	var rows []*models.Redemption
	var lines []models.RedemptionLine
	var payments []models.Payment
	for _, it := range items {
		rows = append(rows, it.Redemption)
		for _, line := range it.lines {
			line.RedemptionID = it.ID
			lines = append(lines, line)
		}
		if it.Kind == models.KindOrchestrated && it.Payable > 0 {
			payments = append(payments, models.Payment{
				ID: models.NewID(models.PrefixPayment), RedemptionID: it.ID, State: models.PaymentNew, Seq: 1, Attempt: 1,
				Method: it.Content.Payment.Method, Currency: it.Currency, Amount: it.Payable, CreatedAt: it.CreatedAt, UpdatedAt: it.CreatedAt,
			})
		}
	}
	if err := tx.CreateInBatches(rows, 500).Error; err != nil {
		return err
	}
	if len(lines) > 0 {
		if err := tx.CreateInBatches(lines, 500).Error; err != nil {
			return err
		}
	}
	if len(payments) == 0 {
		return nil
	}
	return tx.CreateInBatches(payments, 500).Error
}
