package store

import (
	"database/sql"
	"maps"
	"slices"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

const (
	lookUsers = 200     // of how many users one closer look reads the coupons
	lookedAt  = 200_000 // how many coupons an incremental audit remembers as looked at
)

// touched is what a slice of the ledger names.
type touched struct {
	lockedBy map[string]string   // redemption → one coupon that it locked
	coupons  map[string][]string // user → coupons
	ended    map[string]bool     // redemptions
}

func newTouched() *touched {
	return &touched{lockedBy: map[string]string{}, coupons: map[string][]string{}, ended: map[string]bool{}}
}

func (t *touched) add(e *auditEntry, coupons, redemptions bool) {
	if e.Kind == models.EntryLocked && len(e.redemption) > 0 {
		if _, known := t.lockedBy[string(e.redemption)]; !known {
			t.lockedBy[string(e.redemption)] = string(e.coupon)
		}
	}
	if redemptions && len(e.redemption) > 0 {
		t.ended[string(e.redemption)] = true
	}
	if !coupons || len(e.coupon) == 0 {
		return
	}
	if list := t.coupons[string(e.user)]; !slices.Contains(list, string(e.coupon)) {
		t.coupons[string(e.user)] = append(list, string(e.coupon))
	}
}

// auditTouched checks that the redemptions which locked the coupons exist and, in an incremental audit, looks at all that
// the entries name.
func (a *auditor) auditTouched(f *batchFold, t *touched) error {
	if err := a.compareHolders(t.lockedBy); err != nil {
		return err
	}
	if err := a.auditNamed(slices.Collect(maps.Keys(t.ended)), models.Time{}); err != nil || f.parts != nil {
		return err
	}
	if len(f.seen) > lookedAt {
		clear(f.seen)
	}
	for user, coupons := range t.coupons {
		coupons = slices.DeleteFunc(coupons, func(id string) bool { return f.seen[a.key([]byte(id))] })
		for _, id := range coupons {
			f.seen[a.key([]byte(id))] = true
		}
		t.coupons[user] = coupons
	}
	maps.DeleteFunc(t.coupons, func(_ string, coupons []string) bool { return len(coupons) == 0 })
	return a.lookAt(f.BatchID, t.coupons, true)
}

// compareHolders checks that the redemptions exist.
func (a *auditor) compareHolders(lockedBy map[string]string) error {
	return inSlices(slices.Collect(maps.Keys(lockedBy)), auditSlice, func(ids []string) error {
		var found []string
		if err := a.db.Model(&models.Redemption{}).Where("id IN ?", ids).Pluck("id", &found).Error; err != nil || len(found) == len(ids) {
			return err
		}
		slices.Sort(found)
		for _, id := range ids {
			if _, there := slices.BinarySearch(found, id); !there {
				a.about(2, lockedBy[id]).differ("redemption that holds it", id, "none")
			}
		}
		return nil
	})
}

// nameDifferences looks at everything that the ledger and the rows have of a part.
func (a *auditor) nameDifferences(f *batchFold, i int) error {
	upTo := f.LedgerSeq
	for after := int64(0); after < upTo && a.Truncated == 0; {
		t := newTouched()
		n, err := readEntries(a.db, f.BatchID, after, upTo, func(e *auditEntry) {
			if after = e.BatchSeq; f.parts.of(e.user) == i {
				t.add(e, true, false)
			}
		})
		if err != nil {
			return err
		}
		if err := a.lookAt(f.BatchID, t.coupons, false); err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	where, args := f.parts.ofWhom(f.BatchID, i)
	for _, table := range []string{"coupons", "user_counters"} {
		for after := ""; a.Truncated == 0; {
			var users []string
			err := a.db.Table(table).Where(where, args...).Where("user_id > ?", after).Distinct("user_id").Order("user_id").
				Limit(auditSlice).Pluck("user_id", &users).Error
			if err != nil {
				return err
			}
			if len(users) == 0 {
				break
			}
			after = users[len(users)-1]
			whole := map[string][]string{}
			for _, u := range users {
				whole[u] = nil
			}
			if err := a.lookAt(f.BatchID, whole, false); err != nil {
				return err
			}
		}
	}
	return nil
}

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
		l.compare()
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
}

func (l *look) read(db *gorm.DB, users, named []string) error {
	l.coupons, l.fold = map[string]models.Coupon{}, map[string]models.LedgerEntry{}
	l.counters, l.used = map[userDay]models.Usage{}, map[userDay]*models.Usage{}
	if err := db.Limit(1).Find(&l.batch, "id = ?", l.batchID).Error; err != nil {
		return err
	}
	take := func(where string, args ...any) error {
		return eachRow(db, func(rows *sql.Rows) error {
			var c models.Coupon
			err := rows.Scan(&c.ID, &c.State, &c.Seq, &c.RedemptionID)
			l.coupons[c.ID] = c
			return err
		}, "SELECT id, state, seq, redemption_id FROM coupons WHERE "+where, args...)
	}
	if err := take("batch_id = ? AND user_id IN ?", l.batchID, users); err != nil {
		return err
	}
	for some := range slices.Chunk(distinct(named), auditSlice) {
		if err := take("id IN ?", some); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(l.coupons)) {
		named = append(named, id)
	}
	if err := inSlices(named, auditSlice, func(ids []string) error { return l.readEntries(db, ids) }); err != nil {
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
		l.a.foldCoupon(l.fold, e)
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

func (l *look) compare() {
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
		l.a.compareUserCap(l.batch, key.batchID, []byte(key.userID), []byte(key.day), use)
		if l.used[key] == nil {
			l.used[key] = &models.Usage{}
		}
	}
	for key, use := range l.used {
		if !l.users[key.userID] {
			continue // of a coupon that was named: the user's other coupons weren't read
		}
		// A counter that isn't there counts nothing.
		check(l.a.about(1, key.batchID+"/"+key.userID+"/"+key.day), "usage", *use, l.counters[key])
	}
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
