package payments

import (
	"context"
	"fmt"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// Refund implements Provider.
func (b *Builtin) Refund(ctx context.Context, in RefundInput) (Refund, error) {
	if err := in.Check(); err != nil {
		return Refund{}, err
	}
	out, err := b.carryOut(ctx, request{
		scope:   models.BankScope{Key: in.Key, Reference: in.Reference},
		content: []string{"refund", in.Reference, amountText(in.Amount), in.OurID},
		decide:  func(page *models.BankPage) reply { return b.refund(in, page) },
	})
	if err != nil {
		return Refund{}, err
	}
	return out.refund, nil
}

// RefundStatus implements Provider.
func (b *Builtin) RefundStatus(ctx context.Context, reference string) (Refund, error) {
	r, err := b.books.BankRefund(ctx, reference)
	if models.CodeOf(err) == models.CodeNotFound {
		return Refund{}, ErrNotFound
	}
	if err != nil {
		return Refund{}, fmt.Errorf("%w: reading the books: %w", ErrUnknown, err)
	}
	return shownRefund(r), nil
}

// Refunds implements Provider. A payment that the bank doesn't know has none.
func (b *Builtin) Refunds(ctx context.Context, paymentReference string) ([]Refund, error) {
	rows, err := b.books.BankRefundsOf(ctx, paymentReference)
	if err != nil {
		return nil, fmt.Errorf("%w: reading the books: %w", ErrUnknown, err)
	}
	list := make([]Refund, len(rows))
	for i, r := range rows {
		list[i] = shownRefund(r)
	}
	return list, nil
}

// refund decides. What may have been asked for before is a refund of its own all the same: only the key tells them apart.
func (b *Builtin) refund(in RefundInput, page *models.BankPage) reply {
	p := page.Payment
	switch {
	case p.CaptureUnderWay():
		return unknown(underWay, forget)
	case in.Amount > p.Charged():
		return no(models.CodePaymentRefused, "more than was captured and not given back yet")
	}
	token := tokenOf(p.Method)
	switch {
	case token.refund == declined:
		return no(models.CodePaymentRefused, "the bank refuses the refund")
	case token.refund == down && p.Troubles < b.opts.DownFor:
		p.Troubles++
		return unknown("the bank does not answer", forget)
	}
	r := models.BankRefund{
		Reference: models.NewID(models.PrefixBankRefund), Payment: p.Reference, OurID: in.OurID,
		State: models.ProviderRefundSucceeded, Currency: p.Currency, Amount: in.Amount, CreatedAt: page.Now,
	}
	token.settle(&r, page.Now.Add(b.opts.LandAfter))
	page.Refunds = append(page.Refunds, r)
	p.Refunded += in.Amount
	if p.Refunded == p.Captured {
		p.State = models.PaymentRefunded
	}
	answer := yes(token.slow)
	if (token.refund == lost || token.refund == forgotten) && p.Troubles == 0 {
		p.Troubles++
		answer = unknown("the answer was lost", remember)
		if token.refund == forgotten {
			answer.memory = forget
		}
	}
	answer.refund = r.Reference
	return answer
}

// settle says how the refund goes on, and when.
func (t Token) settle(r *models.BankRefund, at models.Time) {
	switch t.settles {
	case settlesAtOnce:
		return
	case settlesLate:
		r.State, r.Next = models.ProviderRefundPending, models.ProviderRefundSucceeded
	case settlesNever:
		r.State, r.Next, r.Failure = models.ProviderRefundPending, models.ProviderRefundFailed, "account_closed"
	case settlesAndBounces:
		r.Next, r.Failure = models.ProviderRefundFailed, "sent_back"
	}
	r.SettleAt = at
}

// refundOn is the page's refund with this reference.
func refundOn(page *models.BankPage, reference string) Refund {
	i := slices.IndexFunc(page.Refunds, func(r models.BankRefund) bool { return r.Reference == reference })
	if i < 0 {
		return Refund{}
	}
	return shownRefund(page.Refunds[i])
}

func shownRefund(r models.BankRefund) Refund {
	shown := Refund{
		Reference: r.Reference, OurID: r.OurID, Payment: r.Payment, State: r.State, Amount: r.Amount,
		Currency: r.Currency, CreatedAt: r.CreatedAt.Time,
	}
	if r.State == models.ProviderRefundFailed {
		shown.Failure = r.Failure
	}
	return shown
}
