package models

import (
	"math"
	"sync"
	"time"
)

// CheckClaim says why no coupon of the batch may be claimed now, or nil. The code is what was typed, nil for nothing: it is
// judged by itself, and counts here for the stock that is kept for it. A user's limit is judged before.
func CheckClaim(b Batch, c BatchCounter, code *CouponCode, now Time) *Error {
	if b.ClaimMode != ClaimModeClaim {
		return NewError(CodeClaimModeForbids, "coupons of this batch are not got by claiming").With("claim_mode", b.ClaimMode)
	}
	return checkIssue(b, c, code, now)
}

// CheckIssueOnUse says why no coupon of the batch may be issued to be used at once, or nil: for batches of which nobody
// owns a coupon before. The code is what was typed, nil for nothing. Stock counts; a user's limit is judged before.
func CheckIssueOnUse(b Batch, c BatchCounter, code *CouponCode, now Time) *Error {
	switch {
	case b.ClaimMode == ClaimModeClaim:
		return NewError(CodeClaimModeForbids, "coupons of this batch are claimed before they are used").With("claim_mode", b.ClaimMode)
	case c.Paused.Has(PauseUse):
		return NewError(CodeBatchPaused, "use of the batch's coupons is paused")
	case code == nil && b.Codes != CodesNone:
		return NewError(CodeRequired, "coupons of this batch are got by a code only")
	}
	if code != nil {
		if err := code.Check(now); err != nil {
			return err
		}
	}
	if from, _ := b.Validity(now); now.Before(from) {
		return NewError(CodeCouponNotStarted, "the coupon is not valid yet").With("from", from)
	}
	return checkIssue(b, c, code, now)
}

// CheckDistribution says why no coupon of the batch may be given out by a distribution now, or nil. There is no window: who
// starts it chooses the time. Stock counts; a user's limit is judged before.
func CheckDistribution(b Batch, c BatchCounter, now Time) *Error {
	if b.ClaimMode != ClaimModeClaim {
		return NewError(CodeClaimModeForbids, "coupons of this batch belong to nobody before they are used").With("claim_mode", b.ClaimMode)
	}
	if err := checkActive(c); err != nil {
		return err
	}
	if c.Paused.Has(PauseDistribution) {
		return NewError(CodeBatchPaused, "distribution of the batch is paused")
	}
	return checkLeft(b, c, nil, now)
}

func checkIssue(b Batch, c BatchCounter, code *CouponCode, now Time) *Error {
	if err := checkActive(c); err != nil {
		return err
	}
	switch {
	case c.Paused.Has(PauseClaims):
		return NewError(CodeBatchPaused, "claims of the batch are paused")
	case !b.ClaimFrom.IsZero() && now.Before(b.ClaimFrom):
		return NewError(CodeClaimNotStarted, "claiming has not begun").With("from", b.ClaimFrom)
	case !b.ClaimUntil.IsZero() && !now.Before(b.ClaimUntil):
		return NewError(CodeClaimEnded, "claiming is over").With("until", b.ClaimUntil)
	}
	return checkLeft(b, c, code, now)
}

func checkActive(c BatchCounter) *Error {
	switch c.State {
	case BatchDraft:
		return NewError(CodeBatchNotActive, "the batch is not published")
	case BatchEnded:
		return NewError(CodeBatchEnded, "the batch has ended")
	case BatchActive:
	}
	return nil
}

