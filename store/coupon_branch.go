package store

import (
	"context"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// TryCoupons locks the coupons of each redemption, all or none, and reserves their budgets. Items are refused one by one
// with the coupon's reason and coupon_id; a refusal is final for its redemption.
func (s *Store) TryCoupons(ctx context.Context, ids []string) ([]RedemptionOutcome, error) {
	return s.barrier(ctx, ids, newCouponsBranch, tryStep)
}

// ConfirmCoupons turns locked coupons into used ones. Validity is not asked again: it was judged at Try.
func (s *Store) ConfirmCoupons(ctx context.Context, ids []string) ([]RedemptionOutcome, error) {
	return s.barrier(ctx, ids, newCouponsBranch, confirmStep)
}

// CancelCoupons frees locked coupons; one whose validity has ended meanwhile becomes expired.
func (s *Store) CancelCoupons(ctx context.Context, ids []string) ([]RedemptionOutcome, error) {
	return s.barrier(ctx, ids, newCouponsBranch, cancelStep)
}

// couponsBranch is the coupons participant. Its rows are the books.
type couponsBranch struct{ books *books }

func newCouponsBranch() participant { return &couponsBranch{} }

func (*couponsBranch) branch() models.Branch { return models.BranchCoupons }

func (p *couponsBranch) lock(tx *txn, items []*item) error {
	var batchIDs, couponIDs []string
	for _, it := range items {
		for _, c := range it.Content.Coupons {
			batchIDs, couponIDs = append(batchIDs, c.BatchID), append(couponIDs, c.CouponID)
		}
	}
	var err error
	if p.books, err = tx.lockBooks(batchIDs); err != nil {
		return err
	}
	now, err := tx.now()
	if err != nil {
		return err
	}
	var users []userDay
	for _, it := range items {
		days := map[string]string{} // an undo moves the counters of the Try's day
		if it.row != nil {
			for _, c := range it.row.Result.Coupons {
				days[c.CouponID] = c.Day
			}
		}
		for _, c := range it.Content.Coupons {
			batch := p.books.batches[c.BatchID]
			if batch == nil || !batch.Caps.CountsUsers() {
				continue
			}
			day, tried := days[c.CouponID]
			if !tried {
				day = batch.Day(now)
			}
			users = append(users, userDay{c.BatchID, it.UserID, ""}, userDay{c.BatchID, it.UserID, day})
		}
	}
	if err := p.books.lockUsers(users); err != nil {
		return err
	}
	return p.books.lockCoupons(couponIDs)
}

func (p *couponsBranch) try(tx *txn, it *item) (models.BranchResult, *models.Error, error) {
	now, err := tx.now()
	if err != nil {
		return models.BranchResult{}, nil, err
	}
	result := models.BranchResult{Coupons: []models.LockedCoupon{}}
	planned := map[string]int64{} // uses of each batch by this very redemption
	var money = map[string]int64{}
	for _, want := range it.Content.Coupons {
		if slices.ContainsFunc(result.Coupons, func(c models.LockedCoupon) bool { return c.CouponID == want.CouponID }) {
			twice := models.NewError(models.CodeDuplicateCoupon, "the coupon is named twice")
			return models.BranchResult{}, twice.With("coupon_id", want.CouponID), nil
		}
		day, refusal := p.judge(it, want, judged{now: now, uses: planned[want.BatchID], amount: money[want.BatchID]})
		if refusal != nil {
			return models.BranchResult{}, refusal.With("coupon_id", want.CouponID), nil
		}
		planned[want.BatchID]++
		money[want.BatchID] += want.Amount
		result.Coupons = append(result.Coupons, models.LockedCoupon{
			CouponID: want.CouponID, BatchID: want.BatchID, Amount: want.Amount, Day: day,
		})
	}
	for _, c := range result.Coupons {
		p.books.post(p.books.coupons[c.CouponID], p.entry(models.EntryLocked, it, c, now))
	}
	return result, nil, nil
}

// judged is what was decided before in the same Try: it counts, though it is not posted yet.
type judged struct {
	now          models.Time
	uses, amount int64
}

// judge says on which day's counters the coupon will count, "" for none, or why it can't be locked.
func (p *couponsBranch) judge(it *item, want models.RedemptionCoupon, before judged) (string, *models.Error) {
	coupon, counter, batch := p.books.coupons[want.CouponID], p.books.counters[want.BatchID], p.books.batches[want.BatchID]
	if coupon == nil || counter == nil || batch == nil || coupon.BatchID != want.BatchID {
		return "", models.NewError(models.CodeCouponNotFound, "the user has no such coupon")
	}
	if refusal := models.CheckUse(*coupon, *counter, it.UserID, before.now); refusal != nil {
		return "", refusal
	}
	plus := func(u models.Usage) models.Usage {
		u.ReservedCount += before.uses
		u.ReservedAmount += before.amount
		return u
	}
	use, day := models.CapUse{Batch: plus(counter.Usage)}, ""
	if batch.Caps.CountsUsers() {
		day = batch.Day(before.now)
		use.User = plus(p.books.users[userDay{batch.ID, it.UserID, ""}].Usage)
		use.UserDay = plus(p.books.users[userDay{batch.ID, it.UserID, day}].Usage)
	}
	return day, batch.Caps.Check(use, want.Amount)
}

func (p *couponsBranch) entry(kind models.EntryKind, it *item, c models.LockedCoupon, at models.Time) models.LedgerEntry {
	return models.LedgerEntry{Kind: kind, Count: 1, Amount: c.Amount, Day: c.Day, RedemptionID: &it.ID, At: at}
}

func (p *couponsBranch) confirm(tx *txn, it *item) (*models.Error, error) {
	return p.settle(tx, it, models.EntryUsed)
}

func (p *couponsBranch) cancel(tx *txn, it *item) (*models.Error, error) {
	return p.settle(tx, it, models.EntryReleased)
}

// settle posts the outcome for every coupon that the Try locked, or refuses and posts nothing.
func (p *couponsBranch) settle(tx *txn, it *item, kind models.EntryKind) (*models.Error, error) {
	now, err := tx.now()
	if err != nil {
		return nil, err
	}
	for _, c := range it.row.Result.Coupons {
		coupon := p.books.coupons[c.CouponID]
		if coupon == nil || coupon.State != models.CouponLocked || coupon.RedemptionID == nil || *coupon.RedemptionID != it.ID {
			return models.NewError(models.CodeBranchMissing, "a coupon is not locked by its redemption").
				With("coupon_id", c.CouponID), nil
		}
	}
	for _, c := range it.row.Result.Coupons {
		coupon := p.books.coupons[c.CouponID]
		p.books.post(coupon, p.entry(kind, it, c, now))
		if coupon.State == models.CouponAvailable && !now.Before(coupon.ValidUntil) {
			p.books.post(coupon, models.LedgerEntry{Kind: models.EntryExpired, Count: 1, At: now})
		}
	}
	return nil, nil
}

func (p *couponsBranch) write(*txn) error { return p.books.write() }
