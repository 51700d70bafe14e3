package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// TryOrders makes a pending order for each redemption.
func (s *Store) TryOrders(ctx context.Context, ids []string) ([]RedemptionOutcome, error) {
	return s.orders(ctx, ids, (*slice).try)
}

// ConfirmOrders confirms the orders.
func (s *Store) ConfirmOrders(ctx context.Context, ids []string) ([]RedemptionOutcome, error) {
	return s.orders(ctx, ids, (*slice).confirm)
}

// CancelOrders cancels the orders.
func (s *Store) CancelOrders(ctx context.Context, ids []string) ([]RedemptionOutcome, error) {
	return s.orders(ctx, ids, (*slice).cancel)
}

// orders takes the redemptions, one after the other, through a step of the order participant.
func (s *Store) orders(ctx context.Context, ids []string, step func(*slice, *item) (*models.Error, error)) ([]RedemptionOutcome, error) {
	var outcomes []RedemptionOutcome
	err := s.tx(ctx, func(tx *txn) error {
		outcomes = make([]RedemptionOutcome, len(ids))
		sl, err := tx.lockSlice(ids, orderBranch{tx})
		if err != nil {
			return err
		}
		for i, id := range ids {
			outcomes[i], err = sl.perform(id, func(it *item) (*models.Error, error) { return step(sl, it) })
			if err != nil {
				return err
			}
		}
		return sl.write()
	})
	return outcomes, err
}

// Order returns the built-in order of a redemption, or CodeNotFound.
func (s *Store) Order(ctx context.Context, redemptionID string) (models.Order, error) {
	var o models.Order
	err := s.db.WithContext(ctx).Take(&o, "redemption_id = ?", redemptionID).Error
	return o, notFound(err, "order")
}

// orderBranch is the built-in order participant.
type orderBranch struct{ *txn }

func (orderBranch) branch() models.Branch { return models.BranchOrder }

func (p orderBranch) try(it *item) (models.BranchResult, *models.Error, error) {
	now, err := p.now()
	if err != nil {
		return models.BranchResult{}, nil, err
	}
	return models.BranchResult{}, nil, p.Create(&models.Order{
		ID: models.NewID(models.PrefixOrder), RedemptionID: it.ID, Caller: it.Caller, OrderID: *it.OrderID,
		MerchantID: it.MerchantID, State: models.OrderPending, Seq: 1, Currency: it.Currency, Total: it.Payable,
		CreatedAt: now, UpdatedAt: now,
	}).Error
}

func (p orderBranch) confirm(it *item) (*models.Error, error) {
	return p.moveOrder(it, models.OrderConfirmed)
}

func (p orderBranch) cancel(it *item) (*models.Error, error) {
	return p.moveOrder(it, models.OrderCancelled)
}

func (p orderBranch) moveOrder(it *item, to models.OrderState) (*models.Error, error) {
	now, err := p.now()
	if err != nil {
		return nil, err
	}
	res := p.Exec("UPDATE orders SET state = ?, seq = seq + 1, updated_at = ? WHERE redemption_id = ? AND state = ?",
		to, now, it.ID, models.OrderPending)
	if res.Error == nil && res.RowsAffected == 0 {
		return models.NewError(models.CodeBranchMissing, "the pending order does not exist"), nil
	}
	return nil, res.Error
}
