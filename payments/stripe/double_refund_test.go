package stripe_test

import (
	"net/http"
	"strconv"
	"time"
)

func (d *double) showRefund(r *refund) doc {
	shown := doc{
		"id": r.id, "object": "refund", "amount": r.amount, "currency": r.currency, "status": r.status, "created": r.created,
		"payment_intent": r.intent, "metadata": doc{"our_id": r.ourID},
	}
	if r.status == "failed" {
		shown["failure_reason"] = r.failure
	}
	return shown
}

func (d *double) giveBack(r *http.Request) reply {
	i, known := d.intents[r.PostForm.Get("payment_intent")]
	if !known {
		return fail(http.StatusNotFound, "invalid_request_error", "resource_missing", doc{"param": "payment_intent"})
	}
	amount, _ := strconv.ParseInt(r.PostForm.Get("amount"), 10, 64)
	left := i.received - d.withdrawn(i.id)
	for _, other := range d.refunds {
		if other.intent == i.id && other.status != "failed" {
			left -= other.amount
		}
	}
	switch {
	case i.method == "pm_refund_refused":
		return fail(http.StatusBadRequest, "invalid_request_error", "charge_disputed", nil)
	case left == 0:
		return fail(http.StatusBadRequest, "invalid_request_error", "charge_already_refunded", nil)
	case amount > left:
		return fail(http.StatusBadRequest, "invalid_request_error", "amount_too_large", doc{"param": "amount"})
	}
	given := &refund{
		id: d.name("re"), ourID: r.PostForm.Get("metadata[our_id]"), intent: i.id, currency: i.currency, amount: amount,
		status: "succeeded", failure: "expired_or_canceled_card", created: time.Now().Unix(),
	}
	d.refunds = append(d.refunds, given)
	switch i.method {
	case "pm_refund_late":
		given.status, given.next = "pending", "succeeded"
	case "pm_refund_fails":
		given.status, given.next = "pending", "failed"
	case "pm_refund_bounces":
		given.next = "failed"
	case "pm_refund_lost":
		return reply{status: http.StatusOK, body: d.showRefund(given), fate: lost}
	case "pm_refund_forgotten":
		return reply{fate: forgotten}
	}
	return ok(d.showRefund(given))
}

func (d *double) list(r *http.Request) reply {
	data := []doc{}
	for i := len(d.refunds) - 1; i >= 0; i-- { // newest first
		if d.refunds[i].intent == r.Form.Get("payment_intent") {
			data = append(data, d.showRefund(d.refunds[i]))
		}
	}
	return ok(doc{"object": "list", "has_more": false, "data": data})
}

func (d *double) refund(r *http.Request) reply {
	for _, given := range d.refunds {
		if given.id == r.PathValue("id") {
			return ok(d.showRefund(given))
		}
	}
	return fail(http.StatusNotFound, "invalid_request_error", "resource_missing", doc{"param": "refund"})
}
