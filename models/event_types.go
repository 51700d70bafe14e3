package models

// EventInfo is one row of the catalogue of events.
type EventInfo struct {
	Type    EventType
	Subject string // what the subject's id is of
	Meaning string // one sentence for whoever gets the event
}

// EventTypes lists every type once, in the order of the documentation.
func EventTypes() []EventInfo { return eventTypes }

var eventTypes = []EventInfo{
	{EventCouponClaimed, "coupon", "A user got a coupon by claiming it, or by using an offer or a public code."},
	{EventCouponIssued, "coupon", "A user got a coupon otherwise: from a distribution, an admin or an import; `source` says from which."},
	{EventCouponUnissued, "coupon", "A coupon that a redemption had issued is gone again: the redemption came to nothing."},
	{EventCouponUsed, "coupon", "A coupon was used by a confirmed redemption or hold."},
	{EventCouponRestored, "coupon", "A refund gave a used coupon back to its user."},
	{EventCouponReinstated, "coupon", "A coupon that was over can be used again."},
	{EventCouponExpiring, "coupon", "A coupon is about to expire."},
	{EventCouponExpired, "coupon", "A coupon's validity is over."},
	{EventCouponRevoked, "coupon", "A coupon was taken away."},

	{EventHoldOpened, "hold", "A hold keeps its coupons for an order."},
	{EventHoldConfirmed, "hold", "A hold was confirmed: its coupons are used."},
	{EventHoldCancelled, "hold", "A hold was cancelled: its coupons are free."},
	{EventHoldExpired, "hold", "A hold ran out: its coupons are free."},

	{EventRedemptionConfirmed, "redemption", "A redemption ended well: order, coupons and payment are done."},
	{EventRedemptionCancelled, "redemption", "A redemption came to nothing; `outcome` says why. Nothing was charged, or it was given back."},
	{EventRedemptionStuck, "redemption", "A redemption doesn't get on; work on it goes on, and an operator should look."},

	{EventRefundRequested, "refund", "A refund was made; AWAITING needs an admin's approval."},
	{EventRefundSettled, "refund", "A refund is done: the customer has the money and the books have moved."},
	{EventRefundRejected, "refund", "A refund was turned down, withdrawn or not approved in time."},
	{EventRefundFailed, "refund", "The provider won't pay a refund; what it had reserved is free."},
	{EventRefundBounced, "refund", "The customer's bank sent a refund's money back: it is still owed."},
	{EventRefundStuck, "refund", "A refund doesn't get on, and an operator should look."},

	{EventBatchPublished, "batch", "A batch gives out coupons from now on, as far as its windows are open."},
	{EventBatchPaused, "batch", "Parts of a batch were paused; `paused` lists all that are."},
	{EventBatchResumed, "batch", "Parts of a batch go on; `paused` lists those that don't."},
	{EventBatchEnded, "batch", "A batch gives out no more coupons."},
	{EventBatchSoldOut, "batch", "The last coupon of a batch was given out."},

	{EventBudgetThreshold, "batch", "What is used or reserved of a batch's money or uses has reached 50, 80 or 100 percent."},
	{EventBudgetExhausted, "batch", "Nothing is left of a batch's money or uses."},

	{EventProductTagged, "batch", "Products are to be shown with a batch's coupon."},
	{EventProductUntagged, "batch", "Products are no longer to be shown with a batch's coupon."},

	{EventDistributionStarted, "distribution", "A distribution began to give out coupons."},
	{EventDistributionCompleted, "distribution", "A distribution has gone through its whole audience."},
	{EventDistributionCancelled, "distribution", "A distribution was stopped before its end."},

	{EventWebhookPing, "endpoint", "Somebody tests the endpoint. It is sent whatever the endpoint subscribes to."},
	{EventWebhookDisabled, "endpoint", "An endpoint is sent nothing more: it said 410, or failed for a day. The merchant's other endpoints hear of it."},
}