// checkLeft judges whether there is another coupon to issue that is worth having.
func checkLeft(b Batch, c BatchCounter, code *CouponCode, now Time) *Error {
	_, until := b.Validity(now)
	switch {
	case !until.After(now):
		return NewError(CodeClaimEnded, "coupons of this batch are no longer valid").With("until", until)
	case c.Quantity != nil && c.Remaining < 1 && !code.KeepsStock():
		return NewError(CodeSoldOut, "no coupon is left")
	case b.FaceMin > 0 && b.faceBudget(c) < b.FaceMin:
		return NewError(CodeBudgetExhausted, "what is left of the money can't fill another coupon").With("remaining", max(0, b.faceBudget(c)))
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

// faceBudget is what is left to draw face values from.
func (b Batch) faceBudget(c BatchCounter) int64 {
	if b.Caps.Batch.Amount == nil {
		return MaxAmount
	}
	return *b.Caps.Batch.Amount - c.FaceAmount
}

// DrawFace returns the face value of the next coupon, given a way to draw a number of 0 to n−1; 0 when the batch's rule
// draws none. The money is the batch's cap, if it has one: with a quantity too, what is left is drawn from by the doubled-mean method (each
// draw uniform between the minimum and twice the mean of what is left per coupon, less the minimum), so that late coupons
// are worth as much as early ones on average and the last one still gets the minimum.
func (b Batch) DrawFace(c BatchCounter, draw func(n int64) int64) int64 {
	if b.FaceMin == 0 {
		return 0
	}
	most := min(b.FaceMax, b.faceBudget(c))
	if left := c.Left(); c.Quantity != nil && left > 0 && b.Caps.Batch.Amount != nil {
		most = min(most, 2*(b.faceBudget(c)/left)-b.FaceMin)
	}
	return b.FaceMin + draw(max(0, most-b.FaceMin)+1)
}

// CapUse is what is reserved and used already, beside the caps that bound it.
type CapUse struct {
	Batch, User, UserDay Usage
}

// Room is how often a customer can still use the batch, for how much, and how many coupons it can still issue to them,
// with the codes that say so when it is too little.
type Room struct {
	Uses, Amount, Issues       int64 // never below zero; Issues bounds coupons that are not issued yet
	NoUses, NoAmount, NoIssues Code
}

// Room returns what the caps leave.
func (c Caps) Room(use CapUse) Room {
	r := Room{Uses: math.MaxInt64, Amount: math.MaxInt64, Issues: math.MaxInt64}
	for _, bound := range c.bounds(use) {
		if bound.cap.Uses != nil {
			if left := max(0, *bound.cap.Uses-bound.use.Uses()); left < r.Uses {
				r.Uses, r.NoUses = left, bound.uses
			}
		}
		if bound.cap.Amount != nil {
			if left := max(0, *bound.cap.Amount-bound.use.Amount()); left < r.Amount {
				r.Amount, r.NoAmount = left, bound.money
			}
		}
	}
	return r
}

// Refuse says why the room is too small for one more use beside those of the same customer that are counted already.
func (r Room) Refuse(uses, amount, more int64) *Error {
	if uses >= r.Uses {
		return NewError(r.NoUses, InfoOf(r.NoUses).Meaning)
	}
	if amount+more > r.Amount {
		return NewError(r.NoAmount, InfoOf(r.NoAmount).Meaning).With("remaining", max(0, r.Amount-amount))
	}
	return nil
}

// Check says which cap one more use of the amount would pass, or nil.
func (c Caps) Check(use CapUse, amount int64) *Error {
	return c.Room(use).Refuse(0, 0, amount)
}

// bound is one cap with what counts against it.
type bound struct {
	cap         Cap
	use         Usage
	uses, money Code
}

func (c Caps) bounds(use CapUse) [3]bound {
	return [...]bound{
		{c.Batch, use.Batch, CodeUsesExhausted, CodeBudgetExhausted},
		{c.User, use.User, CodeUserLimit, CodeUserBudget},
		{c.UserDay, use.UserDay, CodeUserDayLimit, CodeUserDayBudget},
	}
}

// IsZero reports whether the caps bound nothing.
func (c Caps) IsZero() bool { return c.Batch.IsZero() && c.User.IsZero() && c.UserDay.IsZero() }

// CountsUsers reports whether uses of the batch are counted per user. Caps per user are set before publication and only
// changed in value afterwards, so the counters are complete.
func (c Caps) CountsUsers() bool { return !c.User.IsZero() || !c.UserDay.IsZero() }

// Day is the batch zone's day of the instant.
func (b Batch) Day(at Time) string {
	return at.In(b.Zone()).Format(time.DateOnly)
}

// zones keeps the locations that were asked for: reading one is slow, and there are a few hundred names at most, since
// unknown ones are refused when a batch is written.
var zones sync.Map

// Zone is where the batch's days and hours are counted; UTC for a name that this machine doesn't know.
func (b Batch) Zone() *time.Location {
	if known, ok := zones.Load(b.TimeZone); ok {
		if zone, ok := known.(*time.Location); ok {
			return zone
		}
	}
	zone, err := time.LoadLocation(b.TimeZone)
	if err != nil {
		return time.UTC
	}
	zones.Store(b.TimeZone, zone)
	return zone
}
