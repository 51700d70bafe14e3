package main

import (
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/participant"
)

// part is what of a redemption this service does itself; each may be missing.
type part struct {
	orders   *book
	payments *till
}

// newPart is nil without any files: Tearoff does it all.
func newPart(orders, payments string) *part {
	if orders == "" && payments == "" {
		return nil
	}
	p := &part{}
	if orders != "" {
		p.orders = openBook(orders)
	}
	if payments != "" {
		p.payments = openTill(payments)
	}
	return p
}

// serve answers on the task queue until stop.
func (p *part) serve(c client.Client, queue string) (stop func(), err error) {
	w := worker.New(c, queue, worker.Options{DisableWorkflowWorker: true})
	if p.orders != nil {
		participant.Register(w, p.orders)
	}
	if p.payments != nil {
		participant.RegisterPayments(w, p.payments)
	}
	return w.Stop, w.Start()
}

// participants names the queue for what the service does itself.
func (p *part) participants(queue string) models.Participants {
	var named models.Participants
	if p.orders != nil {
		named.Order = &models.Elsewhere{TaskQueue: queue}
	}
	if p.payments != nil {
		named.Payment = &models.Elsewhere{TaskQueue: queue}
	}
	return named
}
