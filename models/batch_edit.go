package models

import "slices"

// CheckEdit says what of an edit the batch's state or use does not allow, or nil. A draft may change as it likes. Bounds on
// a user's use are judged with the users' counters.
func CheckEdit(before, after Batch, c BatchCounter) *Error {
	if c.State == BatchDraft {
		return nil
	}
	if c.State == BatchEnded && issuesOtherwise(before, after) {
		return NewError(CodeStateConflict, "the batch has ended: what it issues can't change any more").With("state", c.State)
	}
	if before.Caps.CountsUsers() != after.Caps.CountsUsers() {
		return NewError(CodeStateConflict, "bounds by user can't be added to a published batch, nor all be taken away: use is counted by user "+
			"from the beginning or never").With("state", c.State).With("path", "caps.user")
	}
	if !slices.Equal(before.LimitIdentities(), after.LimitIdentities()) {
		return NewError(CodeStateConflict, "by which identities a published batch counts can't change").With("state", c.State).With("path", "limit_by")
	}
	if most := after.Caps.Batch.Amount; after.FaceMin > 0 && most != nil && *most < c.FaceAmount {
		return capBelow("caps.batch", Usage{UsedAmount: c.FaceAmount})
	}
	if !Lowered(before.Caps.Batch, after.Caps.Batch) {
		return nil
	}
	return CheckCap("caps.batch", after.Caps.Batch, c.Usage)
}

// issuesOtherwise reports whether the batch would issue other coupons, or to others.
func issuesOtherwise(a, b Batch) bool {
	return a.ClaimFrom != b.ClaimFrom || a.ClaimUntil != b.ClaimUntil || a.ValidFrom != b.ValidFrom || a.ValidUntil != b.ValidUntil ||
		a.ValidSeconds != b.ValidSeconds || a.ClaimsPerUser != b.ClaimsPerUser || !slices.Equal(a.LimitBy, b.LimitBy)
}

// Lowered reports whether the cap bounds more than before.
func Lowered(before, after Cap) bool {
	lower := func(from, to *int64) bool { return to != nil && (from == nil || *to < *from) }
	return lower(before.Uses, after.Uses) || lower(before.Amount, after.Amount)
}

// CheckCap refuses a cap that is below what is used, reserved included.
func CheckCap(path string, c Cap, use Usage) *Error {
	if c.Uses != nil && use.Uses() > *c.Uses || c.Amount != nil && use.Amount() > *c.Amount {
		return capBelow(path, use)
	}
	return nil
}

func capBelow(path string, use Usage) *Error {
	return NewError(CodeCapBelowUse, "more than that is used or reserved already").With("path", path).
		With("uses", use.Uses()).With("amount", use.Amount())
}

// MaxQuantity is the most coupons a limited batch can have.
const MaxQuantity = 1_000_000_000

// CheckStock says why the quantity can't change by so much, or nil.
func (b Batch) CheckStock(c BatchCounter, add int64) *Error {
	switch {
	case c.Quantity == nil:
		return NewError(CodeStateConflict, "the batch is unlimited: it has no stock").With("state", c.State)
	case c.State == BatchEnded:
		return NewError(CodeStateConflict, "the batch has ended").With("state", c.State)
	case add == 0 || add > MaxQuantity-*c.Quantity:
		return NewError(CodeInvalidRequest, "add must change the stock, to at most a billion").With("quantity", *c.Quantity)
	case c.Remaining+add < 0 || *c.Quantity+add < 1:
		return NewError(CodeCapBelowUse, "fewer coupons than that are left").With("remaining", c.Remaining).With("quantity", *c.Quantity)
	}
	if left := c.Left() + add; b.FaceMin > 0 && left > 0 && b.faceBudget(c)/left < b.FaceMin {
		return NewError(CodeBudgetExhausted, "the money is too little for so many coupons").With("remaining", b.faceBudget(c)).With("coupons", left)
	}
	return nil
}

// CheckGive says why an operator can't give anybody a coupon of the batch now, or nil. Windows of claiming, codes and pauses
// don't count, but there must be one left, and it must be valid for a while.
func CheckGive(b Batch, c BatchCounter, now Time) *Error {
	if b.ClaimMode != ClaimModeClaim {
		return NewError(CodeClaimModeForbids, "nobody owns coupons of this batch before they are used").With("claim_mode", b.ClaimMode)
	}
	b.ClaimFrom, b.ClaimUntil, c.Paused = Time{}, Time{}, 0
	return checkIssue(b, c, nil, now)
}
