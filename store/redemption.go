package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// RedemptionOutcome answers one item of a slice: the redemption as it is now, or why the item was refused.
type RedemptionOutcome struct {
	Redemption models.Redemption
	Replayed   bool // an earlier request with the same key or order had written it
	Err        *models.Error
}

// OpenRedemptions writes redemptions in state NEW, each with its lines and, when something is to be paid, its payment.
// Refusals: CodeIdempotencyKeyReused and CodeOrderInUse.
func (s *Store) OpenRedemptions(ctx context.Context, plans []models.Plan) ([]RedemptionOutcome, error) {
	var outcomes []RedemptionOutcome
	err := s.tx(ctx, func(tx *txn) error {
		outcomes = make([]RedemptionOutcome, len(plans))
		for i, p := range plans {
			prior, err := tx.findPrior(p.Redemption)
			if err != nil {
				return err
			}
			if prior == nil {
				prior = &RedemptionOutcome{}
				prior.Redemption, err = tx.insertRedemption(p, models.StateNew)
			}
			if err != nil {
				return err
			}
			outcomes[i] = *prior
		}
		return nil
	})
	return outcomes, err
}

// findPrior looks for what the same caller wrote under the same id, key or order; nil when this one is new.
func (tx *txn) findPrior(r models.Redemption) (*RedemptionOutcome, error) {
	var prior models.Redemption
	if r.ID != "" || r.IdemKey != nil {
		err := tx.Where("id = ?", r.ID).Or("caller = ? AND idem_key = ?", r.Caller, r.IdemKey).Take(&prior).Error
		if err == nil {
			return repeated(prior, r), nil
		}
		if !errors.Is(err, gorm.ErrRecordNotFound) {
			return nil, err
		}
	}
	if r.OrderID == nil {
		return nil, nil
	}
	err := tx.Take(&prior, "live_order_key = ?", models.LiveOrderKey(r.Caller, *r.OrderID)).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case r.IdemKey != nil && prior.IdemKey != nil && *r.IdemKey == *prior.IdemKey: // it came between the two reads
		return repeated(prior, r), nil
	case r.IdemKey == nil && prior.IdemKey == nil && prior.Fingerprint == r.Fingerprint:
		return &RedemptionOutcome{Redemption: prior, Replayed: true}, nil
	default:
		return &RedemptionOutcome{Err: models.NewError(models.CodeOrderInUse,
			"the order has another live redemption").With("redemption_id", prior.ID)}, nil
	}
}

// repeated answers a request whose key was used before.
func repeated(prior, r models.Redemption) *RedemptionOutcome {
	if prior.Fingerprint != r.Fingerprint {
		return &RedemptionOutcome{Err: models.NewError(models.CodeIdempotencyKeyReused,
			"the key was used before with another content").With("redemption_id", prior.ID)}
	}
	return &RedemptionOutcome{Redemption: prior, Replayed: true}
}

func (tx *txn) insertRedemption(p models.Plan, state models.RedemptionState) (models.Redemption, error) {
	now, err := tx.now()
	if err != nil {
		return models.Redemption{}, err
	}
	r := p.Redemption
	if r.ID == "" {
		r.ID = models.NewID(models.PrefixRedemption)
	}
	r.State, r.Seq, r.CreatedAt, r.UpdatedAt, r.Deadline = state, 1, now, now, now.Add(p.TTL)
	r.DueAt = tx.store.dueAt(r, now)
	if r.OrderID != nil {
		key := models.LiveOrderKey(r.Caller, *r.OrderID)
		r.LiveOrderKey = &key
	}
	if err := tx.Create(&r).Error; err != nil {
		return r, err
	}
	lines := slices.Clone(p.Lines)
	for i := range lines {
		lines[i].RedemptionID = r.ID
	}
	if len(lines) > 0 {
		if err := tx.CreateInBatches(lines, 500).Error; err != nil {
			return r, err
		}
	}
	if r.Kind == models.KindOrchestrated && r.Payable > 0 {
		err = tx.Create(&models.Payment{
			ID: models.NewID(models.PrefixPayment), RedemptionID: r.ID, State: models.PaymentNew, Seq: 1, Attempt: 1,
			Method: r.Content.Payment.Method, Currency: r.Currency, Amount: r.Payable, CreatedAt: now, UpdatedAt: now,
		}).Error
	}
	return r, err
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

// move takes a locked redemption to another state. A move that the state machine does not have is CodeStateConflict. A
// move proves that work goes on, so it clears the stuck flag.
func (tx *txn) move(r *models.Redemption, to models.RedemptionState) error {
	if !r.Kind.CanMove(r.State, to) {
		return models.NewError(models.CodeStateConflict, "the redemption's state does not allow this").With("state", r.State)
	}
	r.State, r.Wake = to, false
	r.Stuck, r.StuckReason, r.StuckSince = false, nil, models.Time{}
	if to == models.StateCancelled {
		r.LiveOrderKey = nil
	}
	return tx.saveRedemption(r)
}

// saveRedemption writes what may change of a locked redemption.
func (tx *txn) saveRedemption(r *models.Redemption) error {
	now, err := tx.now()
	if err != nil {
		return err
	}
	from := r.Seq
	r.Seq, r.UpdatedAt, r.DueAt = from+1, now, tx.store.dueAt(*r, now)
	res := tx.Model(r).Where("seq = ?", from).Select("State", "Seq", "IdemKey", "OrderID", "LiveOrderKey", "Deadline", "DueAt", "Wake", "Outcome", "OutcomeInfo",
		"Stuck", "StuckReason", "StuckSince", "Resolution", "UpdatedAt").UpdateColumns(r)
	if res.Error == nil && res.RowsAffected != 1 {
		return errors.New("store: a locked redemption changed")
	}
	return res.Error
}

// withRedemption runs fn on one locked redemption and returns the row as fn left it.
func (s *Store) withRedemption(ctx context.Context, id string, fn func(tx *txn, r *models.Redemption) error) (models.Redemption, error) {
	var after models.Redemption
	err := s.tx(ctx, func(tx *txn) error {
		r, err := tx.lockRedemption(id)
		if err != nil {
			return err
		}
		if err := fn(tx, r); err != nil {
			return err
		}
		after = *r
		return nil
	})
	return after, err
}
