package conformance

import (
	"time"

	"github.com/tearoff/tearoff/models"
)

// listPatience is what a list may take that shows a payment at once.
const listPatience = 2 * time.Second

const (
	authorised     = answer(models.PaymentAuthorised)
	captured       = answer(models.PaymentCaptured)
	pending        = answer(models.PaymentPending)
	voided         = answer(models.PaymentVoided)
	closed         = answer(models.PaymentDeclined)
	refundedInFull = answer(models.PaymentRefunded)

	refundPending   = answer(models.ProviderRefundPending)
	refundSucceeded = answer(models.ProviderRefundSucceeded)
	refundFailed    = answer(models.ProviderRefundFailed)
)

var cases = []Case{
	{"understood", "Every request is one that the provider understands: none is refused for its form.", Understands, understood},
	{"out of reach", "Who gets no answer is told that the outcome is unknown, never that it failed.", OutOfReach, outOfReach},
	{"not to be asked", "What can't be asked for (no key, nothing to pay) is refused.", "", notToBeAsked},
	{"caller leaves", "A caller who leaves knows nothing, and finds out with the same key.", Approves, callerLeaves},
	{"nobody", "A reference that isn't known gives ErrNotFound, and no call about it is refused.", Approves, nobody},

	{"approved", "Authorised, charged once whatever the keys, and closed to a void.", Approves, approved},
	{"voided", "A payment that is closed can't be charged; closing it again succeeds.", Approves, voids},
	{"declined", "A decline is definitive, and nothing is held.", Declines, declines},
	{"customer approves", "Pending until the customer approves; a capture before that is unknown, not refused.", NeedsCustomer, customerApproves},
	{"customer gives up", "A payment that waits for its customer can be closed.", NeedsCustomer, customerGivesUp},

	{"authorise lost", "A lost answer is found by the same key, and there is one payment.", LosesAuthorise, authoriseLost},
	{"authorise dropped", "A request that didn't arrive is made by the next with the same key.", DropsAuthorise, authoriseDropped},
	{"key forgotten", "A payment whose key was forgotten is found by our id in the list.", ForgetsKey, keyForgotten},
	{"key with another content", "A key that is used for something else is never answered with success.", Approves, keyWithAnotherContent},

	{"capture lost", "A capture without an answer shows in the status, and to any key.", LosesCapture, captureLost},
	{"capture dropped", "A capture that didn't arrive leaves the payment authorised, and a void wins.", DropsCapture, captureDropped},
	{"capture refused", "A refused capture is final: nothing is charged, now or later.", RefusesCapture, captureRefused},
	{"capture late", "While a capture is under way nothing is definitive; a void then says that it came too late.", CapturesLate, captureLate},
	{"void lost", "A void without an answer shows in the status, and to any key.", LosesVoid, voidLost},

	{"refund", "Parts are given back, each key once; never more than was charged.", Approves, refunds},
	{"refund crowd", "Refunds at once under many keys never exceed what was charged.", Approves, refundCrowd},
	{"refund lost", "A refund without an answer is found by the same key, and there is one.", LosesRefund, refundLost},
	{"refund forgotten", "A refund whose key was forgotten is found by our id among the payment's refunds.", ForgetsRefund, refundForgotten},
	{"refund late", "A pending refund counts as given back, and succeeds later.", RefundsLate, refundLate},
	{"refund fails", "A refund that fails says why, no longer counts, and can be made again.", RefundsFail, refundFails},
	{"refund sent back", "A refund that succeeded may fail later, and no longer counts.", RefundsSentBack, refundSentBack},
	{"refund refused", "A refused refund moves nothing.", RefusesRefund, refundRefused},

	{"charged back", "What the customer's bank takes back shows and is never refunded as well; a dispute that is won no longer counts.", ChargesBack, chargedBack},
}
