package store

import (
	"context"
	"slices"
	"time"

	"github.com/tearoff/tearoff/models"
)

// RefundBasis is what the refund of a redemption is worked out from.
type RefundBasis struct {
	Redemption models.Redemption
	Lines      []models.RedemptionLine
	Before     []models.RefundLine // of the refunds that it has, oldest first
	Newest     string              // the id of the newest of them; "": none
	Offers     []models.Offer      // its coupons
}

// RefundBasis reads it, or CodeNotFound.
func (s *Store) RefundBasis(ctx context.Context, redemptionID string) (b RefundBasis, err error) {
	if b.Redemption, err = s.Redemption(ctx, redemptionID); err != nil {
		return b, err
	}
	if b.Lines, err = s.RedemptionLines(ctx, redemptionID); err != nil {
		return b, err
	}
	refunds, err := s.Refunds(ctx, redemptionID)
	if err != nil {
		return b, err
	}
	for _, r := range refunds {
		b.Before, b.Newest = append(b.Before, r.Lines...), r.ID
	}
	ids := keysOf(b.Redemption.Content.Coupons, func(c models.RedemptionCoupon) string { return c.CouponID })
	found, err := s.Offers(ctx, OfferQuery{UserID: b.Redemption.UserID, CouponIDs: ids, Unjudged: true})
	b.Offers = found.Offers
	return b, err
}

// RefundRow is a refund with its lines.
type RefundRow struct {
	models.Refund
	Lines []models.RefundLine
}

// Refunds lists those of a redemption, oldest first.
func (s *Store) Refunds(ctx context.Context, redemptionID string) ([]RefundRow, error) {
	return s.refundRows(ctx, "redemption_id = ?", redemptionID)
}

// Refund returns one refund, or CodeNotFound.
func (s *Store) Refund(ctx context.Context, id string) (RefundRow, error) {
	rows, err := s.refundRows(ctx, "id = ?", id)
	if err == nil && len(rows) == 0 {
		err = models.NewError(models.CodeNotFound, "there is no such refund")
	}
	if err != nil {
		return RefundRow{}, err
	}
	return rows[0], nil
}

func (s *Store) refundRows(ctx context.Context, where string, args ...any) ([]RefundRow, error) {
	db := s.db.WithContext(ctx)
	var refunds []models.Refund
	if err := db.Order("id").Find(&refunds, append([]any{where}, args...)...).Error; err != nil || len(refunds) == 0 {
		return nil, asError(err)
	}
	var lines []models.RefundLine
	ids := keysOf(refunds, func(r models.Refund) string { return r.ID })
	if err := db.Order("refund_id, position").Find(&lines, "refund_id IN ?", ids).Error; err != nil {
		return nil, asError(err)
	}
	rows := make([]RefundRow, len(refunds))
	for i, r := range refunds {
		rows[i].Refund = r
		for _, l := range lines {
			if l.RefundID == r.ID {
				rows[i].Lines = append(rows[i].Lines, l)
			}
		}
	}
	return rows, nil
}

// PriorRefund is what the same caller made before under the key of the request, of which only caller, key and fingerprint
// count; nil for nothing, CodeIdempotencyKeyReused for another content.
func (s *Store) PriorRefund(ctx context.Context, request models.Refund) (*RefundRow, error) {
	rows, err := s.refundRows(ctx, "caller = ? AND idem_key = ?", request.Caller, request.IdemKey)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], sameRefund(rows[0].Refund, request)
}

func sameRefund(prior, request models.Refund) error {
	if prior.Fingerprint == request.Fingerprint {
		return nil
	}
	return models.NewError(models.CodeIdempotencyKeyReused, "the key was used before with another content").With("refund_id", prior.ID)
}

// RefundPlan is a refund that has been worked out and is about to be booked.
type RefundPlan struct {
	Refund models.Refund // without ID, state and times; its coupons without what becomes of them
	Lines  []models.RefundLine
	Newest string // of the basis that it was worked out from
}

// RefundOutcome answers a RefundPlan.
type RefundOutcome struct {
	RefundRow
	Replayed bool // an earlier request with the same key had made it
	Moved    bool // nothing was booked: the redemption has a newer refund than the plan knows
}

// BookRefund writes the refund of a confirmed hold in one transaction: money goes back to budgets, and coupons that have come
// back whole to their users, as their batches' terms say. Refusals are CodeIdempotencyKeyReused, CodeStateConflict,
// CodeRefundWindowOver, and CodeBranchMissing when a coupon is not the redemption's any more, which is data that was lost.
func (s *Store) BookRefund(ctx context.Context, plan RefundPlan) (out RefundOutcome, err error) {
	plan.Refund.ID = models.NewID(models.PrefixRefund)
	err = s.tx(ctx, func(tx *txn) error {
		out = RefundOutcome{RefundRow: RefundRow{Refund: plan.Refund, Lines: plan.Lines}}
		x := refundTx{txn: tx, out: &out}
		r, err := tx.lockRedemption(plan.Refund.RedemptionID)
		if err != nil {
			return err
		}
		if done, err := x.prior(plan.Newest); done || err != nil {
			return err
		}
		return x.book(r)
	})
	if err == nil && out.Replayed {
		out.RefundRow, err = s.Refund(ctx, out.ID)
	}
	return out, err
}

