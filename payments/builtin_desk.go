package payments

import (
	"time"

	"github.com/tearoff/tearoff/models"
)

// This file decides the bank's operations, each on one page of the books and without effects of its own. A key that was
// answered before never gets here.

const underWay = "the key is in use: a capture is under way"

func authorise(in AuthoriseInput, token Token, page *models.BankPage) reply {
	if token.authorise == lostBefore && page.Key == nil {
		return unknown("the request was lost", inUse)
	}
	p := &models.BankPayment{
		Reference: models.NewID(models.PrefixBank), OurID: in.OurID, Method: token.Name, State: token.begins(),
		Currency: in.Money.Currency, Amount: in.Money.Amount, CreatedAt: page.Now,
	}
	page.Payment = p
	switch token.authorise {
	case declined:
		return no(models.CodePaymentDeclined, "the bank declines")
	case lost:
		return unknown("the answer was lost", remember)
	case forgotten:
		if page.Siblings == 0 {
			return unknown("the answer was lost", forget)
		}
	case none, lostBefore, late, down: // nothing more goes wrong here
	}
	return yes(token.slow)
}

func (t Token) begins() models.PaymentState {
	switch {
	case t.authorise == declined:
		return models.PaymentDeclined
	case t.start == startAuthorised:
		return models.PaymentAuthorised
	default:
		return models.PaymentPending
	}
}

func capture(page *models.BankPage, landAfter time.Duration) reply {
	p := page.Payment
	switch {
	case p.CaptureUnderWay():
		return unknown(underWay, forget)
	case p.State == models.PaymentCaptured:
		return yes(false)
	case p.State == models.PaymentPending:
		// Not a refusal: the customer may still approve, and then the payment can be captured.
		return unknown("the customer has not approved yet", forget)
	case p.State != models.PaymentAuthorised:
		return no(models.CodePaymentRefused, "the payment is closed: "+string(p.State))
	}
	token := tokenOf(p.Method)
	switch token.capture {
	case declined:
		p.State = models.PaymentDeclined
		return no(models.CodePaymentRefused, "the bank refuses the capture")
	case down:
		return unknown("the bank does not answer", forget)
	case lostBefore:
		if p.Troubles == 0 {
			p.Troubles++
			return unknown("the request was lost", forget)
		}
	case late:
		p.LandsAt = page.Now.Add(landAfter)
		return unknown(underWay, inUse)
	case none, lost, forgotten: // it is captured, whatever the caller learns
	}
	p.State, p.Captured = models.PaymentCaptured, p.Amount
	if token.capture == lost {
		return unknown("the answer was lost", remember)
	}
	return yes(token.slow)
}

func void(p *models.BankPayment, downFor int) reply {
	switch {
	case p.CaptureUnderWay():
		return unknown(underWay, forget)
	case p.State == models.PaymentCaptured:
		return no(CodeAlreadyCaptured, "the payment is captured")
	case p.State != models.PaymentAuthorised && p.State != models.PaymentPending:
		return yes(false)
	}
	token := tokenOf(p.Method)
	if token.void == down && p.Troubles < downFor {
		p.Troubles++
		return unknown("the bank does not answer", forget)
	}
	p.State = models.PaymentVoided
	if token.void == lost {
		return unknown("the answer was lost", remember)
	}
	return yes(token.slow)
}

func customerPays(p *models.BankPayment, approve bool) reply {
	token := tokenOf(p.Method)
	open := p.State == models.PaymentPending || (p.State == models.PaymentVoided && token.landsLate && approve)
	if !open {
		return customerAgain(p, approve)
	}
	switch {
	case !approve:
		p.State = models.PaymentDeclined
	case token.start == startWallet:
		p.State, p.Captured = models.PaymentCaptured, p.Amount
	default:
		p.State = models.PaymentAuthorised
	}
	return yes(false)
}

// customerAgain answers a customer who has nothing left to do: the same act again is fine, another one comes too late.
func customerAgain(p *models.BankPayment, approve bool) reply {
	approved := p.State == models.PaymentAuthorised || p.Captured > 0
	if (approve && approved) || (!approve && p.State == models.PaymentDeclined) {
		return yes(false)
	}
	return no(models.CodePaymentRefused, "the payment is closed: "+string(p.State))
}

// chargeBack takes back what the customer disputes. What is under way counts as refunded until it has failed.
func chargeBack(p *models.BankPayment, amount int64) reply {
	switch {
	case p.CaptureUnderWay():
		return unknown(underWay, forget)
	case amount <= 0 || amount > p.Captured-p.Refunded:
		return no(models.CodePaymentRefused, "nothing, or more than was captured and not given back")
	}
	p.ChargedBack = amount
	return yes(false)
}
