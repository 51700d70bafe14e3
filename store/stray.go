package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// StrayAnswer is what the provider said of a payment that was marked as stray.
type StrayAnswer struct {
	Seen        int64               // Payment.Seq when the asking began
	State       models.PaymentState // of the payment; "": nothing was asked about it
	ChargedBack int64               // minor units
}

// SettleStray stores the answer and takes the mark back, unless something about the payment changed since the asking began:
// the provider may have called again, so the answer may be old and the mark stays. On a cancelled redemption the answer's
// state becomes the payment's; on any other the payment keeps its own, because others follow it.
func (s *Store) SettleStray(ctx context.Context, id string, a StrayAnswer) (PaymentStep, error) {
	was := int64(0)
	step, err := s.withPayment(ctx, id, func(x *paymentTx) (bool, error) {
		was = x.p.ChargedBack
		if !x.p.Stray || x.p.Seq != a.Seen {
			return false, nil
		}
		if a.State != "" {
			x.p.ChargedBack = a.ChargedBack
		}
		if a.State != "" && x.at(models.StateCancelling, models.StateCancelled) {
			x.p.State = a.State
		}
		left, err := x.hasStrayAttempts()
		if err != nil {
			return false, err
		}
		if left {
			return false, x.save() // the sweeper goes on looking
		}
		x.p.Stray = false
		if x.r.State.Final() || x.at(models.StateWaiting) { // what kept it busy is done
			x.r.Stuck, x.r.StuckReason, x.r.StuckSince = false, nil, models.Time{}
		}
		return false, x.saveBoth()
	})
	if err == nil && was != step.Payment.ChargedBack {
		s.log.WarnContext(ctx, "the customer's bank took money back, or gave it back", "redemption_id", id, "payment_id", step.Payment.ID,
			"charged_back", step.Payment.ChargedBack, "before", was, "currency", step.Payment.Currency)
	}
	return step, err
}
