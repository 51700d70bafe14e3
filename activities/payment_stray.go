package activities

import (
	"context"
	"errors"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store"
)

// KeysForgottenAfter is when a provider has certainly forgotten the key of a request, and the request can't be on its way any
// more: what its list doesn't show by then will never be there.
const KeysForgottenAfter = 48 * time.Hour

// How long to wait before the list is searched again: as long as the request is old, within these bounds.
const (
	leastLookAgain = time.Minute
	mostLookAgain  = 6 * time.Hour
)

// ReturnStray asks the provider about a payment that is marked as stray and about the attempts beside it. What landed where
// nothing should is given back in full; what the customer's bank took back of a confirmed redemption is stored. A payment
// that may still arrive stays marked, and the status says when to look again.
func (a *Payments) ReturnStray(ctx context.Context, in RedemptionRef) (Status, error) {
	defer heartbeat(ctx)()
	step, err := ours(a.Store.PaymentOf(ctx, in.RedemptionID))
	if err != nil || !step.Payment.Stray {
		return answer(step, err)
	}
	said, again, err := a.askAbout(ctx, step)
	if err = errors.Join(err, a.returnAttempts(ctx, in.RedemptionID)); err != nil {
		return answer(step, err)
	}
	if again > 0 {
		status, err := answer(step, nil)
		status.Payment.LookIn = again
		return status, err
	}
	return answer(a.Store.SettleStray(ctx, in.RedemptionID, said))
}

// askAbout asks about the payment that counts, and gives it back where it doesn't. again is not 0 when only time can tell.
func (a *Payments) askAbout(ctx context.Context, step store.PaymentStep) (said store.StrayAnswer, again time.Duration, err error) {
	p := step.Payment
	said.Seen = p.Seq
	cancelled := step.Redemption.State == models.StateCancelling || step.Redemption.State == models.StateCancelled
	switch {
	case cancelled && p.Reference == nil && (p.SentAt.IsZero() || p.State == models.PaymentDeclined):
		return said, 0, nil // the provider was never asked, or refused for good
	case cancelled && p.Reference == nil:
		found, err := a.adopt(ctx, p)
		if err != nil {
			return said, 0, err
		}
		if found == nil {
			return a.neverArrived(ctx, p)
		}
		p.Reference = &found.Reference
	case p.Reference == nil, !step.Redemption.State.Final() && !cancelled:
		return said, 0, nil // it was written off, or the redemption's own steps follow it
	}
	if cancelled {
		said.State, said.ChargedBack, err = a.giveBackWhole(ctx, p.OurID(), *p.Reference)
		return said, 0, err
	}
	got, err := a.Provider.Status(ctx, *p.Reference)
	if err != nil {
		return said, 0, unknown("status", err)
	}
	said.State, said.ChargedBack = got.State, got.ChargedBack
	return said, 0, nil
}

// neverArrived decides about a payment that was asked for and that the provider doesn't show.
func (a *Payments) neverArrived(ctx context.Context, p models.Payment) (store.StrayAnswer, time.Duration, error) {
	said := store.StrayAnswer{Seen: p.Seq}
	now, err := a.Store.Now(ctx)
	if err != nil {
		return said, 0, err
	}
	age := now.Sub(p.SentAt.Time)
	if left := KeysForgottenAfter - age; left > 0 {
		return said, min(max(age, leastLookAgain), mostLookAgain, left), nil
	}
	said.State = models.PaymentVoided
	return said, 0, nil
}

// returnAttempts gives back every stray attempt. One that the provider doesn't tell of keeps no other from being given back.
func (a *Payments) returnAttempts(ctx context.Context, redemptionID string) error {
	attempts, err := a.Store.StrayAttempts(ctx, redemptionID)
	for _, attempt := range attempts {
		state, _, e := a.giveBackWhole(ctx, attempt.OurID(), attempt.Reference)
		if e == nil {
			e = a.Store.SettleAttempt(ctx, attempt, state)
		}
		err = errors.Join(err, e)
	}
	return err
}

// giveBackWhole closes a payment, or gives back what is charged of it, and says what it is then.
func (a *Payments) giveBackWhole(ctx context.Context, ourID, reference string) (state models.PaymentState, chargedBack int64, err error) {
	got, err := a.Provider.Status(ctx, reference)
	switch {
	case err != nil:
		return "", 0, unknown("status", err)
	case got.OurID != ourID:
		return "", 0, models.NewError(models.CodePaymentUnknown, "the payment is another one's")
	case got.State == models.PaymentCaptured, got.State == models.PaymentRefunded: // a refund under way may yet fail
		return models.PaymentRefunded, got.ChargedBack, a.giveBackAll(ctx, ourID, reference)
	case !open(got.State):
		return got.State, got.ChargedBack, nil
	}
	_, err = a.Provider.Void(ctx, payments.ReferenceInput{Key: ourID + "/void/" + reference, Reference: reference})
	if err != nil {
		return "", 0, unknown("void", err)
	}
	return models.PaymentVoided, 0, nil
}
