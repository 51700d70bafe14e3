package store

import (
	"context"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// TryCoupons locks the coupons of each redemption, all or none, and reserves their budgets; those that nobody owned before
// are issued to its user. Items are refused one by one with the coupon's reason, and coupon_id, or batch_id and code, to
// say which; a refusal is final for its redemption.
func (s *Store) TryCoupons(ctx context.Context, ids []string) ([]RedemptionOutcome, error) {
	return performAll(ctx, s, ids, func(id string) Operation { return Operation{Try: id} })
}

// ConfirmCoupons turns locked coupons into used ones. Validity is not asked again: it was judged at Try.
func (s *Store) ConfirmCoupons(ctx context.Context, ids []string) ([]RedemptionOutcome, error) {
	return performAll(ctx, s, ids, func(id string) Operation { return Operation{Confirm: id} })
}

// CancelCoupons frees locked coupons; one whose validity has ended meanwhile becomes expired. Those that the Try issued are
// un-issued: stock, limits and code are as if they had never been.
func (s *Store) CancelCoupons(ctx context.Context, ids []string) ([]RedemptionOutcome, error) {
	return performAll(ctx, s, ids, func(id string) Operation { return Operation{Cancel: id} })
}

// couponsBranch is the coupons participant. Its rows are the books.
type couponsBranch struct {
	tx     *txn
	books  *books
	issuer *issuer         // nil: nothing is issued
	known  map[string]bool // ids of coupons to be issued that the ledger has already
}

func (*couponsBranch) branch() models.Branch { return models.BranchCoupons }

// lock takes every row lock that the items and the claims need, in lock order, and reads what decides about them.
func (p *couponsBranch) lock(items []*item, claims []ClaimRequest) error {
	var batchIDs, couponIDs, codes []string
	for _, it := range items {
		for _, c := range it.Content.Coupons {
			batchIDs, couponIDs, codes = append(batchIDs, c.BatchID), append(couponIDs, c.CouponID), append(codes, c.Code)
		}
	}
	for _, r := range claims {
		batchIDs, codes = append(batchIDs, r.BatchID), append(codes, r.Code)
	}
	codes = slices.DeleteFunc(distinct(codes), func(key string) bool { return key == "" })
	var err error
	if p.books, err = p.tx.lockBooks(distinct(batchIDs)); err != nil || len(batchIDs) == 0 {
		return err
	}
	now, err := p.tx.now()
	if err != nil {
		return err
	}
	if err := p.books.lockUsers(p.userDays(items, now)); err != nil {
		return err
	}
	if err := p.books.lockCoupons(distinct(couponIDs)); err != nil {
		return err
	}
	if err := p.books.lockCodes(codes); err != nil {
		return err
	}
	return p.prepareIssue(items, claims)
}

// userDays names the user counters that the items move.
func (p *couponsBranch) userDays(items []*item, now models.Time) []userDay {
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
	return users
}

func (p *couponsBranch) entry(kind models.EntryKind, it *item, c models.LockedCoupon, at models.Time) models.LedgerEntry {
	return models.LedgerEntry{Kind: kind, Count: 1, Amount: c.Amount, Day: c.Day, RedemptionID: &it.ID, At: at}
}

func (p *couponsBranch) confirm(it *item) (*models.Error, error) {
	return p.settle(it, models.EntryUsed)
}

func (p *couponsBranch) cancel(it *item) (*models.Error, error) {
	return p.settle(it, models.EntryReleased)
}

// settle posts the outcome for every coupon that the Try locked, or refuses and posts nothing.
func (p *couponsBranch) settle(it *item, kind models.EntryKind) (*models.Error, error) {
	now, err := p.tx.now()
	if err != nil {
		return nil, err
	}
	for _, c := range it.row.Result.Coupons {
		if refusal := p.lost(it, c, kind); refusal != nil {
			return refusal.With("coupon_id", c.CouponID), nil
		}
	}
	for _, c := range it.row.Result.Coupons {
		coupon := p.books.coupons[c.CouponID]
		if kind == models.EntryUsed {
			p.books.post(coupon, p.entry(kind, it, c, now))
			continue
		}
		if c.Issued {
			p.issuer.takeBack(coupon)
		}
		p.free(it, c, now)
	}
	return nil, nil
}

// free posts that a locked coupon is given back, and what that makes of it.
func (p *couponsBranch) free(it *item, c models.LockedCoupon, now models.Time) {
	coupon := p.books.coupons[c.CouponID]
	p.books.post(coupon, p.entry(models.EntryReleased, it, c, now))
	switch {
	case c.Issued:
		p.books.unissue(coupon, &it.ID, now)
	case !now.Before(coupon.ValidUntil):
		p.books.post(coupon, models.LedgerEntry{Kind: models.EntryExpired, Count: 1, At: now})
	}
}

// lost says what is missing to settle a coupon that the Try locked, or nil.
func (p *couponsBranch) lost(it *item, c models.LockedCoupon, kind models.EntryKind) *models.Error {
	coupon, unissue := p.books.coupons[c.CouponID], c.Issued && kind == models.EntryReleased
	switch {
	case coupon == nil || coupon.State != models.CouponLocked || deref(coupon.RedemptionID) != it.ID:
		return models.NewError(models.CodeBranchMissing, "a coupon is not locked by its redemption")
	case unissue && (deref(coupon.CodeKey) != c.Code || (c.Code != "" && p.books.codes[c.Code] == nil)):
		return models.NewError(models.CodeBranchMissing, "the code that a coupon was issued for is lost")
	}
	return nil
}
