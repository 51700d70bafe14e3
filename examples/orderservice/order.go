package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.temporal.io/sdk/client"

	"github.com/tearoff/tearoff/activities"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/workflows"
)

// caller is this service's own name in Tearoff: the scope of its order ids and keys.
const caller = "orderservice"

// Order is what a customer ordered, in this service's terms.
type Order struct {
	ID            string         `json:"order_id"`
	Customer      models.UserRef `json:"customer"`
	Cart          models.Cart    `json:"cart"`
	CouponIDs     []string       `json:"coupon_ids"`
	PaymentMethod string         `json:"payment_method"` // a token of the payment provider, never a card number
}

// readOrder reads one order and refuses what it doesn't know, so that a misspelt field is not money lost.
func readOrder(in io.Reader) (Order, error) {
	var o Order
	decoder := json.NewDecoder(in)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&o); err != nil {
		return Order{}, fmt.Errorf("read the order: %w", err)
	}
	if o.ID == "" {
		return Order{}, errors.New("read the order: order_id is missing")
	}
	return o, nil
}

// redemption is the order as Tearoff takes it. The key is a function of the order alone: whoever sends the order again,
// from whichever process, means the same redemption.
func (o Order) redemption() workflows.RedemptionInput {
	return workflows.RedemptionInput{Open: &activities.OpenInput{
		Caller:    caller,
		Key:       "order/" + o.ID,
		OrderID:   o.ID,
		User:      o.Customer,
		Cart:      o.Cart,
		CouponIDs: o.CouponIDs,
		Payment:   models.PaymentTerms{Mode: models.PaymentNow, Method: o.PaymentMethod},
	}}
}

// starter is what placing an order needs of a Temporal client.
type starter interface {
	ExecuteWorkflow(ctx context.Context, options client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
}

// place redeems the order's coupons, charges the rest and confirms the order, and says how it ended. A refusal, such as a
// declined card, is a result with state CANCELLED and its reason. An error means that the outcome is not known here: place
// the same order again.
func place(ctx context.Context, c starter, in workflows.RedemptionInput) (workflows.RedemptionResult, error) {
	run, err := c.ExecuteWorkflow(ctx, workflows.RedemptionOptions(in), workflows.Redemption, in)
	if err != nil {
		return workflows.RedemptionResult{}, fmt.Errorf("start the redemption: %w", err)
	}
	var result workflows.RedemptionResult
	if err := run.Get(ctx, &result); err != nil {
		return workflows.RedemptionResult{}, fmt.Errorf("redemption %s: %w", in.ID(), err)
	}
	return result, nil
}
