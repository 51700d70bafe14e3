package models

// The codes. Each stands in the catalogue below with its class and meaning; docs/errors.md is generated from it.
const (
	CodeInternal    Code = "internal"
	CodeUnavailable Code = "unavailable"
	CodeOverloaded  Code = "overloaded"
	CodeTimeout     Code = "timeout"

	CodeInvalidRequest   Code = "invalid_request"
	CodeInvalidRule      Code = "invalid_rule"
	CodeInvalidBatch     Code = "invalid_batch"
	CodeInvalidCart      Code = "invalid_cart"
	CodeInvalidCursor    Code = "invalid_cursor"
	CodeCurrencyMismatch Code = "currency_mismatch"
	CodeAmountTooLarge   Code = "amount_too_large"
	CodeRequestTooLarge  Code = "request_too_large"

	CodeUnauthorized Code = "unauthorized"
	CodeForbidden    Code = "forbidden"

	CodeNotFound             Code = "not_found"
	CodeMethodNotAllowed     Code = "method_not_allowed"
	CodeIdempotencyKeyReused Code = "idempotency_key_reused"
	CodeStateConflict        Code = "state_conflict"
	CodeOrderInUse           Code = "order_has_redemption"
	CodeDecided              Code = "redemption_decided"
	CodeHoldExpired          Code = "hold_expired"
	CodeHoldChanged          Code = "hold_changed"
	CodeNothingLeft          Code = "nothing_left_to_refund"
	CodeRefundWindowOver     Code = "refund_window_over"
	CodeRefundInProgress     Code = "refund_in_progress"
	CodeRefundDecided        Code = "refund_decided"
	CodeApprovalExpired      Code = "approval_expired"
	CodeRefundTurnedDown     Code = "refund_turned_down"
	CodeNotCharged           Code = "not_charged"
	CodeChargedBack          Code = "charged_back"
	CodeQuoteChanged         Code = "quote_changed"
	CodeFenced               Code = "fenced"
	CodeBranchMissing        Code = "branch_missing"
	CodeResolveNotPossible   Code = "resolve_not_possible"
	CodeCapBelowUse          Code = "cap_below_use"

	CodeBatchNotActive   Code = "batch_not_active"
	CodeBatchPaused      Code = "batch_paused"
	CodeBatchEnded       Code = "batch_ended"
	CodeClaimNotStarted  Code = "claim_not_started"
	CodeClaimEnded       Code = "claim_ended"
	CodeSoldOut          Code = "sold_out"
	CodeUserLimit        Code = "user_limit_reached"
	CodeUserDayLimit     Code = "user_day_limit_reached"
	CodeBudgetExhausted  Code = "budget_exhausted"
	CodeUsesExhausted    Code = "uses_exhausted"
	CodeUserBudget       Code = "user_budget_exhausted"
	CodeUserDayBudget    Code = "user_day_budget_exhausted"
	CodeUserBlocked      Code = "user_blocked"
	CodeClaimModeForbids Code = "claim_mode_forbids"
	CodeIdentityRequired Code = "identity_required"
	CodeUserMerged       Code = "user_merged"
	CodeUserErased       Code = "user_erased"
	CodeUnknownUser      Code = "unknown_user"
	CodeAlreadyGiven     Code = "already_given"
	CodeUserHasLocked    Code = "user_has_locked_coupons"

	CodeInvalidExpression Code = "invalid_expression"
	CodeNameTaken         Code = "name_taken"
	CodeImportMismatch    Code = "import_file_differs"
	CodeImportEnded       Code = "import_ended"
	CodeInvalidFile       Code = "invalid_file"

	CodeNotValid   Code = "code_not_valid"
	CodeRequired   Code = "code_required"
	CodeInactive   Code = "code_inactive"
	CodeNotStarted Code = "code_not_started"
	CodeOver       Code = "code_expired"
	CodeUsedUp     Code = "code_used_up"
	CodeTaken      Code = "code_taken"
	CodeSpaceFull  Code = "code_space_full"
	CodeTooMany    Code = "too_many_attempts"

	CodeCouponNotFound    Code = "coupon_not_found"
	CodeCouponLocked      Code = "coupon_locked"
	CodeCouponUsed        Code = "coupon_used"
	CodeCouponExpired     Code = "coupon_expired"
	CodeCouponNotStarted  Code = "coupon_not_started"
	CodeCouponRevoked     Code = "coupon_revoked"
	CodeCouponGivesNone   Code = "coupon_gives_nothing"
	CodeMinimumNotReached Code = "minimum_not_reached"
	CodeTierNotReached    Code = "tier_not_reached"
	CodeTooFewUnits       Code = "quantity_not_reached"
	CodeScopeNotMatched   Code = "scope_not_matched"
	CodeNothingToShip     Code = "no_shipping"
	CodePlatformNotMet    Code = "platform_not_matched"
	CodePaymentNotMet     Code = "payment_method_not_matched"
	CodeTagsNotMet        Code = "user_tags_not_matched"
	CodeNotFirstOrder     Code = "not_first_order"
	CodeOutsideHours      Code = "outside_hours"
	CodeExpressionNotMet  Code = "expression_not_met"
	CodeNotStackable      Code = "not_stackable"
	CodeDuplicateCoupon   Code = "duplicate_coupon"

	CodePaymentDeclined Code = "payment_declined"
	CodePaymentRefused  Code = "payment_refused"
	CodePaymentRequired Code = "payment_required"
	CodePaymentExpired  Code = "payment_expired"
	CodePaymentUnknown  Code = "payment_unknown"
	CodeOrderRefused    Code = "order_refused"
	CodeCancelledBy     Code = "cancelled_by_caller"
	CodeStartFailed     Code = "start_failed"
	CodeResolved        Code = "resolved_by_operator"
)

