package store

import (
	"context"
	"slices"
	"time"

	"github.com/tearoff/tearoff/models"
)

// RefundWork works a refund out. It is called with the redemption locked, so it may neither wait nor ask anybody.
type RefundWork func(models.RefundBasis) (models.RefundPlan, error)

// RefundOutcome answers a request for a refund.
type RefundOutcome struct {
	RefundRow
	Replayed bool // an earlier request with the same key had made it
}

// MakeRefund writes the refund of a confirmed redemption in one transaction, and so reserves what it gives back and decides
// which coupons return. That of a hold is booked at once; another one is to be driven to its end. Of the request only
// RedemptionID, Caller, IdemKey, Fingerprint, Reason and Currency count. Refusals are those of work, and
// CodeIdempotencyKeyReused, CodeStateConflict, CodeRefundWindowOver, CodeChargedBack, and CodeBranchMissing when a coupon is
// not the redemption's any more, which is data that was lost.
func (s *Store) MakeRefund(ctx context.Context, request models.Refund, work RefundWork) (RefundOutcome, error) {
	request.ID = models.NewID(models.PrefixRefund)
	return s.makeRefund(ctx, request, work, (*refundTx).insert)
}

// PreviewRefund says what MakeRefund would make, and writes nothing.
func (s *Store) PreviewRefund(ctx context.Context, request models.Refund, work RefundWork) (RefundOutcome, error) {
	return s.makeRefund(ctx, request, work, func(*refundTx) error { return nil })
}

func (s *Store) makeRefund(ctx context.Context, request models.Refund, work RefundWork, write func(*refundTx) error) (RefundOutcome, error) {
	offers, err := s.redeemedOffers(ctx, request.RedemptionID)
	if err != nil {
		return RefundOutcome{}, err
	}
	var out RefundOutcome
	err = s.tx(ctx, func(tx *txn) error {
		x := &refundTx{txn: tx, refund: new(request), offers: offers}
		var err error
		if x.r, err = tx.lockRedemption(request.RedemptionID); err != nil {
			return err
		}
		if prior, err := priorRefund(tx.DB, request); err != nil || prior != nil {
			if prior != nil {
				out = RefundOutcome{RefundRow: *prior, Replayed: true}
			}
			return err
		}
		if err := x.plan(work); err != nil {
			return err
		}
		if err := write(x); err != nil {
			return err
		}
		out = RefundOutcome{RefundRow: RefundRow{*x.refund, x.lines}}
		return nil
	})
	return out, err
}

// redeemedOffers are the coupons of a redemption, with the terms of their batches.
func (s *Store) redeemedOffers(ctx context.Context, redemptionID string) ([]models.Offer, error) {
	r, err := s.Redemption(ctx, redemptionID)
	if err != nil {
		return nil, err
	}
	ids := keysOf(r.Content.Coupons, func(c models.RedemptionCoupon) string { return c.CouponID })
	found, err := s.Offers(ctx, OfferQuery{UserID: r.UserID, CouponIDs: ids, Unjudged: true})
	return found.Offers, err
}

// refundTx is a refund with its redemption locked.
type refundTx struct {
	*txn
	r      *models.Redemption
	refund *models.Refund
	lines  []models.RefundLine
	offers []models.Offer
	others []RefundRow // all refunds of the redemption but this one
	books  *books
	locks  []models.LockedCoupon // of the redemption's coupons
}

// plan works the refund out and decides about it.
func (x *refundTx) plan(work RefundWork) error {
	if x.r.State != models.StateConfirmed {
		return models.NewError(models.CodeStateConflict, "only a confirmed redemption can be given back").With("state", x.r.State)
	}
	basis := models.RefundBasis{Redemption: *x.r, Offers: x.offers}
	if err := x.Order("coupon_id, target, line_id").Find(&basis.Lines, "redemption_id = ?", x.r.ID).Error; err != nil {
		return err
	}
	if err := x.readOthers(); err != nil {
		return err
	}
	for _, o := range x.others {
		if o.State.Released() {
			continue
		}
		basis.Before = append(basis.Before, o.Lines...)
		if o.Undecided() {
			basis.Undecided = append(basis.Undecided, o.ID)
		}
	}
	plan, err := work(basis)
	if err != nil {
		return err
	}
	x.refund.Amount, x.lines = plan.Amount, plan.Lines
	x.refund.Coupons = append([]models.RefundedCoupon{}, plan.Coupons...) // a delivery may come back alone; nil would be NULL
	return x.decide()
}

