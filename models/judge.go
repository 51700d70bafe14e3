package models

import "time"

// CheckIssue says why no coupon of the batch may be issued now by the way given, or nil. It does not look at stock or at
// a user's limit.
func CheckIssue(b Batch, c BatchCounter, now Time) *Error {
	switch {
	case c.State == BatchDraft:
		return NewError(CodeBatchNotActive, "the batch is not published")
	case c.State == BatchEnded:
		return NewError(CodeBatchEnded, "the batch has ended")
	case c.Paused.Has(PauseClaims):
		return NewError(CodeBatchPaused, "claims of the batch are paused")
	case b.ClaimMode != ClaimModeClaim:
		return NewError(CodeClaimModeForbids, "coupons of this batch are not got by claiming")
	case !b.ClaimFrom.IsZero() && now.Before(b.ClaimFrom):
		return NewError(CodeClaimNotStarted, "claiming has not begun").With("from", b.ClaimFrom)
	case !b.ClaimUntil.IsZero() && !now.Before(b.ClaimUntil):
		return NewError(CodeClaimEnded, "claiming is over").With("until", b.ClaimUntil)
	}
	return nil
}

// Validity is the window of a coupon issued at the instant: from the batch's start or the issue, whichever is later, to
// the earlier of the two ends that the batch sets.
func (b Batch) Validity(at Time) (from, until Time) {
	from = at
	if b.ValidFrom.After(at) {
		from = b.ValidFrom
	}
	until = b.ValidUntil
	if b.ValidSeconds > 0 {
		end := from.Add(time.Duration(b.ValidSeconds) * time.Second)
		if until.IsZero() || end.Before(until) {
			until = end
		}
	}
	return from, until
}

// CheckUse says why the user can't use the coupon now, or nil. It does not look at caps.
func CheckUse(c Coupon, counter BatchCounter, userID string, now Time) *Error {
	if c.UserID != userID {
		return NewError(CodeCouponNotFound, "the user has no such coupon").With("coupon_id", c.ID)
	}
	var err *Error
	switch {
	case c.State == CouponLocked:
		err = NewError(CodeCouponLocked, "another redemption holds the coupon")
	case c.State == CouponUsed:
		err = NewError(CodeCouponUsed, "the coupon is used")
	case c.State == CouponRevoked:
		err = NewError(CodeCouponRevoked, "the coupon was revoked")
	case c.State == CouponExpired, !now.Before(c.ValidUntil):
		err = NewError(CodeCouponExpired, "the coupon's validity is over").With("until", c.ValidUntil)
	case now.Before(c.ValidFrom):
		err = NewError(CodeCouponNotStarted, "the coupon is not valid yet").With("from", c.ValidFrom)
	case counter.Paused.Has(PauseUse):
		err = NewError(CodeBatchPaused, "use of the batch's coupons is paused")
	default:
		return nil
	}
	return err.With("coupon_id", c.ID)
}

// CapUse is what is reserved and used already, beside the caps that bound it.
type CapUse struct {
	Batch, User, UserDay Usage
}

// Check says which cap one more use of the amount would pass, or nil.
func (c Caps) Check(use CapUse, amount int64) *Error {
	for _, bound := range []struct {
		cap         Cap
		use         Usage
		uses, money Code
	}{
		{c.Batch, use.Batch, CodeUsesExhausted, CodeBudgetExhausted},
		{c.User, use.User, CodeUserLimit, CodeUserBudget},
		{c.UserDay, use.UserDay, CodeUserDayLimit, CodeUserDayBudget},
	} {
		if bound.cap.Uses != nil && bound.use.Uses() >= *bound.cap.Uses {
			return NewError(bound.uses, InfoOf(bound.uses).Meaning)
		}
		if bound.cap.Amount != nil && bound.use.Amount()+amount > *bound.cap.Amount {
			return NewError(bound.money, InfoOf(bound.money).Meaning).
				With("remaining", max(0, *bound.cap.Amount-bound.use.Amount()))
		}
	}
	return nil
}

// CountsUsers reports whether uses of the batch are counted per user. Caps per user are set before publication and only
// changed in value afterwards, so the counters are complete.
func (c Caps) CountsUsers() bool { return !c.User.IsZero() || !c.UserDay.IsZero() }

// Day is the batch zone's day of the instant.
func (b Batch) Day(at Time) string {
	zone, err := time.LoadLocation(b.TimeZone)
	if err != nil {
		zone = time.UTC // unknown zones are refused when the batch is written
	}
	return at.In(zone).Format(time.DateOnly)
}
