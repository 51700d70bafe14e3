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
	early    map[int]*item  // holds that were written before any counter was locked, by operation
	late     map[int]*again // what confirmations of holds that have run out need again, by operation
	coupons  *couponsBranch
	claims   *claims
}

// newBundle locks and reads all that the operations need, in lock order.
func (tx *txn) newBundle(ops []Operation) (*bundle, error) {
	b := &bundle{
		ops: ops, requests: map[int]ClaimRequest{}, early: map[int]*item{}, late: map[int]*again{}, coupons: &couponsBranch{tx: tx},
	}
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
	if err := b.readNames(); err != nil {
		return nil, err
	}
	if err := b.readLate(); err != nil {
		return nil, err
	}
	if err := b.lockFreed(); err != nil {
		return nil, err
	}
	if err := b.takeNames(); err != nil {
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

// readNames finds who has the ids, keys and orders of new holds, and the orders that holds get as they are confirmed.
func (b *bundle) readNames() error {
	var requests []models.Redemption
	var orders []string
	for _, op := range b.ops {
		if op.OpenHold != nil {
			requests = append(requests, op.OpenHold.Redemption)
		}
		if key := b.namedBy(op); key != "" {
			orders = append(orders, key)
		}
	}
	var err error
	b.names, err = b.tx.loadNames(requests, orders, b.items)
	return err
}

// namedBy is the key of the order that the operation may name a hold by; "" for none.
func (b *bundle) namedBy(op Operation) string {
	if op.ConfirmHold == nil {
		return ""
	}
	it := b.items[op.ConfirmHold.ID]
	if it != nil && it.RanOut() && it.OrderID != nil && sameOrder(it.Redemption, op.ConfirmHold.OrderID) == nil {
		return models.LiveOrderKey(it.Caller, *it.OrderID) // which it has lost
	}
	if it == nil || it.OrderID != nil || op.ConfirmHold.OrderID == nil || it.Kind != models.KindHold ||
		(it.State != models.StateWaiting && !it.RanOut()) {
		return ""
	}
	return models.LiveOrderKey(it.Caller, *op.ConfirmHold.OrderID)
}

// lockFreed locks the orders that may be freed, before any lock on a counter: who takes an order that was free before locks its
// neighbour in the unique index too, and then waits for the counter.
func (b *bundle) lockFreed() error {
	var keys []string
	for _, op := range b.ops {
		it := b.items[op.settles()]
		if (op.CancelHold != "" || op.expireHold != nil) && it != nil && it.LiveOrderKey != nil && it.State == models.StateWaiting {
			keys = append(keys, *it.LiveOrderKey)
		}
	}
	if len(keys) == 0 || b.tx.store.dialect != MySQL {
		return nil
	}
	return b.tx.Exec("SELECT id FROM redemptions FORCE INDEX (redemptions_live_order) WHERE live_order_key IN ? ORDER BY live_order_key FOR UPDATE",
		distinct(keys)).Error
}

// takeNames writes, before any lock on a counter, what takes a key or an order: it may have to wait for whoever writes the
// same one. It does so for each operation that shares no name with one before it, so that nothing can come between; the
// others take theirs when it is their turn.
func (b *bundle) takeNames() error {
	seen := mentions{}
	var added, named []*item
	for i, op := range b.ops {
		switch {
		case op.Claim != nil:
		case op.OpenHold != nil:
			if !b.opensFirst(op.OpenHold.Redemption, seen) {
				continue
			}
			it, err := b.addItem(op.OpenHold)
			if err != nil {
				return err
			}
			b.early[i] = it
			added = append(added, it)
		case b.namesFirst(op, seen):
			it := b.items[op.settles()]
			if _, err := b.nameOrder(it.Redemption, cmp.Or(op.ConfirmHold.OrderID, it.OrderID)); err != nil {
				return err
			}
			named = append(named, it)
		}
	}
	if err := b.tx.insertItems(added); err != nil {
		return err
	}
	return b.tx.updateItems(named)
}

// opensFirst reports whether a hold is new, and the first to mention each of its names.
func (b *bundle) opensFirst(r models.Redemption, seen mentions) bool {
	prior, first := b.names.prior(r), seen.first(namesOf(r)...)
	if prior != nil {
		seen.first("id " + prior.Redemption.ID) // its answer shows the redemption as it is at its turn
	}
	return prior == nil && first
}

// namesFirst reports whether the operation is the first to mention its hold and the order that it names it by, which
// nobody has yet.
func (b *bundle) namesFirst(op Operation, seen mentions) bool {
	names, key := []string{"id " + op.settles()}, b.namedBy(op)
	if key != "" {
		names = append(names, "order "+key)
	}
	return seen.first(names...) && key != "" && b.names.holder(key) == nil
}

// mentions are the names that operations have mentioned.
type mentions map[string]bool

// first reports whether none of the names was mentioned before.
func (m mentions) first(names ...string) bool {
	first := true
	for _, n := range names {
		first = first && !m[n]
		m[n] = true
	}
	return first
}

// namesOf are the names that a new redemption takes.
func namesOf(r models.Redemption) []string {
	var names []string
	if r.ID != "" {
		names = append(names, "id "+r.ID)
	}
	if r.IdemKey != nil {
		names = append(names, "key "+r.Caller+" "+*r.IdemKey)
	}
	if r.OrderID != nil {
		names = append(names, "order "+models.LiveOrderKey(r.Caller, *r.OrderID))
	}
	return names
}

// addItem adds a new hold to the slice.
func (b *bundle) addItem(p *models.Plan) (*item, error) {
	it, err := b.tx.newItem(p, models.StateWaiting)
	b.items[it.ID] = it
	b.names.add(it.Redemption)
	return it, err
}

// concerned are the redemptions whose coupons the operations may move, with holds that may still have to be written and
// what others are to become.
func (b *bundle) concerned() []*item {
	concerned := b.sorted()
	for i, op := range b.ops {
		switch {
		case op.OpenHold != nil && b.early[i] == nil && !b.answered(op.OpenHold.Redemption):
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
	holder := b.names.holder(models.LiveOrderKey(r.Caller, *r.OrderID))
	return holder != nil && b.items[holder.ID] == nil
}