func (x *refundTx) readOthers() (err error) {
	x.others, err = refundRows(x.Order("id"), "redemption_id = ? AND id <> ?", x.r.ID, x.refund.ID)
	return err
}

// decide says what becomes of the coupons, and whether an admin must approve.
func (x *refundTx) decide() error {
	now, err := x.now()
	if err != nil {
		return err
	}
	if err := x.checkWindow(now); err != nil {
		return err
	}
	for i := range x.refund.Coupons {
		if err := x.decideCoupon(&x.refund.Coupons[i], now); err != nil {
			return err
		}
	}
	x.refund.Seq, x.refund.CreatedAt, x.refund.UpdatedAt = 1, now, now
	if x.r.Kind == models.KindHold {
		x.refund.State = models.RefundDone
		return nil
	}
	if err := x.checkChargedBack(); err != nil {
		return err
	}
	x.refund.State, x.refund.Attempt = models.RefundApproved, 1
	sum := x.refund.Amount // many small refunds are one large one
	for _, o := range x.others {
		if !o.State.Released() {
			sum += o.Amount
		}
	}
	for _, o := range x.offers {
		t := o.Batch.Refunds
		if t.ApproveAbove == nil || sum <= *t.ApproveAbove {
			continue
		}
		until := now.Add(t.ApproveWithin())
		if x.refund.State = models.RefundAwaiting; x.refund.Deadline.IsZero() || until.Before(x.refund.Deadline) {
			x.refund.Deadline = until
		}
	}
	return nil
}

// checkChargedBack refuses to give back what the customer's bank has taken back already.
func (x *refundTx) checkChargedBack() error {
	var p models.Payment
	err := x.Where("redemption_id = ?", x.r.ID).Limit(1).Find(&p).Error
	if err != nil || p.ChargedBack == 0 {
		return err
	}
	left := x.r.Payable - p.ChargedBack
	for _, o := range x.others {
		if !o.State.Released() {
			left -= o.Amount
		}
	}
	if x.refund.Amount > max(0, left) {
		return models.NewError(models.CodeChargedBack, "the customer's bank took the money back").With("charged_back", p.ChargedBack)
	}
	return nil
}

// decideCoupon says what becomes of a coupon, which the redemption must have: what can't be booked must not be paid.
func (x *refundTx) decideCoupon(c *models.RefundedCoupon, now models.Time) error {
	x.refund.Discount += c.Amount
	c.Restored, c.ValidUntil = false, models.Time{}
	at := slices.IndexFunc(x.offers, func(o models.Offer) bool { return o.Coupon.ID == c.CouponID })
	if at < 0 || x.offers[at].Coupon.State != models.CouponUsed || deref(x.offers[at].Coupon.RedemptionID) != x.r.ID {
		return models.NewError(models.CodeBranchMissing, "a coupon is not used by its redemption").With("coupon_id", c.CouponID)
	}
	if until, back := x.offers[at].Batch.Refunds.Restores(x.offers[at].Coupon, now); back && c.Finished {
		c.Restored, c.ValidUntil = true, until
	}
	return nil
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

func (x *refundTx) checkWindow(now models.Time) error {
	row, err := x.confirmed()
	if err != nil {
		return err
	}
	for _, o := range x.offers {
		window := o.Batch.Refunds.WindowDays
		if until := row.UpdatedAt.Add(days(window)); window > 0 && !now.Before(until) {
			return models.NewError(models.CodeRefundWindowOver, "refunds are no longer accepted").With("until", until).With("batch_id", o.Batch.ID)
		}
	}
	return nil
}

// confirmed is the coupons' barrier row of a confirmed redemption.
func (x *refundTx) confirmed() (*models.TCCBranch, error) {
	row, err := x.branch(x.r.ID, models.BranchCoupons)
	if err == nil && (row == nil || row.State != models.BranchConfirmed) {
		err = models.NewError(models.CodeBranchMissing, "the redemption's coupons branch is not confirmed")
	}
	return row, err
}

// insert writes the refund. Nobody pays that of a hold, so its books move with it.
func (x *refundTx) insert() error {
	for i := range x.lines {
		x.lines[i].RefundID, x.lines[i].Position = x.refund.ID, i
	}
	x.refund.DueAt = x.store.refundDueAt(*x.refund, x.refund.CreatedAt)
	if x.r.Kind == models.KindHold {
		if err := x.book(); err != nil {
			return err
		}
	}
	if err := x.Create(x.refund).Error; err != nil {
		return err
	}
	if err := x.CreateInBatches(x.lines, 500).Error; err != nil {
		return err
	}
	return x.tellRefund(x.refund)
}
