package api

import (
	"context"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
	"github.com/tearoff/tearoff/store"
)

type openRedemptionInput struct {
	Keyed
	Body struct {
		Basket
		OrderID          string       `json:"order_id" minLength:"1" maxLength:"200" pattern:"^\\S(.*\\S)?$" doc:"Your own id of the order. An order has one live redemption."`
		Payment          *paymentPlan `json:"payment,omitempty" doc:"Needed when something is left to pay."`
		PayWithinSeconds int64        `json:"pay_within_seconds,omitempty" minimum:"1" default:"900" doc:"How long the customer has to pay: 60 to 604800 seconds."`
	}
}

type paymentPlan struct {
	Mode   models.PaymentMode `json:"mode" enum:"now,later" doc:"now: method is charged at once. later: the redemption waits for POST …/payment."`
	Method string             `json:"method,omitempty" maxLength:"200" doc:"With now: a token of the payment provider, never a card number."`
}

type findRedemptionsInput struct {
	PageInput
	OrderID string `query:"order_id" required:"true" minLength:"1" maxLength:"200" doc:"Your own id of the order."`
}

type redemptionsOutput struct{ Body page[redemption] }

type payInput struct {
	RedemptionPath
	Body struct {
		Method string `json:"method" minLength:"1" maxLength:"200" doc:"A token of the payment provider, never a card number."`
	}
}

// openRedemption writes the redemption, starts its workflow and waits for the decision. A repeat joins the redemption
// where it is.
func (s *Server) openRedemption(ctx context.Context, in *openRedemptionInput) (*redemptionOutput, error) {
	within, err := s.ttl(in.Body.PayWithinSeconds, "body.pay_within_seconds")
	if err != nil {
		return nil, err
	}
	terms, err := in.Body.Payment.terms()
	if err != nil {
		return nil, err
	}
	plan, prior, err := s.plan(ctx, in.Body.Basket, rules.PlanInput{
		Key: in.Key, OrderID: in.Body.OrderID, Kind: models.KindOrchestrated, Payment: terms, TTL: within,
	})
	if err != nil {
		return nil, err
	}
	if prior == nil {
		outcomes, err := s.store.OpenRedemptions(ctx, []models.Plan{plan})
		if err != nil {
			return nil, err
		}
		prior = &outcomes[0]
	}
	r, err := settled(*prior)
	if err != nil {
		return nil, err
	}
	if r, err = s.drive(ctx, r); err != nil {
		return nil, err
	}
	return s.decided(ctx, decision{redemption: r, replayed: prior.Replayed, opened: true})
}

// terms checks how the customer is to pay. No plan is none, for a redemption with nothing to pay.
func (p *paymentPlan) terms() (models.PaymentTerms, error) {
	switch {
	case p == nil:
		return models.PaymentTerms{}, nil
	case p.Mode == models.PaymentNow && p.Method == "":
		return models.PaymentTerms{}, invalid(Fault{Path: "body.payment.method", Message: "is needed with mode now"})
	case p.Mode == models.PaymentLater && p.Method != "":
		return models.PaymentTerms{}, invalid(Fault{Path: "body.payment.method", Message: "comes later, with POST …/payment"})
	default:
		return models.PaymentTerms{Mode: p.Mode, Method: p.Method}, nil
	}
}

func (s *Server) getRedemption(ctx context.Context, in *RedemptionPath) (*redemptionOutput, error) {
	r, err := s.redemption(ctx, in.ID, "")
	if err != nil {
		return nil, err
	}
	return s.whole(ctx, r)
}

// findRedemptions lists what an order had, holds too. Order ids are the caller's own; support sees those of every caller.
func (s *Server) findRedemptions(ctx context.Context, in *findRedemptionsInput) (*redemptionsOutput, error) {
	key := keyOf(ctx)
	q := store.RedemptionQuery{OrderID: in.OrderID}
	if key.Role == models.RoleServer {
		q.Caller = key.Caller
	}
	return s.redemptions(ctx, in.PageInput, q)
}

const redemptionList = "redemptions"

func (s *Server) redemptions(ctx context.Context, in PageInput, q store.RedemptionQuery) (*redemptionsOutput, error) {
	var err error
	if q.After, err = after(in.Cursor, redemptionList, models.PrefixRedemption); err != nil {
		return nil, err
	}
	q.MerchantID, q.Limit = keyOf(ctx).MerchantID, in.Limit+1
	rows, err := s.store.Redemptions(ctx, q)
	if err != nil {
		return nil, err
	}
	l := list[models.Redemption, redemption]{name: redemptionList, view: s.viewRedemption, mark: func(r models.Redemption) []string {
		return []string{r.ID}
	}}
	return &redemptionsOutput{Body: l.page(rows, in.Limit)}, nil
}

// payRedemption stores how the customer pays and waits for what becomes of it.
func (s *Server) payRedemption(ctx context.Context, in *payInput) (*redemptionOutput, error) {
	r, err := s.redemption(ctx, in.ID, models.KindOrchestrated)
	if err != nil {
		return nil, err
	}
	if r.Payable == 0 {
		return nil, models.NewError(models.CodeStateConflict, "nothing is to be paid").With("state", r.State)
	}
	step, err := s.store.SetPaymentMethod(ctx, r.ID, in.Body.Method)
	if err != nil {
		return nil, err
	}
	if step.Proceed { // a repeat must not begin the patience with a slow provider anew
		s.wakeUp(ctx, r.ID)
	}
	step = s.awaitPayment(ctx, step)
	if declined := step.Payment.Refusal; step.Payment.State == models.PaymentDeclined && step.Redemption.State == models.StateWaiting && declined != nil {
		return nil, declined.Err().With("redemption_id", r.ID).With("attempt", step.Payment.Attempt)
	}
	return s.decided(ctx, decision{redemption: step.Redemption})
}

// cancelRedemption decides against a redemption and waits until everything is given back.
func (s *Server) cancelRedemption(ctx context.Context, in *RedemptionPath) (*redemptionOutput, error) {
	r, err := s.redemption(ctx, in.ID, models.KindOrchestrated)
	if err != nil {
		return nil, err
	}
	if r, err = s.store.Abandon(ctx, r.ID, models.NewError(models.CodeCancelledBy, "the caller cancelled the redemption")); err != nil {
		return nil, err
	}
	if !r.State.Final() {
		s.wakeUp(ctx, r.ID)
	}
	return s.cancelled(ctx, s.await(ctx, r, func(r models.Redemption) bool { return r.State.Final() || r.Stuck }))
}
