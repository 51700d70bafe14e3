package payments

import "slices"

// Token is a means of payment of the built-in provider: it decides how the bank behaves for a payment.
type Token struct {
	Name    string // what AuthoriseInput.Method holds
	Meaning string // one sentence for the documentation

	authorise, capture, void, refund trouble
	start                            start
	settles                          settling
	slow                             bool // every first answer takes BuiltinOptions.SlowFor
	landsLate                        bool // the customer's payment lands though the payment was voided
}

// trouble is what goes wrong with one operation of a payment.
type trouble int

const (
	none       trouble = iota
	lost               // done, but the first answer is lost
	lostBefore         // the first request is lost
	declined           // a definitive no
	late               // accepted; happens after BuiltinOptions.LandAfter
	down               // unknown: a void or refund for BuiltinOptions.DownFor times, a capture for ever
	forgotten          // done, but the answer and the key are lost
)

// start is the state that a payment begins in.
type start int

const (
	startAuthorised start = iota
	startPending          // the customer's approval authorises
	startWallet           // the customer's approval captures at once
)

// settling is how a refund goes on.
type settling int

const (
	settlesAtOnce     settling = iota
	settlesLate                // pending, then succeeded
	settlesNever               // pending, then failed
	settlesAndBounces          // succeeded, then failed
)

// The names of the test tokens.
const (
	TokenApproved          = "tok_approved"
	TokenDeclined          = "tok_declined"
	TokenSlow              = "tok_slow"
	TokenAuthLost          = "tok_auth_lost"
	TokenAuthLostBefore    = "tok_auth_lost_before"
	TokenKeyForgotten      = "tok_key_forgotten"
	TokenPending           = "tok_pending"
	TokenPendingWallet     = "tok_pending_wallet"
	TokenLateCustomer      = "tok_late_customer"
	TokenCaptureLost       = "tok_capture_lost"
	TokenCaptureLostBefore = "tok_capture_lost_before"
	TokenCaptureRefused    = "tok_capture_refused"
	TokenCaptureLate       = "tok_capture_late"
	TokenCaptureDown       = "tok_capture_down"
	TokenVoidLost          = "tok_void_lost"
	TokenVoidDown          = "tok_void_down"
	TokenRefundLost        = "tok_refund_lost"
	TokenRefundForgotten   = "tok_refund_forgotten"
	TokenRefundSlow        = "tok_refund_slow"
	TokenRefundRefused     = "tok_refund_refused"
	TokenRefundFails       = "tok_refund_fails"
	TokenRefundBounces     = "tok_refund_bounces"
	TokenRefundDown        = "tok_refund_down"
)

// Tokens lists the test tokens in the order of the documentation. Any other method is declined for good.
func Tokens() []Token { return slices.Clone(tokens) }

var tokens = []Token{
	{Name: TokenApproved, Meaning: "Everything works."},
	{
		Name: TokenDeclined, authorise: declined,
		Meaning: "Authorising is declined; nothing is held.",
	},
	{
		Name: TokenSlow, slow: true,
		Meaning: "Every first answer takes a few seconds; who gives up before doesn't know, but it is booked, " +
			"and the same key finds it at once.",
	},
	{
		Name: TokenAuthLost, authorise: lost,
		Meaning: "Authorising works, but its answer is lost; the same key finds it.",
	},
	{
		Name: TokenAuthLostBefore, authorise: lostBefore,
		Meaning: "The first authorisation is lost on its way and nothing is booked; the next with the same key works.",
	},
	{
		Name: TokenKeyForgotten, authorise: forgotten,
		Meaning: "Authorising works, but its answer is lost and the key forgotten: only the list of payments finds it; " +
			"sending it again makes a second payment.",
	},
	{
		Name: TokenPending, start: startPending,
		Meaning: "The customer has to approve: then it is authorised.",
	},
	{
		Name: TokenPendingWallet, start: startWallet,
		Meaning: "The customer has to approve: then it is charged at once, as wallets do.",
	},
	{
		Name: TokenLateCustomer, start: startWallet, landsLate: true,
		Meaning: "As tok_pending_wallet, but the customer can still pay after the payment was voided; it is then " +
			"charged and has to be refunded.",
	},
	{
		Name: TokenCaptureLost, capture: lost,
		Meaning: "The capture works, but its answer is lost; the same key, and any other, finds it.",
	},
	{
		Name: TokenCaptureLostBefore, capture: lostBefore,
		Meaning: "The first capture is lost on its way and nothing is charged; the next works.",
	},
	{
		Name: TokenCaptureRefused, capture: declined,
		Meaning: "The capture is refused for good; nothing is charged.",
	},
	{
		Name: TokenCaptureLate, capture: late,
		Meaning: "The capture is accepted without an answer and lands a few seconds later; until then the books say " +
			"AUTHORISED, and capture, void and refund are unknown.",
	},
	{
		Name: TokenCaptureDown, capture: down,
		Meaning: "The capture is never answered and never happens; status says AUTHORISED, and a void works.",
	},
	{
		Name: TokenVoidLost, void: lost,
		Meaning: "The void works, but its answer is lost; the same key, and any other, finds it.",
	},
	{
		Name: TokenVoidDown, void: down,
		Meaning: "The first voids (ten, by default) are unknown and nothing is closed; then they work.",
	},
	{
		Name: TokenRefundLost, refund: lost,
		Meaning: "The first refund works, but its answer is lost; the same key finds it.",
	},
	{
		Name: TokenRefundForgotten, refund: forgotten,
		Meaning: "The first refund works, but its answer is lost and the key forgotten: only the list of refunds finds it; " +
			"sending it again makes a second refund.",
	},
	{
		Name: TokenRefundSlow, settles: settlesLate,
		Meaning: "A refund is pending for a few seconds, then it succeeds.",
	},
	{
		Name: TokenRefundRefused, refund: declined,
		Meaning: "Refunds are refused for good; nothing is given back.",
	},
	{
		Name: TokenRefundFails, settles: settlesNever,
		Meaning: "A refund is pending for a few seconds, then it fails; the money is the merchant's again.",
	},
	{
		Name: TokenRefundBounces, settles: settlesAndBounces,
		Meaning: "A refund succeeds at once, and fails a few seconds later because the customer's bank sends it back.",
	},
	{
		Name: TokenRefundDown, refund: down,
		Meaning: "The first refunds (ten, by default) are unknown and nothing is given back; then they work.",
	},
}

// noToken stands for every method that isn't a test token. Its name is what the books keep.
var noToken = Token{Name: "unknown", authorise: declined}

func tokenOf(method string) Token {
	if i := slices.IndexFunc(tokens, func(t Token) bool { return t.Name == method }); i >= 0 {
		return tokens[i]
	}
	return noToken
}
