package worker_test

import (
	"context"
	"sync"

	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store"
)

// agent stands between Tearoff and the bank. Each function is asked before its call is passed on; its error is the answer
// instead. nil: the call is passed on.
type agent struct {
	payments.Provider

	mu        sync.Mutex
	authorise func(in payments.AuthoriseInput) error
	capture   func() error
	captured  func() error // asked after the capture was passed on: the answer is lost
	void      func() error
	status    func() error
	refund    func() error
	list      func(ourID string) error
}

// works lets every call through from now on.
func (a *agent) works() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.authorise, a.capture, a.captured, a.void, a.status, a.refund, a.list = nil, nil, nil, nil, nil, nil, nil
}

// ask calls one of the functions, chosen under the lock.
func (a *agent) ask(choose func() func() error) error {
	a.mu.Lock()
	f := choose()
	a.mu.Unlock()
	if f == nil {
		return nil
	}
	return f()
}

func (a *agent) Authorise(ctx context.Context, in payments.AuthoriseInput) (payments.Payment, error) {
	if err := a.ask(func() func() error {
		if a.authorise == nil {
			return nil
		}
		f := a.authorise
		return func() error { return f(in) }
	}); err != nil {
		return payments.Payment{}, err
	}
	return a.Provider.Authorise(ctx, in)
}

func (a *agent) Capture(ctx context.Context, in payments.ReferenceInput) (payments.Payment, error) {
	if err := a.ask(func() func() error { return a.capture }); err != nil {
		return payments.Payment{}, err
	}
	p, err := a.Provider.Capture(ctx, in)
	if lost := a.ask(func() func() error { return a.captured }); lost != nil {
		return payments.Payment{}, lost
	}
	return p, err
}

func (a *agent) Void(ctx context.Context, in payments.ReferenceInput) (payments.Payment, error) {
	if err := a.ask(func() func() error { return a.void }); err != nil {
		return payments.Payment{}, err
	}
	return a.Provider.Void(ctx, in)
}

func (a *agent) Status(ctx context.Context, reference string) (payments.Payment, error) {
	if err := a.ask(func() func() error { return a.status }); err != nil {
		return payments.Payment{}, err
	}
	return a.Provider.Status(ctx, reference)
}

func (a *agent) Refund(ctx context.Context, in payments.RefundInput) (payments.Refund, error) {
	if err := a.ask(func() func() error { return a.refund }); err != nil {
		return payments.Refund{}, err
	}
	return a.Provider.Refund(ctx, in)
}

func (a *agent) List(ctx context.Context, ourID string) ([]payments.Payment, error) {
	if err := a.ask(func() func() error {
		if a.list == nil {
			return nil
		}
		f := a.list
		return func() error { return f(ourID) }
	}); err != nil {
		return nil, err
	}
	return a.Provider.List(ctx, ourID)
}

func answerTo(attempt int, p payments.Payment) store.Answer {
	return store.Answer{Attempt: attempt, Reference: p.Reference, State: p.State}
}
