package store

import (
	"context"
	"errors"
	"time"

	"github.com/tearoff/tearoff/combine"
	"github.com/tearoff/tearoff/models"
)

// combined lets requests that would wait for the same rows share a transaction: those of one batch, and people who are
// seen for the first time.
type combined struct {
	users  *combine.Combiner[struct{}, []models.Identity, answer[string]]
	claims *combine.Combiner[string, ClaimRequest, answer[ClaimOutcome]]
}

// answer is what a flush says to one request: its outcome, or why nothing is known of it.
type answer[Outcome any] struct {
	outcome Outcome
	err     error
}

// FlushObserver is told of every shared transaction before it starts: of which queue it is, how many requests it has, how
// long the oldest waited, and how many are left waiting. It must not block.
type FlushObserver func(queue string, size int, waited time.Duration, left int)

func newCombined(s *Store, observe FlushObserver) *combined {
	options := func(queue string) combine.Options {
		if observe == nil {
			return combine.Options{}
		}
		return combine.Options{Observe: func(size int, waited time.Duration, left int) { observe(queue, size, waited, left) }}
	}
	return &combined{
		users:  combine.New[struct{}](each(s.ensureUsers), options("users")),
		claims: combine.New[string](each(s.Claim), options("batch")),
	}
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

// ClaimOne is Claim for one request, together with whoever claims of the same batch at the same time.
func (s *Store) ClaimOne(ctx context.Context, r ClaimRequest) (ClaimOutcome, error) {
	if refusal, closed := s.Closed(r); closed {
		return ClaimOutcome{Err: refusal}, nil
	}
	out, err := shared(ctx, s.combined.claims, r.queue(), r)
	if err == nil && out.Err != nil {
		s.remember(ctx, r.BatchID, out.Err, out.seq)
	}
	return out, err
}

// queue is what keeps the requests of one batch together. A code stands for its batch until that is known.
func (r ClaimRequest) queue() string {
	if r.BatchID != "" {
		return r.BatchID
	}
	return "code:" + r.Code
}
