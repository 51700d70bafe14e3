package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/tearoff/tearoff/models"
)

// names are the redemptions that have the ids and names that a transaction mentions. They are found by reading, so that a
// repeat never fails its neighbours.
type names struct {
	byID   map[string]*models.Redemption
	byName map[models.RedemptionName]*models.Redemption // it may have lost the name since
}

// mentions are ids and names that requests are about.
type mentions struct {
	ids   []string
	names []models.RedemptionName
}

// request adds what a request to open a redemption mentions.
func (m *mentions) request(r models.Redemption) {
	if r.ID != "" {
		m.ids = append(m.ids, r.ID)
	}
	m.names = append(m.names, r.Names()...)
}

// add makes the names known that the redemption has.
func (n *names) add(r *models.Redemption) {
	n.byID[r.ID] = r
	for _, name := range r.Names() {
		n.byName[name] = r
	}
}

// holder is the redemption that has the name now; nil for none.
func (n *names) holder(name models.RedemptionName) *models.Redemption {
	if r := n.byName[name]; r != nil && r.Has(name) {
		return r
	}
	return nil
}

// lockNames locks the names until the end of the transaction, those that nobody has too, and reads who has what is
// mentioned. All names are locked by one statement, in the order of the only index that they have. It inserts the rows that
// are missing, because READ COMMITTED can't lock what isn't there.
//
// Rows of names stay when nobody has them any more. Were they deleted, the server could purge one while two others wait for
// it; it would then leave each of them a lock on the gap, and they would deadlock as they insert.
func (tx *txn) lockNames(m mentions, locked map[string]*item) (*names, error) {
	rows := make([]models.NameHolder, len(m.names))
	for i, name := range m.names {
		rows[i].RedemptionName = name
	}
	if err := tx.upsertNames(rows, clause.Assignments(map[string]any{"redemption_id": gorm.Expr("redemption_id")})); err != nil {
		return nil, err
	}
	return tx.readNames(m, locked)
}

// untilDone is the context of a transaction that takes names, which the caller's end must not roll back: rows that are taken
// back harm those who wait for them as deleted ones do.
func untilDone(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
}

// readNames reads who has what is mentioned, as one instant shows it. Of redemptions that the slice has locked it takes the
// slice's own.
func (tx *txn) readNames(m mentions, locked map[string]*item) (*names, error) {
	n := &names{byID: map[string]*models.Redemption{}, byName: map[models.RedemptionName]*models.Redemption{}}
	// One read for each kind, in one statement: MySQL would rather scan the tables than join them by OR.
	var parts []string
	var args []any
	if len(m.ids) > 0 {
		parts, args = append(parts, "SELECT * FROM redemptions WHERE id IN ?"), append(args, distinct(m.ids))
	}
	for _, kind := range []models.NameKind{models.NameKey, models.NameOrder} {
		var callers, values []string
		for _, name := range m.names {
			if name.Kind == kind {
				callers, values = append(callers, name.Caller), append(values, name.Value)
			}
		}
		if len(values) > 0 {
			parts = append(parts, "SELECT r.* FROM redemption_names n JOIN redemptions r ON r.id = n.redemption_id "+
				"WHERE n.caller IN ? AND n.kind = ? AND n.value IN ?")
			args = append(args, distinct(callers), kind, distinct(values))
		}
	}
	if len(parts) == 0 {
		return n, nil
	}
	var found []*models.Redemption
	err := tx.Raw(strings.Join(parts, " UNION ALL "), args...).Find(&found).Error
	for _, r := range found {
		if own := locked[r.ID]; own != nil {
			r = own.Redemption
		}
		n.add(r)
	}
	return n, err
}

// writeNames stores which names the redemptions have taken and given up since they were read. Who writes them has locked
// them, or holds the redemption whose names they were.
func (tx *txn) writeNames(items ...*item) error {
	changed := map[models.RedemptionName]string{}
	for _, it := range items {
		for _, name := range it.stored.Names() {
			if !it.Has(name) {
				changed[name] = ""
			}
		}
	}
	for _, it := range items {
		for _, name := range it.Names() {
			if !it.stored.Has(name) { // be it another's until now
				changed[name] = it.ID
			}
		}
	}
	rows := make([]models.NameHolder, 0, len(changed))
	for name, id := range changed {
		rows = append(rows, models.NameHolder{RedemptionName: name, RedemptionID: id})
	}
	return tx.upsertNames(rows, clause.AssignmentColumns([]string{"redemption_id"}))
}

// upsertNames inserts rows, in the order of their primary key, and updates those that are there.
func (tx *txn) upsertNames(rows []models.NameHolder, update clause.Set) error {
	if len(rows) == 0 {
		return nil
	}
	slices.SortFunc(rows, func(x, y models.NameHolder) int { return x.Compare(y.RedemptionName) })
	return tx.Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "caller"}, {Name: "kind"}, {Name: "value"}}, DoUpdates: update,
	}).CreateInBatches(slices.Compact(rows), 500).Error
}