// CodeInfo is one row of the catalogue.
type CodeInfo struct {
	Code    Code
	Class   Class
	Meaning string // one sentence for whoever gets the code
}

// Catalogue lists every code once, in the order of the documentation.
func Catalogue() []CodeInfo { return catalogue }

// InfoOf returns the row of a code; an unknown code is an internal fault.
func InfoOf(code Code) CodeInfo {
	if i, ok := catalogueIndex[code]; ok {
		return catalogue[i]
	}
	return CodeInfo{Code: code, Class: ClassInternal}
}

var catalogueIndex = func() map[Code]int {
	m := make(map[Code]int, len(catalogue))
	for i, info := range catalogue {
		m[info.Code] = i
	}
	return m
}()

var catalogue = []CodeInfo{
	{CodeInternal, ClassInternal, "Something failed on our side; the request id finds it in the log."},
	{CodeUnavailable, ClassUnavailable, "A part that this request needs is down; ask again after Retry-After."},
	{CodeOverloaded, ClassUnavailable, "Too many requests wait already; ask again after Retry-After."},
	{CodeTimeout, ClassUnavailable, "The request took too long; ask again with the same key."},

	{CodeInvalidRequest, ClassInvalid, "The request does not have the documented form; `errors` names each fault."},
	{CodeInvalidRule, ClassRefused, "The rule can't be used as written; `params.errors` names each fault by its path."},
	{CodeInvalidBatch, ClassRefused, "The batch can't be used as written; `params.errors` names each fault by its path."},
	{CodeInvalidCart, ClassRefused, "The cart can't be priced as sent; `params.errors` names each fault by its path."},
	{CodeInvalidCursor, ClassInvalid, "The cursor was not made by this list."},
	{CodeCurrencyMismatch, ClassRefused, "The cart's currency is not the coupon's."},
	{CodeAmountTooLarge, ClassRefused, "An amount is larger than Tearoff can hold."},
	{CodeRequestTooLarge, ClassTooLarge, "The body is larger than the limit."},

	{CodeUnauthorized, ClassUnauthorized, "No API key was sent, or it is not a live one."},
	{CodeForbidden, ClassForbidden, "The key's role does not allow this."},

	{CodeNotFound, ClassNotFound, "There is no such thing, or this key can't see it."},
	{CodeMethodNotAllowed, ClassInvalid, "The path exists, but not with this method."},
	{CodeIdempotencyKeyReused, ClassConflict, "The key was used before with another content; nothing was changed."},
	{CodeStateConflict, ClassConflict, "The state it is in does not allow this; `params.state` says which."},
	{CodeOrderInUse, ClassConflict, "The order has another live redemption; `params.redemption_id` names it."},
	{CodeDecided, ClassConflict, "The redemption is already decided; `params.state` says how."},
	{CodeHoldExpired, ClassConflict, "The hold has run out and its coupons were given back; `params.reason` says why a late confirmation can't have them again."},
	{CodeRefundWindowOver, ClassRefused, "Refunds of it are no longer accepted; `params.until` says since when."},
	{CodeRefundInProgress, ClassConflict, "Another refund, `params.refund_id`, is not decided yet, and what one of the two keeps back of a discount depends on the other."},
	{CodeRefundDecided, ClassConflict, "The refund is already decided; `params.state` says how."},
	{CodeApprovalExpired, ClassConflict, "Nobody approved the refund in time; another one can be made."},
	{CodeRefundTurnedDown, ClassConflict, "An admin turned the refund down."},
	{CodeNotCharged, ClassConflict, "The charge had been written off, so there was no money to give back."},
	{CodeChargedBack, ClassConflict, "The customer's bank took the money back already; `params.charged_back` says how much of it."},
	{CodeNothingLeft, ClassConflict, "Less of it is left to give back than was asked for; `params.left` says how much."},
	{CodeHoldChanged, ClassConflict, "The hold is not as the change expects it; `params.version` is its version now."},
	{CodeQuoteChanged, ClassConflict, "The expected total no longer holds; `params` has the new one."},
	{CodeFenced, ClassConflict, "The branch was cancelled before this call arrived."},
	{CodeBranchMissing, ClassConflict, "A branch that must exist does not: data was lost, an operator must look."},
	{CodeResolveNotPossible, ClassConflict, "What the operator asked for would break the books; `message` says what is possible."},
	{CodeCapBelowUse, ClassConflict, "A cap can't be set below what is used already."},

	{CodeBatchNotActive, ClassConflict, "The batch is not published."},
	{CodeBatchPaused, ClassConflict, "The batch is paused for this."},
	{CodeBatchEnded, ClassConflict, "The batch has ended: it issues no more coupons."},
	{CodeClaimNotStarted, ClassRefused, "Claiming has not begun; `params.from` says when it does."},
	{CodeClaimEnded, ClassRefused, "Claiming is over."},
	{CodeSoldOut, ClassConflict, "No coupon is left."},
	{CodeUserLimit, ClassRefused, "The user has reached the batch's limit per user."},
	{CodeUserDayLimit, ClassRefused, "The user has reached the batch's limit per day."},
	{CodeBudgetExhausted, ClassConflict, "The batch's money is used up; `params.remaining` says what is left."},
	{CodeUsesExhausted, ClassConflict, "The batch has been used as often as it may be."},
	{CodeUserBudget, ClassRefused, "The user's money in this batch is used up; `params.remaining` says what is left."},
	{CodeUserDayBudget, ClassRefused, "The user's money in this batch is used up for today; `params.remaining` says what is left."},
	{CodeUserBlocked, ClassRefused, "The user may not get coupons."},
	{CodeClaimModeForbids, ClassConflict, "Coupons of this batch are not got in this way; `params.claim_mode` says in which they are."},
	{CodeIdentityRequired, ClassRefused, "The batch counts coupons by `params.identity`, and the user has none."},

	{CodeNotValid, ClassRefused, "There is no such code."},
	{CodeRequired, ClassRefused, "Coupons of this batch are got by a code only."},
	{CodeInactive, ClassRefused, "The code is switched off."},
	{CodeNotStarted, ClassRefused, "The code is not valid yet; `params.from` says when it is."},
	{CodeOver, ClassRefused, "The code's validity is over."},
	{CodeUsedUp, ClassConflict, "The code has been used as often as it may be."},
	{CodeTaken, ClassConflict, "The code exists already, of another batch or with another content; `params.code` says which."},

	{CodeCouponNotFound, ClassRefused, "There is no such coupon for this user."},
	{CodeCouponLocked, ClassConflict, "Another redemption holds the coupon."},
	{CodeCouponUsed, ClassConflict, "The coupon is used."},
	{CodeCouponExpired, ClassRefused, "The coupon's validity is over."},
	{CodeCouponNotStarted, ClassRefused, "The coupon is not valid yet; `params.from` says when it is."},
	{CodeCouponRevoked, ClassRefused, "The coupon was revoked."},
	{CodeCouponGivesNone, ClassRefused, "The coupon would take nothing off this cart."},
	{CodeMinimumNotReached, ClassRefused, "The minimum spend is not reached; `params.shortfall` says by how much."},
	{CodeTierNotReached, ClassRefused, "The lowest tier is not reached; `params.shortfall` says by how much."},
	{CodeTooFewUnits, ClassRefused, "Too few units are in the cart; `params.shortfall` says how many are missing."},
	{CodeScopeNotMatched, ClassRefused, "Nothing in the cart is in the coupon's scope."},
	{CodeNothingToShip, ClassRefused, "The cart has no delivery that the coupon could make cheaper."},
	{CodePlatformNotMet, ClassRefused, "The coupon is for other platforms; `params.platforms` lists them."},
	{CodePaymentNotMet, ClassRefused, "The coupon is for other payment methods; `params.payment_methods` lists them."},
	{CodeTagsNotMet, ClassRefused, "The coupon is for other customers."},
	{CodeNotFirstOrder, ClassRefused, "The coupon is for a customer's first order."},
	{CodeOutsideHours, ClassRefused, "The coupon can't be used at this hour; `params.hours` says when it can, in `params.time_zone`."},
	{CodeExpressionNotMet, ClassRefused, "The merchant's own condition is not met."},
	{CodeNotStackable, ClassRefused, "The coupon can't be combined with `params.with`."},
	{CodeDuplicateCoupon, ClassRefused, "The coupon is named twice."},

	{CodeUserMerged, ClassConflict, "The user was merged into another while this was done; ask again, `params.user_id` names the other."},
	{CodeUserErased, ClassNotFound, "The user was erased; the same person is a new user."},
	{CodeUnknownUser, ClassRefused, "Nobody known is named by this."},
	{CodeAlreadyGiven, ClassRefused, "The user has a coupon of this distribution already, from when they were two users."},
	{CodeUserHasLocked, ClassConflict, "A redemption or refund of the user's is under way; `params.redemption_id` names it."},

	{CodeInvalidExpression, ClassRefused, "The expression can't be used as written; `params.at` says where, `message` what."},
	{CodeNameTaken, ClassConflict, "Another one of the merchant's has this name."},
	{CodeImportMismatch, ClassConflict, "The file is not the one that the import began with; nothing of it was applied. `params.row` says up to which row they were compared."},
	{CodeImportEnded, ClassConflict, "The import takes no more rows; `params.state` says why."},
	{CodeInvalidFile, ClassRefused, "The file can't be read as documented; `params.row` says where, `message` what. Rows before it are applied."},

	{CodeSpaceFull, ClassConflict, "Hardly any code of the batch's length and alphabet is free: make them longer."},
	{CodeTooMany, ClassTooMany, "Too many wrong codes came from this user, address or key; ask again after Retry-After."},

	{CodePaymentDeclined, ClassRefused, "The payment was declined; nothing was charged."},
	{CodePaymentRefused, ClassRefused, "The payment provider refused for good: a payment was not charged, or a refund, `params.refund_id`, not given back."},
	{CodePaymentRequired, ClassRefused, "Something is to be paid, and the request names no payment."},
	{CodePaymentExpired, ClassRefused, "The customer did not pay in time; everything was given back."},
	{CodePaymentUnknown, ClassUnavailable, "The payment provider has not given a definitive answer yet."},
	{CodeOrderRefused, ClassRefused, "The caller's own order service refused the order; nothing was charged."},
	{CodeCancelledBy, ClassRefused, "The caller cancelled the redemption."},
	{CodeStartFailed, ClassUnavailable, "The redemption could not be started and was revoked; nothing was charged."},
	{CodeResolved, ClassRefused, "An operator cancelled the redemption, or gave the refund up."},
}
