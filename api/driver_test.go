package api_test

import (
	"cmp"
	"context"
	"errors"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// driver plays the worker: it takes a redemption through the store's steps, one call for each branch. The real one, on a
// real Temporal server, is tested in e2e.
type driver struct {
	ctx       context.Context
	s         *store.Store
	provider  string                 // of payments. "": fake
	declined  bool                   // the next payment is
	stopAfter models.RedemptionState // where the worker is lost; "": nowhere
}

// inBackground starts a run as a workflow would be started.
func (d *driver) inBackground(id string) error {
	go func() { _ = d.run(id) }()
	return nil
}

// run goes on from where the redemption is, until it ends or waits for the customer.
func (d *driver) run(id string) error {
	for {
		r, err := d.s.Redemption(d.ctx, id)
		if err != nil {
			return err
		}
		if r.State.Final() || r.State == d.stopAfter {
			return nil
		}
		before := r.Seq
		if err := d.step(r); err != nil {
			return err
		}
		if r.State == models.StateTrying && r.Content.Payment.Mode == models.PaymentLater {
			return nil // the customer's payment wakes it
		}
		after, err := d.s.Redemption(d.ctx, id)
		if err != nil || after.Seq == before {
			return err
		}
	}
}

func (d *driver) step(r models.Redemption) error {
	switch r.State {
	case models.StateNew:
		_, err := d.s.Begin(d.ctx, r.ID)
		return err
	case models.StateTrying:
		return d.try(r)
	case models.StateWaiting:
		step, err := d.s.PaymentOf(d.ctx, r.ID)
		if err != nil || step.Payment.Method == "" || step.Payment.State != models.PaymentNew {
			return err
		}
		return d.pay(r)
	case models.StateCommitting:
		if _, err := d.s.BeginCapture(d.ctx, r.ID); err != nil {
			return err
		}
		_, err := d.s.RecordCaptured(d.ctx, r.ID, "ref-"+r.ID)
		return err
	case models.StateCommitted:
		return d.both(r, d.s.ConfirmCoupons, d.s.ConfirmOrders)
	case models.StateCancelling:
		return d.both(r, d.s.CancelCoupons, d.s.CancelOrders)
	case models.StateClosing:
		if _, err := d.s.BeginVoid(d.ctx, r.ID); err != nil {
			return err
		}
		_, err := d.s.RecordVoided(d.ctx, r.ID)
		return err
	case models.StateConfirmed, models.StateCancelled:
	}
	return nil
}

func (d *driver) try(r models.Redemption) error {
	for _, try := range []func(context.Context, []string) ([]store.RedemptionOutcome, error){d.s.TryOrders, d.s.TryCoupons} {
		out, err := try(d.ctx, []string{r.ID})
		if err != nil {
			return err
		}
		if refusal := out[0].Err; refusal != nil {
			_, err := d.s.Abandon(d.ctx, r.ID, refusal)
			return err
		}
	}
	switch {
	case r.Payable == 0:
		_, err := d.s.Commit(d.ctx, r.ID)
		return err
	case r.Content.Payment.Mode == models.PaymentLater:
		_, err := d.s.Await(d.ctx, r.ID)
		return err
	default:
		return d.pay(r)
	}
}

func (d *driver) pay(r models.Redemption) error {
	step, err := d.s.BeginAuthorise(d.ctx, r.ID, cmp.Or(d.provider, "fake"))
	if err != nil {
		return err
	}
	a := store.Answer{Attempt: step.Payment.Attempt, Reference: "ref-" + r.ID, State: models.PaymentAuthorised}
	if d.declined {
		d.declined = false
		a = store.Answer{Attempt: step.Payment.Attempt, State: models.PaymentDeclined, Refusal: models.NewError(models.CodePaymentDeclined, "declined")}
	}
	if _, err := d.s.RecordAuthorise(d.ctx, r.ID, a); err != nil {
		return err
	}
	switch {
	case a.State == models.PaymentAuthorised:
		_, err = d.s.Commit(d.ctx, r.ID)
	case r.State == models.StateTrying:
		_, err = d.s.Abandon(d.ctx, r.ID, a.Refusal)
	}
	return err
}

func (d *driver) both(r models.Redemption, moves ...func(context.Context, []string) ([]store.RedemptionOutcome, error)) error {
	for _, move := range moves {
		out, err := move(d.ctx, []string{r.ID})
		if err == nil && out[0].Err != nil {
			err = out[0].Err
		}
		if err != nil {
			return err
		}
	}
	_, err := d.s.Finish(d.ctx, r.ID)
	return errors.Join(err)
}
