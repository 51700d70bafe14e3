// Package conformance is what every payment provider has to pass: Run plays each trouble that a provider can have and checks
// that what the provider says of it is true. docs/providers.md lists the cases.
package conformance

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// Behaviour is a way in which the provider's other side is made to behave for one payment.
type Behaviour string

// The behaviours. "Lost" means done without an answer, "dropped" that the request didn't arrive.
const (
	Understands     Behaviour = "understands"       // requests are well-formed; what comes of them is open
	OutOfReach      Behaviour = "out of reach"      // nobody answers
	Approves        Behaviour = "approves"          // everything works
	Declines        Behaviour = "declines"          // authorising is refused
	NeedsCustomer   Behaviour = "needs customer"    // pending until the customer approves
	LosesAuthorise  Behaviour = "loses authorise"   // the first authorisation is lost
	DropsAuthorise  Behaviour = "drops authorise"   // the first authorisation is dropped
	ForgetsKey      Behaviour = "forgets key"       // the first authorisation is lost, and its key forgotten
	LosesCapture    Behaviour = "loses capture"     // the first capture is lost
	DropsCapture    Behaviour = "drops capture"     // the first capture is dropped
	RefusesCapture  Behaviour = "refuses capture"   // captures are refused for good
	CapturesLate    Behaviour = "captures late"     // the capture happens without an answer when time passes
	LosesVoid       Behaviour = "loses void"        // the first void is lost
	LosesRefund     Behaviour = "loses refund"      // the first refund is lost
	ForgetsRefund   Behaviour = "forgets refund"    // the first refund is lost, and its key forgotten
	RefundsLate     Behaviour = "refunds late"      // a refund is pending until time passes, then succeeds
	RefundsFail     Behaviour = "refunds fail"      // a refund is pending until time passes, then fails
	RefundsSentBack Behaviour = "refunds sent back" // a refund succeeds, and fails when time passes
	RefusesRefund   Behaviour = "refuses refund"    // refunds are refused for good
	ChargesBack     Behaviour = "charges back"      // the customer's bank takes back what the customer disputes
)

// Harness says how one provider is made to behave. Each behaviour is either a method or named in CannotAct.
type Harness struct {
	// New returns the provider, ready for one case. Cases run in parallel.
	New func(t *testing.T) payments.Provider
	// Unreachable returns the provider with nobody to answer it; nil for one that can't be out of reach.
	Unreachable func(t *testing.T) payments.Provider
	// Methods are the means of payment that bring each behaviour about.
	Methods map[Behaviour]string
	// CannotAct gives the reason for each behaviour that can't be brought about: its cases are left out and logged.
	CannotAct map[Behaviour]string
	// CustomerApproves is the customer's own act for a payment that is PENDING.
	CustomerApproves func(t *testing.T, p payments.Provider, payment string)
	// TimePasses lets what is under way for a payment happen: a late capture, a refund's settlement.
	TimePasses func(t *testing.T, p payments.Provider, payment string)
	// CustomerDisputes has the customer's bank take back an amount of a captured payment; 0 ends the dispute in our favour.
	CustomerDisputes func(t *testing.T, p payments.Provider, payment string, amount int64)
	// Money is what a case pays; at least 1000 minor units. Defaults to 19.99 EUR.
	Money models.Money
	// ListWithin is how long a payment may take to show in the list. 0: none.
	ListWithin time.Duration
	// Nobody is a reference that the provider doesn't know.
	Nobody string
}

// Case is one thing that is demanded.
type Case struct {
	Name    string    // also the name of the test
	Demands string    // one sentence for the documentation
	Needs   Behaviour // "": nothing but a provider
	run     func(c *till)
}

// Cases lists them in the order of the documentation.
func Cases() []Case { return slices.Clone(cases) }

// Run plays every case that the harness can act, each as a test of its own.
func Run(t *testing.T, h Harness) {
	t.Helper()
	if h.Money == (models.Money{}) {
		h.Money = models.Money{Amount: 1999, Currency: "EUR"}
	}
	for _, c := range cases {
		if why := h.CannotAct[c.Needs]; why != "" {
			t.Logf("%s: not acted: %s", c.Name, why)
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			c.run(h.till(t, c.Needs))
		})
	}
}

func (h Harness) till(t *testing.T, needs Behaviour) *till {
	t.Helper()
	c := &till{t: t, h: h, ourID: models.PaymentID(models.NewID(models.PrefixRedemption), 1)}
	if needs == OutOfReach {
		require.NotNil(t, h.Unreachable, "neither Unreachable nor a reason in CannotAct")
		c.p = h.Unreachable(t)
		return c
	}
	c.p = h.New(t)
	if needs != "" {
		require.NotEmpty(t, h.Methods[needs], "neither a method nor a reason in CannotAct")
		c.method = h.Methods[needs]
	}
	return c
}
