package store

import (
	"database/sql"
	"maps"
	"slices"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// lookUsers is of how many users one closer look reads the coupons.
const lookUsers = 200

// lookAt compares the coupons of the users, those named beside them and the users' counters with their entries, one by
// one. What it reads of a user is of one instant.
func (a *auditor) lookAt(batchID string, coupons map[string][]string, count bool) error {
	for users := range slices.Chunk(slices.Sorted(maps.Keys(coupons)), lookUsers) {
		l := look{a: a, batchID: batchID, users: map[string]bool{}}
		var named []string
		for _, u := range users {
			l.users[u] = true
			named = append(named, coupons[u]...)
		}
		err := a.snapshot(func(db *gorm.DB) error { return l.read(db, users, named) })
		if err != nil {
			return err
		}
		if count {
			a.Coupons += int64(len(l.coupons))
		}
		if err := l.compare(); err != nil {
			return err
		}
	}
	return nil
}

// look is what a snapshot shows of some users and their coupons.
type look struct {
	a        *auditor
	batchID  string
	users    map[string]bool
	batch    models.Batch
	coupons  map[string]models.Coupon
	fold     map[string]models.LedgerEntry
	counters map[userDay]models.Usage
	used     map[userDay]*models.Usage // by the entries
	left     map[string]bool           // users who were merged into others
}

func (l *look) read(db *gorm.DB, users, named []string) error {
	l.coupons, l.fold = map[string]models.Coupon{}, map[string]models.LedgerEntry{}
	l.left = map[string]bool{}
	l.counters, l.used = map[userDay]models.Usage{}, map[userDay]*models.Usage{}
	if err := db.Limit(1).Find(&l.batch, "id = ?", l.batchID).Error; err != nil {
		return err
	}
	take := func(where string, args ...any) error {
		return eachRow(db.Raw("SELECT id, state, seq, redemption_id FROM coupons WHERE "+where, args...), func(rows *sql.Rows) error {
			var c models.Coupon
			err := rows.Scan(&c.ID, &c.State, &c.Seq, &c.RedemptionID)
			l.coupons[c.ID] = c
			return err
		})
	}
	if err := take("batch_id = ? AND user_id IN ?", l.batchID, users); err != nil {
		return err
	}
	if err := inSlices(named, func(ids []string) error { return take("id IN ?", ids) }); err != nil {
		return err
	}
	named = slices.AppendSeq(named, maps.Keys(l.coupons))
	if err := inSlices(named, func(ids []string) error { return l.readEntries(db, ids) }); err != nil {
		return err
	}
	var rows []models.UserCounter
	err := db.Find(&rows, "batch_id = ? AND user_id IN ?", l.batchID, users).Error
	for _, r := range rows {
		l.counters[userDay{r.BatchID, r.UserID, r.Day}] = r.Usage
	}
	return err
}

func (l *look) readEntries(db *gorm.DB, ids []string) error {
	var entries []models.LedgerEntry
	if err := db.Order("coupon_id, coupon_seq").Find(&entries, "coupon_id IN ?", ids).Error; err != nil {
		return err
	}
	for _, e := range entries {
		if !carries(e.Kind) {
			l.a.foldCoupon(l.fold, e)
		}
		if e.Kind == models.EntryLeft && e.UserID != nil {
			l.left[*e.UserID] = true
		}
		if e.Day == "" || e.UserID == nil {
			continue
		}
		for _, key := range []userDay{{e.BatchID, *e.UserID, ""}, {e.BatchID, *e.UserID, e.Day}} {
			if l.used[key] == nil {
				l.used[key] = &models.Usage{}
			}
			l.used[key].Apply(e)
		}
	}
	return nil
}

func (l *look) compare() error {
	for _, id := range slices.Sorted(maps.Keys(l.coupons)) {
		if _, known := l.fold[id]; !known {
			l.a.about(2, id).differ("ledger entries", "some", "none")
		}
	}
	for _, id := range slices.Sorted(maps.Keys(l.fold)) {
		row, there := l.coupons[id]
		l.a.compareCoupon(id, row, there, l.fold[id])
	}
	for key, use := range l.counters {
		if err := l.a.compareUserCap(l.batch, key, use); err != nil {
			return err
		}
		if l.used[key] == nil {
			l.used[key] = &models.Usage{}
		}
	}
	for key, use := range l.used {
		if !l.users[key.userID] || l.left[key.userID] {
			continue // of a coupon that was named: the user's other coupons weren't read, or are another's now
		}
		// A counter that isn't there counts nothing.
		check(l.a.about(1, key.batchID+"/"+key.userID+"/"+key.day), "usage", *use, l.counters[key])
	}
	return nil
}

func (a *auditor) compareCoupon(id string, row models.Coupon, there bool, e models.LedgerEntry) {
	switch {
	case e.Kind == models.EntryUnissued && there:
		a.about(2, id).differ("row of an un-issued coupon", "none", row.State)
		return
	case e.Kind == models.EntryUnissued:
		return
	case !there:
		a.about(2, id).differ("row", e.Kind.After(), "none")
		return
	}
	check(a.about(2, id), "sequence", *e.CouponSeq, row.Seq)
	check(a.about(2, id), "state", e.Kind.After(), row.State)
	held := ""
	if row.State == models.CouponLocked || row.State == models.CouponUsed {
		held = deref(e.RedemptionID)
	}
	check(a.about(2, id), "redemption", held, deref(row.RedemptionID))
}
