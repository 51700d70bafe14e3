package activities

import (
	"context"

	"github.com/tearoff/tearoff/store"
)

// Coupons is the participant that keeps the coupons.
type Coupons struct{ Store *store.Store }

// TryCoupons locks the coupons of the redemption, or is refused with the reason of the first that can't be.
func (a *Coupons) TryCoupons(ctx context.Context, in RedemptionRef) (Status, error) {
	return answered(a.Store.Redeem(ctx, store.Operation{Try: in.RedemptionID}))
}

// ConfirmCoupons uses the locked coupons.
func (a *Coupons) ConfirmCoupons(ctx context.Context, in RedemptionRef) (Status, error) {
	return answered(a.Store.Redeem(ctx, store.Operation{Confirm: in.RedemptionID}))
}

// CancelCoupons frees the locked coupons.
func (a *Coupons) CancelCoupons(ctx context.Context, in RedemptionRef) (Status, error) {
	return answered(a.Store.Redeem(ctx, store.Operation{Cancel: in.RedemptionID}))
}

// Orders is the built-in participant that keeps the order.
type Orders struct{ Store *store.Store }

// TryOrder makes the pending order.
func (a *Orders) TryOrder(ctx context.Context, in RedemptionRef) (Status, error) {
	return one(a.Store.TryOrders(ctx, []string{in.RedemptionID}))
}

// ConfirmOrder confirms the order.
func (a *Orders) ConfirmOrder(ctx context.Context, in RedemptionRef) (Status, error) {
	return one(a.Store.ConfirmOrders(ctx, []string{in.RedemptionID}))
}

// CancelOrder cancels the order.
func (a *Orders) CancelOrder(ctx context.Context, in RedemptionRef) (Status, error) {
	return one(a.Store.CancelOrders(ctx, []string{in.RedemptionID}))
}

// one answers for a slice of one.
func one(out []store.RedemptionOutcome, err error) (Status, error) {
	if err != nil {
		return Status{}, asTemporal(err)
	}
	return answered(out[0], nil)
}

func answered(out store.RedemptionOutcome, err error) (Status, error) {
	if err == nil && out.Err != nil {
		err = out.Err
	}
	if err != nil {
		return Status{}, asTemporal(err)
	}
	return statusOf(out.Redemption), nil
}
