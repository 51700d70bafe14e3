package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// placed is what the order service prints.
type placed struct {
	RedemptionID string                 `json:"redemption_id"`
	State        models.RedemptionState `json:"state"`
}

// orderService runs examples/orderservice for one order, twice, as if it had crashed before it saw the answer.
func (s *story) orderService(ctx context.Context, sc *scene) error {
	o, err := s.order(ctx)
	if err != nil {
		return err
	}
	first, err := s.place(ctx, o)
	if err != nil {
		return err
	}
	check(sc, "what the order service was told", models.StateConfirmed, first.State)
	again, err := s.place(ctx, o)
	if err != nil {
		return err
	}
	check(sc, "the same order again, by another process, is the same redemption", first.RedemptionID, again.RedemptionID)
	check(sc, "and it was told", models.StateConfirmed, again.State)
	found, err := call[redemptions](ctx, s.orders, request{Path: "/v1/redemptions?order_id=" + url.QueryEscape(o.ID)})
	if err != nil {
		return err
	}
	check(sc, "redemptions of the order, over REST", 1, len(found.Items))
	return s.checkConfirmed(ctx, sc, o, first.RedemptionID)
}

// ownOrders lets the order service keep an order itself: its own worker reserves and confirms it.
func (s *story) ownOrders(ctx context.Context, sc *scene) error {
	o, err := s.order(ctx)
	if err != nil {
		return err
	}
	book := filepath.Join(s.servers.options.Dir, "orders.json")
	result, err := s.place(ctx, o, "-book", book)
	if err != nil {
		return err
	}
	check(sc, "what the order service was told", models.StateConfirmed, result.State)
	type entry struct {
		OrderID string            `json:"order_id"`
		State   models.OrderState `json:"state"`
		Payable int64             `json:"payable"`
	}
	mine, err := kept[entry](book, result.RedemptionID)
	if err != nil {
		return err
	}
	check(sc, "order in its own book", o.ID, mine.OrderID)
	check(sc, "which says", models.OrderConfirmed, mine.State)
	check(sc, "to be paid", price(dollars(toPay)), price(dollars(mine.Payable)))
	return s.checkConfirmed(ctx, sc, o, result.RedemptionID)
}

// ownPayments lets the order service take the payment as well: what it charges is in its own till, and nothing in the bank.
func (s *story) ownPayments(ctx context.Context, sc *scene) error {
	o, err := s.order(ctx)
	if err != nil {
		return err
	}
	till := filepath.Join(s.servers.options.Dir, "till.json")
	result, err := s.place(ctx, o, "-book", filepath.Join(s.servers.options.Dir, "orders.json"), "-till", till)
	if err != nil {
		return err
	}
	check(sc, "what the order service was told", models.StateConfirmed, result.State)
	type sale struct {
		State  string `json:"state"`
		Amount int64  `json:"amount"`
	}
	mine, err := kept[sale](till, result.RedemptionID)
	if err != nil {
		return err
	}
	check(sc, "its own till says", "CHARGED", mine.State)
	check(sc, "namely", price(dollars(toPay)), price(dollars(mine.Amount)))
	r, err := s.end(ctx, result.RedemptionID)
	if err != nil {
		return err
	}
	check(sc, "payment", models.PaymentCaptured, r.Payment.State)
	return s.checkSettled(ctx, sc, o, r, leftover{coupon: models.CouponUsed, charged: 0})
}

// kept reads what the order service has of a redemption in one of its files.
func kept[E any](file, redemptionID string) (E, error) {
	var all map[string]E
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	return all[redemptionID], err
}

// place runs the order service as a process of its own.
func (s *story) place(ctx context.Context, o order, args ...string) (placed, error) {
	var result placed
	text, err := json.Marshal(map[string]any{
		"order_id": o.ID, "customer": o.User.Ref(), "cart": o.Cart, "coupon_ids": o.Coupons, "payment_method": payments.TokenApproved,
	})
	if err != nil {
		return result, err
	}
	at := s.servers.at
	out, err := output(ctx, text, s.servers.options.OrderService, append(args, "-temporal", at.Temporal, "-namespace", at.Namespace)...)
	if err != nil {
		return result, err
	}
	err = json.Unmarshal(out, &result)
	return result, err
}

// output runs a program to its end. Its error has what the program said; what it printed is there all the same.
func output(ctx context.Context, in []byte, program string, args ...string) ([]byte, error) {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.Stdin, cmd.Stderr = environment(os.Environ()), bytes.NewReader(in), &said
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", program, err, strings.TrimSpace(said.String()))
	}
	return out, err
}
