package store

import (
	"maps"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// lookedAt is how many coupons an incremental audit remembers as looked at.
const lookedAt = 200_000

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
	return inSlices(slices.Collect(maps.Keys(lockedBy)), func(ids []string) error {
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
	for after, n := int64(0), 1; n > 0 && after < f.LedgerSeq && a.Truncated == 0; {
		t := newTouched()
		var err error
		n, err = entryRange{f.BatchID, after, f.LedgerSeq}.read(a.db, func(e *auditEntry) {
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
	}
	for _, table := range []string{"coupons", "user_counters"} {
		if err := a.nameRows(f, i, table); err != nil {
			return err
		}
	}
	return nil
}

// nameRows looks at the users whom the table knows.
func (a *auditor) nameRows(f *batchFold, i int, table string) error {
	where, args := f.parts.ofWhom(f.BatchID, i)
	for after := ""; a.Truncated == 0; {
		var users []string
		err := a.db.Table(table).Where(where, args...).Where("user_id > ?", after).Distinct("user_id").Order("user_id").
			Limit(auditSlice).Pluck("user_id", &users).Error
		if err != nil || len(users) == 0 {
			return err
		}
		after = users[len(users)-1]
		whole := make(map[string][]string, len(users))
		for _, u := range users {
			whole[u] = nil
		}
		if err := a.lookAt(f.BatchID, whole, false); err != nil {
			return err
		}
	}
	return nil
}
