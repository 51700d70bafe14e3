package stripe_test

import (
	"net/http"
	"slices"
	"time"
)

// dispute is what a customer's bank has done about an intent.
type dispute struct {
	id, intent, currency, status string
	amount, created              int64
}

// dispute takes an amount back.
func (d *double) dispute(intentID string, amount int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.disputes = append(d.disputes, &dispute{
		id: d.name("dp"), intent: intentID, currency: d.intents[intentID].currency, status: "needs_response", amount: amount,
		created: time.Now().Unix(),
	})
}

// settle gives every dispute of the intent a state.
func (d *double) settle(intentID, status string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, x := range d.disputes {
		if x.intent == intentID {
			x.status = status
		}
	}
}

// disputed stays true when all of them are won.
func (d *double) disputed(intentID string) bool {
	return slices.ContainsFunc(d.disputes, func(x *dispute) bool { return x.intent == intentID })
}

func (d *double) withdrawn(intentID string) int64 {
	var sum int64
	for _, x := range d.disputes {
		if x.intent == intentID && (x.status == "needs_response" || x.status == "under_review" || x.status == "lost") {
			sum += x.amount
		}
	}
	return sum
}

func (d *double) listDisputes(r *http.Request) reply {
	data := []doc{}
	for _, x := range d.disputes {
		if x.intent == r.Form.Get("payment_intent") {
			data = append(data, doc{
				"id": x.id, "object": "dispute", "amount": x.amount, "currency": x.currency, "status": x.status, "created": x.created,
				"payment_intent": x.intent,
			})
		}
	}
	return ok(doc{"object": "list", "has_more": false, "data": data})
}
