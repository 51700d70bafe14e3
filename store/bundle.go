package store

import (
	"cmp"

	"github.com/tearoff/tearoff/models"
)

// bundle is the operations of one Perform and what its transaction knows of them under its locks.
type bundle struct {
	*slice
	ops      []Operation
	requests map[int]ClaimRequest // by operation, with the batches of their codes
	names    *names
	late     map[int]*again // what confirmations of holds that have run out need again, by operation
	coupons  *couponsBranch
	claims   *claims
}

// newBundle locks and reads all that the operations need, in lock order.
func (tx *txn) newBundle(ops []Operation) (*bundle, error) {
	b := &bundle{ops: ops, requests: map[int]ClaimRequest{}, late: map[int]*again{}, coupons: &couponsBranch{tx: tx}}
	requests, err := b.readClaims(tx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, op := range ops {
		if id := op.settles(); id != "" {
			ids = append(ids, id)
		}
	}
	if b.slice, err = tx.lockSlice(ids, b.coupons); err != nil {
		return nil, err
	}
	if b.names, err = tx.lockNames(b.mentions(), b.items); err != nil {
		return nil, err
	}
	if err := b.readLate(); err != nil {
		return nil, err
	}
	if err := b.coupons.lock(b.concerned(), requests); err != nil {
		return nil, err
	}
	b.claims, err = tx.newClaims(b.coupons.issuer, requests)
	return b, err
}

// readClaims finds the batches of the claims.
func (b *bundle) readClaims(tx *txn) ([]ClaimRequest, error) {
	var requests []ClaimRequest
	for _, op := range b.ops {
		if op.Claim != nil {
			requests = append(requests, *op.Claim)
		}
	}
	named, err := tx.nameBatches(requests)
	if err != nil {
		return nil, err
	}
	n := 0
	for i, op := range b.ops {
		if op.Claim != nil {
			b.requests[i] = named[n]
			n++
		}
	}
	return named, nil
}

// mentions are the ids of new holds, and all names that the operations may take or free.
func (b *bundle) mentions() mentions {
	var m mentions
	opened := map[string]*models.Redemption{} // holds whose ids are known before they are opened
	for _, op := range b.ops {
		if op.OpenHold != nil {
			m.request(op.OpenHold.Redemption)
			opened[op.OpenHold.Redemption.ID] = &op.OpenHold.Redemption
		}
	}
	for _, op := range b.ops {
		r := opened[op.settles()]
		if it := b.items[op.settles()]; it != nil {
			r = it.Redemption
		}
		if r == nil || r.Kind != models.KindHold {
			continue
		}
		if orderID := op.mayMove(r); orderID != nil {
			m.names = append(m.names, models.OrderName(r.Caller, *orderID))
		}
	}
	return m
}

// mayMove is the order that the operation may give to the hold or take from it; nil for none.
func (op Operation) mayMove(r *models.Redemption) *string {
	switch {
	case op.ConfirmHold != nil && r.RanOut():
		return cmp.Or(op.ConfirmHold.OrderID, r.OrderID)
	case r.State.Final():
		return nil
	case op.ConfirmHold != nil && r.OrderID == nil:
		return op.ConfirmHold.OrderID
	case op.CancelHold != "" || op.expireHold != nil:
		return r.OrderID
	default:
		return nil
	}
}

// concerned are the redemptions whose coupons the operations may move, with holds that may have to be opened and what
// others are to become.
func (b *bundle) concerned() []*item {
	concerned := b.sorted()
	for i, op := range b.ops {
		switch {
		case op.OpenHold != nil && !b.answered(op.OpenHold.Redemption):
			r := op.OpenHold.Redemption
			concerned = append(concerned, &item{Redemption: &r})
		case op.ChangeHold != nil && b.items[op.ChangeHold.ID] != nil:
			r := op.ChangeHold.Plan.Redemption
			concerned = append(concerned, &item{Redemption: &r})
		case b.late[i] != nil:
			r := *b.items[op.ConfirmHold.ID].Redemption
			r.Content = b.late[i].content
			concerned = append(concerned, &item{Redemption: &r})
		}
	}
	return concerned
}

// answered reports whether a hold has its answer, whatever the operations before it do.
func (b *bundle) answered(r models.Redemption) bool {
	if b.names.own(r) != nil {
		return true
	}
	if r.OrderID == nil {
		return false
	}
	holder := b.names.holder(models.OrderName(r.Caller, *r.OrderID))
	return holder != nil && b.items[holder.ID] == nil
}
