package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/tearoff/tearoff/models"
)

// BookRefund moves the books of a refund whose money the customer has, in one transaction: amounts go back to budgets, and
// coupons that have come back whole to their users. A refund that isn't PAID stays as it is.
func (s *Store) BookRefund(ctx context.Context, id string) (models.Refund, error) {
	var after models.Refund
	err := s.tx(ctx, func(tx *txn) error {
		var row models.Refund
		if err := tx.Take(&row, "id = ?", id).Error; err != nil {
			return notFound(err, "refund")
		}
		x := &refundTx{txn: tx}
		var err error
		if x.r, err = tx.lockRedemption(row.RedemptionID); err != nil {
			return err
		}
		if x.refund, err = tx.lockRefund(id); err != nil {
			return err
		}
		if x.refund.State == models.RefundPaid {
			if err := x.bookOnce(); err != nil {
				return err
			}
		}
		after = *x.refund
		return nil
	})
	return after, err
}

// bookOnce books a refund unless it was booked before its money came back, and ends it.
func (x *refundTx) bookOnce() error {
	if x.refund.BookedAt.IsZero() {
		if err := x.readOthers(); err != nil {
			return err
		}
		err := x.Order("position").Find(&x.lines, "refund_id = ?", x.refund.ID).Error
		if err == nil {
			err = x.book()
		}
		if err == nil {
			err = x.countOrder()
		}
		if err != nil {
			return err
		}
	}
	if err := x.moveRefund(x.refund, models.RefundDone); err != nil {
		return err
	}
	return x.tellUser()
}

// tellUser tells the user that money is back, if the merchant has a template for it. A refund that bounced and was paid anew is
// told again: the money has come again.
func (x *refundTx) tellUser() error {
	if x.refund.Amount == 0 || x.refund.Outcome != nil { // nothing was paid
		return nil
	}
	t, err := x.boundTemplate(x.r.MerchantID, models.MessageRefund)
	if err != nil || t == nil {
		return err
	}
	return x.addMessages(t.Messages(models.Notice{
		UserID: x.r.UserID, DedupeKey: models.Hash("refund", x.refund.ID, strconv.Itoa(x.refund.Attempt)), Params: models.MessageParams{
			RefundID: x.refund.ID, RedemptionID: x.r.ID, OrderID: deref(x.r.OrderID), Amount: x.refund.Amount, Currency: x.refund.Currency,
		},
	}))
}

// countOrder adds to what the built-in order says was given back.
func (x *refundTx) countOrder() error {
	if x.r.Content.Participants.Order != nil {
		return nil
	}
	return x.guard(1, "UPDATE orders SET refunded = refunded + ?, seq = seq + 1, updated_at = ? WHERE redemption_id = ?",
		x.refund.Amount, x.refund.BookedAt, x.r.ID)
}

// book posts what the refund does to coupons and budgets.
func (x *refundTx) book() error {
	row, err := x.confirmed()
	if err != nil {
		return err
	}
	x.locks = row.Result.Coupons
	if err := x.lock(); err != nil {
		return err
	}
	if x.refund.BookedAt, err = x.now(); err != nil {
		return err
	}
	for _, c := range x.refund.Coupons {
		if c.Amount == 0 {
			continue
		}
		if err := x.post(c.CouponID, models.LedgerEntry{Kind: models.EntryRefunded, Amount: c.Amount}); err != nil {
			return err
		}
	}
	coming, err := x.comingBack()
	if err != nil {
		return err
	}
	for _, back := range coming {
		if coupon := x.books.coupons[back.CouponID]; coupon.ValidUntil.Before(back.ValidUntil) { // it may have been extended meanwhile
			x.books.extend(coupon, back.ValidUntil) // before it is told of
		}
		if err := x.post(back.CouponID, models.LedgerEntry{Kind: models.EntryRestored, Count: 1}); err != nil {
			return err
		}
	}
	return x.books.write()
}

