package store

import (
	"context"
	"slices"
	"time"

	"github.com/tearoff/tearoff/models"
)

// RedemptionOutcome answers one item of a slice: the redemption as it is now, or why the item was refused.
type RedemptionOutcome struct {
	Redemption models.Redemption
	Replayed   bool // an earlier request with the same key or order had written it
	Err        *models.Error
}

// OpenRedemptions writes redemptions in state NEW, each with its lines and, when something is to be paid, its payment.
// Refusals: CodeIdempotencyKeyReused and CodeOrderInUse. Once it has begun, a caller who leaves doesn't end it.
func (s *Store) OpenRedemptions(ctx context.Context, plans []models.Plan) ([]RedemptionOutcome, error) {
	if ctx.Err() != nil {
		return nil, asError(ctx.Err())
	}
	ctx, cancel := untilDone(ctx)
	defer cancel()
	var outcomes []RedemptionOutcome
	plans = slices.Clone(plans)
	err := s.tx(ctx, func(tx *txn) error {
		outcomes = make([]RedemptionOutcome, len(plans))
		var m mentions
		for _, p := range plans {
			m.request(p.Redemption)
		}
		n, err := tx.lockNames(m, nil)
		if err != nil {
			return err
		}
		added := &slice{tx: tx, items: map[string]*item{}}
		for i := range plans {
			if prior := n.prior(plans[i].Redemption); prior != nil {
				outcomes[i] = *prior
				continue
			}
			it, err := tx.newItem(&plans[i], models.StateNew)
			if err != nil {
				return err
			}
			n.add(it.Redemption)
			added.items[it.ID] = it
			outcomes[i] = RedemptionOutcome{Redemption: *it.Redemption}
		}
		return added.write()
	})
	return outcomes, err
}

// wakeAfter is how long whoever changed a redemption has to wake its driver before the sweeper does.
const wakeAfter = 5 * time.Second

// dueAt is when the sweeper must look at a redemption that nobody has moved since.
func (s *Store) dueAt(r models.Redemption, now models.Time) models.Time {
	switch {
	case r.Wake:
		return now.Add(min(s.grace, wakeAfter))
	case r.State.Final() && !r.Stuck:
		return models.Time{}
	case r.Kind == models.KindHold:
		return r.Deadline
	case r.State == models.StateWaiting:
		return r.Deadline.Add(s.grace)
	default:
		return now.Add(s.grace)
	}
}

// Redemption returns one redemption, or CodeNotFound.
func (s *Store) Redemption(ctx context.Context, id string) (models.Redemption, error) {
	var r models.Redemption
	err := s.db.WithContext(ctx).Take(&r, "id = ?", id).Error
	return r, notFound(err, "redemption")
}

// RedemptionLines returns what each coupon takes off each line, delivery and gift, by coupon.
func (s *Store) RedemptionLines(ctx context.Context, id string) ([]models.RedemptionLine, error) {
	var lines []models.RedemptionLine
	err := s.db.WithContext(ctx).Order("coupon_id, target, line_id").Find(&lines, "redemption_id = ?", id).Error
	return lines, asError(err)
}

// RedemptionQuery filters a list of redemptions, newest last. Empty fields don't filter.
type RedemptionQuery struct {
	Page
	Caller  string
	OrderID string
	Stuck   bool // only stuck ones
	Kind    models.RedemptionKind
}

// Redemptions lists redemptions by id.
func (s *Store) Redemptions(ctx context.Context, q RedemptionQuery) ([]models.Redemption, error) {
	db := s.db.WithContext(ctx).Where("id > ?", q.After)
	if q.MerchantID != "" {
		db = db.Where("merchant_id = ?", q.MerchantID)
	}
	if q.OrderID != "" {
		db = db.Where("order_id = ?", q.OrderID)
		if q.Caller != "" {
			db = db.Where("caller = ?", q.Caller)
		}
	}
	if q.Stuck {
		db = db.Where("stuck = ?", true)
	}
	if q.Kind != "" {
		db = db.Where("kind = ?", q.Kind)
	}
	var list []models.Redemption
	err := db.Order("id").Limit(q.Limit).Find(&list).Error
	return list, asError(err)
}

// lockRedemptions locks the rows in the order of their ids; missing ones are left out.
func (tx *txn) lockRedemptions(ids []string) (map[string]*models.Redemption, error) {
	var rows []*models.Redemption
	if err := tx.locked().Order("id").Find(&rows, "id IN ?", ids).Error; err != nil {
		return nil, err
	}
	byID := make(map[string]*models.Redemption, len(rows))
	for _, r := range rows {
		byID[r.ID] = r
	}
	return byID, nil
}

// lockRedemption locks one row, or CodeNotFound.
func (tx *txn) lockRedemption(id string) (*models.Redemption, error) {
	rows, err := tx.lockRedemptions([]string{id})
	if err == nil && rows[id] == nil {
		err = models.NewError(models.CodeNotFound, "there is no such redemption")
	}
	return rows[id], err
}

// shift takes a locked redemption to another state in memory. A move that the state machine does not have is
// CodeStateConflict. A move proves that work goes on, so it clears the stuck flag.
func (tx *txn) shift(r *models.Redemption, to models.RedemptionState) error {
	if !r.Kind.CanMove(r.State, to) {
		return models.NewError(models.CodeStateConflict, "the redemption's state does not allow this").With("state", r.State)
	}
	r.State, r.Wake = to, false
	r.Stuck, r.StuckReason, r.StuckSince = false, nil, models.Time{}
	if err := tx.stamp(r); err != nil {
		return err
	}
	return tx.tellRedemption(r)
}

// move is shift, written at once.
func (tx *txn) move(r *models.Redemption, to models.RedemptionState) error {
	if err := tx.shift(r, to); err != nil {
		return err
	}
	return tx.writeRedemption(r)
}

// saveRedemption writes what may change of a locked redemption.
func (tx *txn) saveRedemption(r *models.Redemption) error {
	if err := tx.stamp(r); err != nil {
		return err
	}
	return tx.writeRedemption(r)
}

func (tx *txn) writeRedemption(r *models.Redemption) error {
	return tx.updateRedemptions([]*models.Redemption{r}, redemptionColumns, func(r *models.Redemption) int64 { return r.Seq - 1 })
}

// withRedemption runs fn on one locked redemption, frees the names that it has lost by that, and returns the row as fn left
// it.
func (s *Store) withRedemption(ctx context.Context, id string, fn func(tx *txn, r *models.Redemption) error) (models.Redemption, error) {
	var after models.Redemption
	err := s.tx(ctx, func(tx *txn) error {
		r, err := tx.lockRedemption(id)
		if err != nil {
			return err
		}
		before := *r
		if err := fn(tx, r); err != nil {
			return err
		}
		after = *r
		return tx.writeNames(&item{Redemption: r, stored: before})
	})
	return after, err
}
