package store

import (
	"context"
	"errors"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/tearoff/tearoff/combine"
	"github.com/tearoff/tearoff/models"
)

// combined lets requests that would wait for the same rows share a transaction: those of one batch, and people who are
// seen for the first time.
type combined struct {
	users   *combine.Combiner[struct{}, []models.Identity, answer[string]]
	guesses *combine.Combiner[struct{}, guesses, answer[map[string]int64]]
	batches *combine.Combiner[string, Operation, answer[OperationOutcome]] // by batch, all kinds together; "": several
	queues  *otter.Cache[string, string]                                   // of redemptions that were seen here
}

// answer is what a flush says to one request: its outcome, or why nothing is known of it.
type answer[Outcome any] struct {
	outcome Outcome
	err     error
}

// FlushObserver is told of every shared transaction before it starts: of which queue it is, how many requests it has, how
// long the oldest waited, and how many are left waiting. It must not block.
type FlushObserver func(queue string, size int, waited time.Duration, left int)

func newCombined(s *Store, observe FlushObserver, alone bool) *combined {
	options := func(queue string) combine.Options {
		var o combine.Options
		if alone {
			o.Size, o.InFlight = 1, s.sql.Stats().MaxOpenConnections
		}
		if observe != nil {
			o.Observe = func(size int, waited time.Duration, left int) { observe(queue, size, waited, left) }
		}
		return o
	}
	return &combined{
		users:   combine.New[struct{}](each(s.ensureUsers), options("users")),
		guesses: combine.New[struct{}](each(s.addGuesses), options("guesses")),
		batches: combine.New[string](each(s.Perform), options("batch")),
		queues:  otter.Must(&otter.Options[string, string]{MaximumSize: 200_000}),
	}
}

// queueOf is where an operation waits. One on a redemption that another process has opened waits with those on several
// batches: that is as right, only less well combined.
func (c *combined) queueOf(op Operation) string {
	switch {
	case op.Claim != nil && op.Claim.BatchID != "":
		return op.Claim.BatchID
	case op.Claim != nil:
		return "code:" + op.Claim.Code // until it is read whose it is
	case op.OpenHold != nil:
		return batchOf(op.OpenHold.Redemption)
	}
	queue, _ := c.queues.GetIfPresent(op.settles())
	return queue
}

// batchOf is the one batch whose coupons a redemption uses, "" when there are several.
func batchOf(r models.Redemption) string {
	batch := ""
	for i, c := range r.Content.Coupons {
		if i > 0 && c.BatchID != batch {
			return ""
		}
		batch = c.BatchID
	}
	return batch
}

// each turns an operation on a slice into a flush. When the slice fails for what one of its requests holds, which is our
// fault and nobody knows whose, the requests are done one by one, so that it fails nobody else's. A database that is
// down would only be asked again and again, so there it fails them all.
func each[Request, Outcome any](perform func(context.Context, []Request) ([]Outcome, error)) combine.Flush[Request, answer[Outcome]] {
	return func(ctx context.Context, requests []Request) ([]answer[Outcome], error) {
		answers := make([]answer[Outcome], len(requests))
		outcomes, err := perform(ctx, requests)
		if err != nil && (len(requests) == 1 || models.CodeOf(err) == models.CodeUnavailable || ctx.Err() != nil) {
			return nil, err
		}
		for i := range requests {
			if err == nil {
				answers[i].outcome = outcomes[i]
				continue
			}
			one, failed := perform(ctx, requests[i:i+1])
			if answers[i].err = failed; failed == nil {
				answers[i].outcome = one[0]
			}
		}
		return answers, nil
	}
}

// shared answers one request by a flush of its queue.
func shared[Key comparable, Request, Outcome any](ctx context.Context, c *combine.Combiner[Key, Request, answer[Outcome]], key Key, r Request) (Outcome, error) {
	a, err := c.Do(ctx, key, r)
	switch {
	case errors.Is(err, combine.ErrFull):
		err = models.NewError(models.CodeOverloaded, "too many requests wait already")
	case err != nil:
		err = asError(err)
	default:
		err = a.err
	}
	return a.outcome, err
}

func (c *combined) ensureUser(ctx context.Context, identities []models.Identity) (string, error) {
	return shared(ctx, c.users, struct{}{}, identities)
}

// Do is Perform for one operation, together with what else is to be done to the coupons of its batch at the same time.
func (s *Store) Do(ctx context.Context, op Operation) (OperationOutcome, error) {
	out, err := shared(ctx, s.combined.batches, s.combined.queueOf(op), op)
	if err == nil && out.Redemption != nil && out.Redemption.Redemption.ID != "" {
		s.combined.follow(out.Redemption.Redemption)
	}
	return out, err
}

// follow remembers the queue of a redemption as long as there is more to do to it.
func (c *combined) follow(r models.Redemption) {
	if r.State.Final() {
		c.queues.Invalidate(r.ID)
	} else {
		c.queues.Set(r.ID, batchOf(r))
	}
}

// Redeem is Do for an operation on a redemption.
func (s *Store) Redeem(ctx context.Context, op Operation) (RedemptionOutcome, error) {
	out, err := s.Do(ctx, op)
	if err != nil || out.Redemption == nil {
		return RedemptionOutcome{}, err
	}
	return *out.Redemption, nil
}

// ClaimOne is Do for a claim. For a batch that gives out nothing more it knows the answer, for a second.
func (s *Store) ClaimOne(ctx context.Context, r ClaimRequest) (ClaimOutcome, error) {
	if refusal, closed := s.Closed(r); closed {
		return ClaimOutcome{Err: refusal}, nil
	}
	out, err := s.Do(ctx, Operation{Claim: &r})
	if err != nil || out.Claim == nil {
		return ClaimOutcome{}, err
	}
	if out.Claim.Err != nil {
		s.remember(ctx, r.BatchID, out.Claim.Err, out.Claim.seq)
	}
	return *out.Claim, nil
}
