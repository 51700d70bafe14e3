package store

import "github.com/tearoff/tearoff/models"

// redemptionEvent is what is told of a redemption that has come to where it is; "" for nothing.
func redemptionEvent(r *models.Redemption) models.EventType {
	hold := r.Kind == models.KindHold
	switch {
	case r.Stuck:
		return models.EventRedemptionStuck
	case r.State == models.StateConfirmed && hold:
		return models.EventHoldConfirmed
	case r.State == models.StateConfirmed:
		return models.EventRedemptionConfirmed
	case r.State == models.StateCancelled && !hold:
		return models.EventRedemptionCancelled
	case r.State == models.StateCancelled && r.RanOut():
		return models.EventHoldExpired
	case r.State == models.StateCancelled && r.Outcome != nil && *r.Outcome == models.CodeCancelledBy: // a refused one was never open
		return models.EventHoldCancelled
	case r.State == models.StateWaiting && hold:
		return models.EventHoldOpened
	default:
		return ""
	}
}

// tellRedemption emits where a locked redemption has come to. It is called once for each move.
func (tx *txn) tellRedemption(r *models.Redemption) error {
	kind := redemptionEvent(r)
	heard, err := tx.listening()
	if kind == "" || err != nil || !heard.hear(r.MerchantID, kind) {
		return err
	}
	return tx.emit(models.Event{Type: kind, MerchantID: r.MerchantID, Subject: r.ID, SubjectSeq: r.Seq}.With(models.NewRedemptionEvent(*r)))
}

// refundEvent is what is told of a refund that has come to where it is; "" for nothing.
func refundEvent(r *models.Refund) models.EventType {
	switch {
	case r.State == models.RefundBounced && r.Stuck: // as all that bounce are
		return ""
	case r.State == models.RefundBounced:
		return models.EventRefundBounced
	case r.Stuck:
		return models.EventRefundStuck
	case r.State == models.RefundDone:
		return models.EventRefundSettled
	case r.State == models.RefundRejected:
		return models.EventRefundRejected
	case r.State == models.RefundFailed:
		return models.EventRefundFailed
	case r.Seq == 1:
		return models.EventRefundRequested
	default:
		return ""
	}
}

// tellRefund emits where a locked refund has come to. It is called once for each move.
func (tx *txn) tellRefund(r *models.Refund) error {
	kind := refundEvent(r)
	heard, err := tx.listening()
	if kind == "" || err != nil || len(heard.endpoints) == 0 {
		return err
	}
	var merchants []string // a redemption stays its merchant's
	err = tx.Model(&models.Redemption{}).Where("id = ?", r.RedemptionID).Pluck("merchant_id", &merchants).Error
	if err != nil || len(merchants) == 0 {
		return err
	}
	return tx.emit(models.Event{Type: kind, MerchantID: merchants[0], Subject: r.ID, SubjectSeq: r.Seq}.With(models.NewRefundEvent(*r)))
}