// refundTx is a refund that is being booked, with its redemption locked.
type refundTx struct {
	*txn
	out   *RefundOutcome
	books *books
	locks []models.LockedCoupon // of the redemption's coupons
}

// prior looks for the same request, and for a refund that the plan doesn't know.
func (x *refundTx) prior(newest string) (done bool, err error) {
	want := &x.out.Refund
	var same []models.Refund
	if err := x.Find(&same, "caller = ? AND idem_key = ?", want.Caller, want.IdemKey).Error; err != nil {
		return false, err
	}
	if len(same) > 0 {
		err := sameRefund(same[0], *want)
		x.out.Refund, x.out.Replayed = same[0], true
		return true, err
	}
	var ids []string
	err = x.Model(&models.Refund{}).Where("redemption_id = ?", want.RedemptionID).Order("id DESC").Limit(1).Pluck("id", &ids).Error
	x.out.Moved = len(ids) > 0 && ids[0] != newest
	return x.out.Moved, err
}

func (x *refundTx) book(r *models.Redemption) error {
	if r.Kind != models.KindHold || r.State != models.StateConfirmed {
		return models.NewError(models.CodeStateConflict, "only a confirmed hold can be given back").With("state", r.State)
	}
	row, err := x.branch(r.ID, models.BranchCoupons)
	if err != nil {
		return err
	}
	if row == nil || row.State != models.BranchConfirmed {
		return models.NewError(models.CodeBranchMissing, "the redemption's coupons branch is not confirmed")
	}
	x.locks = row.Result.Coupons
	if err := x.lock(r); err != nil {
		return err
	}
	now, err := x.now()
	if err != nil {
		return err
	}
	if err := x.checkWindow(row.UpdatedAt, now); err != nil {
		return err
	}
	for i := range x.out.Coupons {
		if err := x.giveBack(&x.out.Coupons[i], r, now); err != nil {
			return err
		}
	}
	if err := x.books.write(); err != nil {
		return err
	}
	x.out.State, x.out.Seq, x.out.CreatedAt, x.out.UpdatedAt = models.RefundDone, 1, now, now
	if err := x.Create(&x.out.Refund).Error; err != nil {
		return err
	}
	for i := range x.out.Lines {
		x.out.Lines[i].RefundID, x.out.Lines[i].Position = x.out.ID, i
	}
	return x.CreateInBatches(x.out.Lines, 500).Error
}

// lock takes the row locks of the books, in lock order.
func (x *refundTx) lock(r *models.Redemption) error {
	var batchIDs, couponIDs []string
	var users []userDay
	for _, c := range x.locks {
		batchIDs = append(batchIDs, c.BatchID)
		if c.Day != "" {
			users = append(users, userDay{c.BatchID, r.UserID, ""}, userDay{c.BatchID, r.UserID, c.Day})
		}
	}
	for _, c := range x.out.Coupons {
		couponIDs = append(couponIDs, c.CouponID)
	}
	var err error
	if x.books, err = x.lockBooks(distinct(batchIDs)); err != nil {
		return err
	}
	if err := x.books.lockUsers(users); err != nil {
		return err
	}
	return x.books.lockCoupons(distinct(couponIDs))
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

func (x *refundTx) checkWindow(confirmed, now models.Time) error {
	for _, b := range x.books.batches {
		if until := confirmed.Add(days(b.Refunds.WindowDays)); b.Refunds.WindowDays > 0 && !now.Before(until) {
			return models.NewError(models.CodeRefundWindowOver, "refunds are no longer accepted").With("until", until).With("batch_id", b.ID)
		}
	}
	return nil
}

// giveBack books what the refund does to one coupon, and says what became of it.
func (x *refundTx) giveBack(c *models.RefundedCoupon, r *models.Redemption, now models.Time) error {
	coupon := x.books.coupons[c.CouponID]
	at := slices.IndexFunc(x.locks, func(l models.LockedCoupon) bool { return l.CouponID == c.CouponID })
	if coupon == nil || at < 0 || coupon.State != models.CouponUsed || deref(coupon.RedemptionID) != r.ID {
		return models.NewError(models.CodeBranchMissing, "a coupon is not used by its redemption").With("coupon_id", c.CouponID)
	}
	entry := models.LedgerEntry{Day: x.locks[at].Day, RedemptionID: &r.ID, RefundID: &x.out.ID, At: now}
	if c.Amount > 0 {
		entry.Kind, entry.Amount = models.EntryRefunded, c.Amount
		x.books.post(coupon, entry)
	}
	var terms models.RefundTerms
	if b := x.books.batches[c.BatchID]; b != nil {
		terms = b.Refunds
	}
	c.Restored, c.ValidUntil = false, models.Time{} // decided here and now
	until, back := terms.Restores(*coupon, now)
	if !c.Finished || !back {
		return nil
	}
	entry.Kind, entry.Count, entry.Amount = models.EntryRestored, 1, 0
	x.books.post(coupon, entry)
	x.books.extend(coupon, until)
	c.Restored, c.ValidUntil = true, until
	return nil
}
