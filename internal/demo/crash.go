package demo

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// The crowd that redeems while the worker is killed, by how the bank treats them: some are done before, some wait for a
// slow authorisation, some are being charged and have no answer yet.
var crashTokens = map[string]int{
	payments.TokenApproved:    8,
	payments.TokenSlow:        6,
	payments.TokenCaptureLate: 6,
}

// crash kills the worker while redemptions are under way, starts another one, and expects that all end well.
func (s *story) crash(ctx context.Context, sc *scene) error {
	orders, err := s.crowd(ctx)
	if err != nil {
		return err
	}
	asked := s.payAll(ctx, orders)
	count := func(ctx context.Context) (tally, error) { return s.tally(ctx, orders) }
	if before, err := until(ctx, count, tally.inTheMiddle); err != nil {
		return fmt.Errorf("redemptions are %v: %w", before, err)
	}
	s.servers.worker.Kill()
	sc.tell("SIGKILL to the worker, process %d", s.servers.worker.PID())
	left, err := count(ctx)
	if err != nil {
		return err
	}
	sc.expect(left.under() > 0, fmt.Sprintf("%d redemptions are cut off in the middle: %v", left.under(), left))
	if err := s.servers.startWorker(ctx); err != nil {
		return err
	}
	sc.tell("another worker is started, process %d", s.servers.worker.PID())
	after, err := until(ctx, count, func(t tally) bool { return t.under() == 0 })
	if err != nil {
		return fmt.Errorf("redemptions are %v: %w", after, err)
	}
	check(sc, "redemptions", tally{models.StateConfirmed: len(orders)}.String(), after.String())
	if err := <-asked; err != nil {
		return err
	}
	return s.checkOnce(ctx, sc, orders)
}

// crowd is the orders that are redeemed at once.
func (s *story) crowd(ctx context.Context) (map[string]crashOrder, error) {
	orders := map[string]crashOrder{}
	for token, n := range crashTokens {
		for range n {
			o, err := s.order(ctx)
			if err != nil {
				return nil, err
			}
			orders[o.ID] = crashOrder{order: o, token: token}
		}
	}
	return orders, nil
}

// crashOrder is an order with the token it is paid with.
type crashOrder struct {
	order
	token string
}

// payAll redeems all orders at once and doesn't wait for the answers, which come in the channel when all are there.
func (s *story) payAll(ctx context.Context, orders map[string]crashOrder) <-chan error {
	asked := make(chan error, 1)
	go func() {
		var all sync.WaitGroup
		errs := make(chan error, len(orders))
		for _, o := range orders {
			all.Go(func() {
				_, refused, err := s.pay(ctx, o.order, payNow(o.token), payWithin)
				if err == nil && refused != "" {
					err = fmt.Errorf("order %s was refused: %s", o.ID, refused)
				}
				errs <- err
			})
		}
		all.Wait()
		close(errs)
		var failed error
		for err := range errs {
			failed = errors.Join(failed, err)
		}
		asked <- failed
	}()
	return asked
}

// tally counts redemptions by state.
type tally map[models.RedemptionState]int

// inTheMiddle is when the worker is killed: some are being tried, some charged. When those are over already that were not
// to take long, it is time as well.
func (t tally) inTheMiddle() bool {
	return t[models.StateTrying] >= 3 && t[models.StateCommitting] >= 3 || t[models.StateConfirmed] >= crashTokens[payments.TokenApproved]
}

// under is how many have not ended.
func (t tally) under() int {
	n := 0
	for state, count := range t {
		if !state.Final() {
			n += count
		}
	}
	return n
}

// String lists the states in the order of a redemption's life.
func (t tally) String() string {
	text := ""
	for _, state := range []models.RedemptionState{
		models.StateNew, models.StateTrying, models.StateWaiting, models.StateClosing, models.StateCommitting, models.StateCommitted,
		models.StateConfirmed, models.StateCancelling, models.StateCancelled,
	} {
		if t[state] == 0 {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%d %s", t[state], state)
	}
	return text
}

func (s *story) tally(ctx context.Context, orders map[string]crashOrder) (tally, error) {
	found, err := s.redemptionsOf(ctx, orders)
	t := tally{}
	for _, r := range found {
		t[r.State]++
	}
	if unwritten := len(orders) - len(found); unwritten > 0 {
		t[models.StateNew] += unwritten
	}
	return t, err
}

func (s *story) redemptionsOf(ctx context.Context, orders map[string]crashOrder) ([]redemption, error) {
	all, err := call[redemptions](ctx, s.admin, request{Path: "/v1/admin/redemptions?limit=200"})
	var found []redemption
	for _, r := range all.Items {
		if _, ours := orders[r.OrderID]; ours {
			found = append(found, r)
		}
	}
	return found, err
}

// checkOnce expects that every order was charged once and its coupon is used.
func (s *story) checkOnce(ctx context.Context, sc *scene, orders map[string]crashOrder) error {
	found, err := s.redemptionsOf(ctx, orders)
	if err != nil {
		return err
	}
	once, used := 0, 0
	for _, r := range found {
		charged, err := s.bank.charged(ctx, r.ID)
		if err != nil {
			return err
		}
		if charged == toPay {
			once++
		}
		coupons, err := s.wallet(ctx, orders[r.OrderID].User)
		if err != nil {
			return err
		}
		if len(coupons) == 1 && coupons[0].State == models.CouponUsed {
			used++
		}
	}
	check(sc, "charged exactly once in the bank's books", len(orders), once)
	check(sc, "coupons used", len(orders), used)
	if len(found) > 0 {
		sc.link(found[len(found)-1].Links.Temporal)
	}
	return nil
}