// lock takes the row locks of the books, in lock order.
func (x *refundTx) lock() error {
	var batchIDs, couponIDs []string
	var users []userDay
	for _, c := range x.locks {
		batchIDs, couponIDs = append(batchIDs, c.BatchID), append(couponIDs, c.CouponID)
		if c.Day != "" {
			users = append(users, userDay{c.BatchID, x.r.UserID, ""}, userDay{c.BatchID, x.r.UserID, c.Day})
		}
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

// post posts an entry of a coupon that the redemption has used.
func (x *refundTx) post(couponID string, e models.LedgerEntry) error {
	coupon := x.books.coupons[couponID]
	at := slices.IndexFunc(x.locks, func(l models.LockedCoupon) bool { return l.CouponID == couponID })
	if coupon == nil || at < 0 || coupon.State != models.CouponUsed || deref(coupon.RedemptionID) != x.r.ID {
		return models.NewError(models.CodeBranchMissing, "a coupon is not used by its redemption").With("coupon_id", couponID)
	}
	e.Day, e.RedemptionID, e.RefundID, e.At = x.locks[at].Day, &x.r.ID, &x.refund.ID, x.refund.BookedAt
	x.books.post(coupon, e)
	return nil
}

// comingBack are the coupons that return with this refund: those of which it was decided, by this refund or one that was
// booked before, all of whose lines have now come back, and of whose discount no other refund has still to book a part, as
// one that claws it back may. One refund of several may still be turned down, so it is the last one booked that brings a
// coupon back.
func (x *refundTx) comingBack() ([]models.RefundedCoupon, error) {
	returned, booked := slices.Clone(x.lines), []models.Refund{*x.refund}
	for _, o := range x.others {
		if !o.BookedAt.IsZero() {
			returned, booked = append(returned, o.Lines...), append(booked, o.Refund)
		}
	}
	decided := map[string]models.RefundedCoupon{}
	waits := x.unbooked()
	for _, refund := range booked {
		for _, c := range refund.Coupons {
			if c.Restored && x.isUsed(c.CouponID) && !waits[c.CouponID] {
				c.ValidUntil = atLeast(c.ValidUntil, refund.CreatedAt, x.refund.BookedAt)
				decided[c.CouponID] = c
			}
		}
	}
	if len(decided) == 0 {
		return nil, nil
	}
	var discounts []models.RedemptionLine
	if err := x.Find(&discounts, "redemption_id = ?", x.r.ID).Error; err != nil {
		return nil, err
	}
	kept := x.r.Content.Kept(returned)
	for _, d := range discounts {
		if slices.ContainsFunc(kept, func(k models.Refundable) bool { return k.Target == d.Target && k.LineID == d.LineID }) {
			delete(decided, d.CouponID)
		}
	}
	return slices.SortedFunc(maps.Values(decided), func(x, y models.RefundedCoupon) int { return cmp.Compare(x.CouponID, y.CouponID) }), nil
}

// unbooked are the coupons of whose discount another refund has still to book a part.
func (x *refundTx) unbooked() map[string]bool {
	coupons := map[string]bool{}
	for _, o := range x.others {
		for _, c := range o.Coupons {
			if o.BookedAt.IsZero() && !o.State.Released() && c.Amount > 0 {
				coupons[c.CouponID] = true
			}
		}
	}
	return coupons
}

// isUsed reports whether no refund has brought the coupon back yet.
func (x *refundTx) isUsed(couponID string) bool {
	c := x.books.coupons[couponID]
	return c != nil && c.State == models.CouponUsed && deref(c.RedemptionID) == x.r.ID
}

// atLeast is until when a coupon is valid that comes back now. One that comes back only after that, because the bank took
// so long, has the time that was left when it was decided.
func atLeast(until, decided, now models.Time) models.Time {
	if now.Before(until) {
		return until
	}
	return now.Add(until.Sub(decided.Time))
}
