package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// TryOrders makes a pending order for each redemption.
func (s *Store) TryOrders(ctx context.Context, ids []string) ([]RedemptionOutcome, error) {
	return s.barrier(ctx, ids, newOrderBranch, tryStep)
}

// ConfirmOrders confirms the orders.
func (s *Store) ConfirmOrders(ctx context.Context, ids []string) ([]RedemptionOutcome, error) {
	return s.barrier(ctx, ids, newOrderBranch, confirmStep)
}

// CancelOrders cancels the orders.
func (s *Store) CancelOrders(ctx context.Context, ids []string) ([]RedemptionOutcome, error) {
	return s.barrier(ctx, ids, newOrderBranch, cancelStep)
}

// Order returns the built-in order of a redemption, or CodeNotFound.
func (s *Store) Order(ctx context.Context, redemptionID string) (models.Order, error) {
	var o models.Order
	err := s.db.WithContext(ctx).Take(&o, "redemption_id = ?", redemptionID).Error
	return o, notFound(err, "order")
}

// orderBranch is the built-in order participant.
type orderBranch struct{}

func newOrderBranch() participant { return orderBranch{} }

func (orderBranch) branch() models.Branch { return models.BranchOrder }

func (orderBranch) lock(*txn, []*item) error { return nil }

func (orderBranch) try(tx *txn, it *item) (models.BranchResult, *models.Error, error) {
	now, err := tx.now()
	if err != nil {
		return models.BranchResult{}, nil, err
	}
	return models.BranchResult{}, nil, tx.Create(&models.Order{
		ID: models.NewID(models.PrefixOrder), RedemptionID: it.ID, Caller: it.Caller, OrderID: *it.OrderID,
		MerchantID: it.MerchantID, State: models.OrderPending, Seq: 1, Currency: it.Currency, Total: it.Payable,
		CreatedAt: now, UpdatedAt: now,
	}).Error
}

func (orderBranch) confirm(tx *txn, it *item) (*models.Error, error) {
	return moveOrder(tx, it, models.OrderConfirmed)
}

func (orderBranch) cancel(tx *txn, it *item) (*models.Error, error) {
	return moveOrder(tx, it, models.OrderCancelled)
}

func moveOrder(tx *txn, it *item, to models.OrderState) (*models.Error, error) {
	now, err := tx.now()
	if err != nil {
		return nil, err
	}
	res := tx.Exec("UPDATE orders SET state = ?, seq = seq + 1, updated_at = ? WHERE redemption_id = ? AND state = ?",
		to, now, it.ID, models.OrderPending)
	if res.Error == nil && res.RowsAffected == 0 {
		return models.NewError(models.CodeBranchMissing, "the pending order does not exist"), nil
	}
	return nil, res.Error
}

func (orderBranch) write(*txn) error { return nil }
