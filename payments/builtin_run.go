package payments

import (
	"context"
	"fmt"
	"time"

	"github.com/tearoff/tearoff/models"
)

// request is one operation on the books.
type request struct {
	scope   models.BankScope
	content []string // what the key stands for
	decide  func(page *models.BankPage) reply
}

// reply is what an operation decided, having changed the page's payment.
type reply struct {
	refusal *models.Refusal // a definitive no; nil with unknown "" is a definitive yes
	refund  string          // the reference of the refund that was made
	unknown string          // why the caller gets no answer; what is booked stays booked
	memory  memory
	slow    bool
}

// memory is what becomes of the request's key.
type memory int

const (
	remember memory = iota // the answer is given again
	inUse                  // the key is known, without an answer yet
	forget                 // as if it had never come
)

func yes(slow bool) reply { return reply{slow: slow} }

func no(code models.Code, message string) reply {
	return reply{refusal: &models.Refusal{Code: code, Message: message}}
}

func unknown(why string, m memory) reply { return reply{unknown: why, memory: m} }

// outcome is what the caller will be told once the transaction has ended.
type outcome struct {
	payment Payment
	refund  Refund
	reply   reply
	nobody  bool // the books don't have what the scope names
}

// run carries out one request and tells of its payment.
func (b *Builtin) run(ctx context.Context, req request) (Payment, error) {
	out, err := b.carryOut(ctx, req)
	return out.payment, err
}

// carryOut carries out one request in one transaction, and only then answers, or loses the answer: an unknown outcome
// comes back empty, a refused one beside its *RefusedError.
func (b *Builtin) carryOut(ctx context.Context, req request) (outcome, error) {
	var out outcome
	err := b.books.BankUpdate(ctx, req.scope, func(page *models.BankPage) error {
		out = req.answer(page)
		return nil
	})
	if err != nil {
		return outcome{}, fmt.Errorf("%w: writing the books: %w", ErrUnknown, err)
	}
	if out.nobody {
		return outcome{}, ErrNotFound
	}
	if out.reply.slow {
		if err := b.dawdle(ctx); err != nil {
			return outcome{}, err
		}
	}
	switch {
	case out.reply.unknown != "":
		return outcome{}, fmt.Errorf("%w: %s", ErrUnknown, out.reply.unknown)
	case out.reply.refusal != nil:
		return out, &RefusedError{Code: out.reply.refusal.Code, Message: out.reply.refusal.Message}
	}
	return out, nil
}

// answer finds the answer by the request's key, or decides it.
func (req request) answer(page *models.BankPage) outcome {
	if page.Key != nil && page.Key.Fingerprint != models.Hash(req.content...) {
		return outcome{reply: no(models.CodePaymentRefused, "the idempotency key was used with another content")}
	}
	if page.Key != nil && page.Key.Answer != nil {
		return replay(page)
	}
	if req.scope.Reference != "" && page.Payment == nil {
		return outcome{nobody: true}
	}
	r := req.decide(page)
	out := outcome{reply: r}
	if page.Payment != nil {
		out.payment = shown(page.Payment)
		out.refund = refundOn(page, r.refund)
	}
	if req.scope.Key != "" && r.memory != forget {
		req.remember(page, r)
	}
	return out
}

// remember writes the key, with the answer when there is one.
func (req request) remember(page *models.BankPage, r reply) {
	if page.Key == nil {
		page.Key = &models.BankKey{
			IdemKey: req.scope.Key, Operation: req.content[0], Fingerprint: models.Hash(req.content...), CreatedAt: page.Now,
		}
	}
	p := page.Payment
	if p == nil {
		return
	}
	page.Key.Reference = p.Reference
	if r.memory == remember {
		page.Key.Answer = &models.BankAnswer{
			State: p.State, Captured: p.Captured, Refunded: p.Refunded, ChargedBack: p.ChargedBack, Refusal: r.refusal,
			Refund: r.refund, RefundState: refundOn(page, r.refund).State,
		}
	}
}

// replay gives the key's answer again, as it was then.
func replay(page *models.BankPage) outcome {
	a := page.Key.Answer
	out := outcome{reply: reply{refusal: a.Refusal}}
	if page.Payment != nil {
		out.payment = shown(page.Payment)
	}
	out.payment.State, out.payment.Captured, out.payment.Refunded, out.payment.ChargedBack = a.State, a.Captured, a.Refunded, a.ChargedBack
	if out.refund = refundOn(page, a.Refund); a.Refund != "" {
		out.refund.State, out.refund.Failure = a.RefundState, ""
	}
	return out
}

// dawdle takes its time after the books are written, so that a caller who leaves has been served without knowing it.
func (b *Builtin) dawdle(ctx context.Context) error {
	timer := time.NewTimer(b.opts.SlowFor)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: the caller left before the answer: %w", ErrUnknown, context.Cause(ctx))
	}
}

func shown(p *models.BankPayment) Payment {
	return Payment{
		Reference: p.Reference, OurID: p.OurID, State: p.State, Amount: p.Amount, Captured: p.Captured,
		Refunded: p.Refunded, ChargedBack: p.ChargedBack, Currency: p.Currency, CreatedAt: p.CreatedAt.Time,
	}
}
