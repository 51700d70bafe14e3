package store

import (
	"database/sql"
	"fmt"
	"hash/maphash"
	"sort"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// parts divide a batch by its users, so that one snapshot reads the coupons and counters of a part and no more. The fold
// keeps sums of each.
type parts struct {
	summer
	upTo     []string // the last user of each part but the last
	sums     []sums
	released [2]map[uint64]bool // what the newest entries released: now, and a while ago
}

// partBatch divides the batch so that no part has more than auditPart coupons, or counters, of different users.
func (a *auditor) partBatch(batchID string) (*parts, error) {
	p := &parts{summer: summer{seed: a.seed}}
	for _, table := range []string{"coupons", "user_counters"} {
		for after := ""; ; {
			var next []string
			err := a.db.Table(table).Where("batch_id = ? AND user_id > ?", batchID, after).
				Order("user_id").Offset(auditPart-1).Limit(1).Pluck("user_id", &next).Error
			if err != nil {
				return nil, err
			}
			if len(next) == 0 {
				break
			}
			after = next[0]
			p.upTo = append(p.upTo, after)
		}
	}
	p.upTo = distinct(p.upTo)
	p.sums = make([]sums, len(p.upTo)+1)
	return p, nil
}

func (p *parts) of(user []byte) int {
	return sort.Search(len(p.upTo), func(i int) bool { return string(user) <= p.upTo[i] })
}

// ofWhom is the condition for the users of a part.
func (p *parts) ofWhom(batchID string, i int) (where string, args []any) {
	where, args = "batch_id = ?", []any{batchID}
	if i > 0 {
		where, args = where+" AND user_id > ?", append(args, p.upTo[i-1])
	}
	if i < len(p.upTo) {
		where, args = where+" AND user_id <= ?", append(args, p.upTo[i])
	}
	return where, args
}

// recently is how many released coupons are remembered, twice: who un-issues a coupon has released it just before.
const recently = 10_000

func (p *parts) add(e *auditEntry) {
	to := &p.sums[p.of(e.user)]
	p.entry(to, e)
	if e.Kind != models.EntryReleased && e.Kind != models.EntryUnissued {
		return
	}
	seq := e.couponSeq
	if e.Kind == models.EntryUnissued {
		seq--
	}
	key := p.coupon(e.coupon, seq, "released", e.redemption)
	if e.Kind == models.EntryUnissued {
		to.suspect = to.suspect || !p.released[0][key] && !p.released[1][key]
		return
	}
	if len(p.released[0]) >= recently || p.released[0] == nil {
		p.released[0], p.released[1] = map[uint64]bool{}, p.released[0]
	}
	p.released[0][key] = true
}

// auditParts compares each part's rows with the fold up to the sequence of the same snapshot.
func (a *auditor) auditParts(f *batchFold) error {
	for i := range f.parts.sums {
		rows, seq := sums{}, int64(0)
		err := a.snapshot(func(db *gorm.DB) (err error) {
			rows, seq, err = a.sumPart(db, f, i)
			return err
		})
		if err != nil {
			return err
		}
		if err := a.advance(f, seq); err != nil {
			return err
		}
		a.Coupons += rows.rows
		if err := a.comparePart(f, i, rows); err != nil {
			return err
		}
	}
	return nil
}

// sumPart sums a part's rows and returns how far the ledger is in the same snapshot.
func (a *auditor) sumPart(db *gorm.DB, f *batchFold, i int) (s sums, seq int64, err error) {
	if err := db.Model(&models.BatchCounter{}).Where("batch_id = ?", f.BatchID).Pluck("ledger_seq", &seq).Error; err != nil {
		return s, 0, err
	}
	var batch models.Batch
	if err := db.Limit(1).Find(&batch, "id = ?", f.BatchID).Error; err != nil {
		return s, 0, err
	}
	where, args := f.parts.ofWhom(f.BatchID, i)
	if err := a.sumCoupons(&s, db.Raw(couponRows+where, args...), batch); err != nil {
		return s, 0, err
	}
	err = a.sumCounters(&s, db.Raw(counterRows+where, args...), batch)
	return s, seq, err
}

const (
	couponRows  = "SELECT id, seq, state, redemption_id, code_key FROM coupons WHERE "
	counterRows = "SELECT batch_id, user_id, `day`, reserved_count, reserved_amount, used_count, used_amount, refunded_amount FROM user_counters WHERE "
)

func (a *auditor) sumCoupons(s *sums, q *gorm.DB, batch models.Batch) error {
	h := summer{seed: a.seed}
	return eachRow(q, func(rows *sql.Rows) error {
		var id, state, redemption, code sql.RawBytes
		var seq int64
		if err := rows.Scan(&id, &seq, &state, &redemption, &code); err != nil {
			return err
		}
		if batch.Codes == models.CodesNone && batch.ID != "" && code != nil {
			a.about(1, string(code)).differ("coupons of a code that the batch doesn't have", "none", string(id))
		}
		s.rows++
		s.coupons += h.coupon(id, seq, models.CouponState(state), redemption)
		return nil
	})
}

func (a *auditor) sumCounters(s *sums, q *gorm.DB, batch models.Batch) error {
	h := summer{seed: a.seed}
	return eachRow(q, func(rows *sql.Rows) error {
		var id, user, day sql.RawBytes
		var use models.Usage
		err := rows.Scan(&id, &user, &day, &use.ReservedCount, &use.ReservedAmount, &use.UsedCount, &use.UsedAmount, &use.RefundedAmount)
		if err != nil {
			return err
		}
		s.users += h.usage(user, day, use)
		return a.compareUserCap(batch, userDay{string(id), string(user), string(day)}, use)
	})
}

func (a *auditor) compareUserCap(batch models.Batch, of userDay, use models.Usage) error {
	limit := batch.Caps.UserDay
	if of.day == "" {
		limit = batch.Caps.User
	}
	return a.compareCap(of, limit, use)
}

// comparePart looks closer where the sums differ, to name what does.
func (a *auditor) comparePart(f *batchFold, i int, rows sums) error {
	fold := f.parts.sums[i]
	if fold.coupons == rows.coupons && fold.users == rows.users && fold.rows == rows.rows && !fold.suspect {
		return nil
	}
	what := fmt.Sprintf(" in part %d of %d", i+1, len(f.parts.sums))
	if fold.coupons != rows.coupons || fold.rows != rows.rows {
		a.about(2, f.BatchID).differ("coupons in step with the ledger"+what, fold.couponsText(), rows.couponsText())
	}
	check(a.about(1, f.BatchID), "sum of the user counters"+what, fmt.Sprintf("%016x", fold.users), fmt.Sprintf("%016x", rows.users))
	return a.nameDifferences(f, i)
}

func (s sums) couponsText() string { return fmt.Sprintf("%d with sum %016x", s.rows, s.coupons) }

// key of a coupon for what an audit remembers.
func (a *auditor) key(coupon []byte) uint64 { return maphash.Bytes(a.seed, coupon) }
