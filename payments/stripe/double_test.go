package stripe_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// double answers as Stripe documents, over HTTP, and keeps what it is told: stripe-mock forgets everything at once. A
// payment's method says what goes wrong with it.
type double struct {
	mu       sync.Mutex
	made     int
	intents  map[string]*intent
	refunds  []*refund
	disputes []*dispute
	keys     map[string]saved
	dropped  map[string]bool // keys whose first request was dropped
}

type intent struct {
	id, ourID, method, currency, status, reason string
	amount, received                            int64
	failed                                      bool // the last try to pay
	late                                        bool // a capture is under way
	troubles                                    int
	created                                     int64
}

type refund struct {
	id, ourID, intent, currency, status, next, failure string
	amount, created                                    int64
}

// saved is what Stripe remembers of a key.
type saved struct {
	content string
	reply   reply
}

type reply struct {
	status int
	body   any
	fate   fate
}

// fate is what becomes of an answer.
type fate int

const (
	answered  fate = iota
	lost           // done and remembered; the connection breaks
	dropped        // not done
	forgotten      // done, but neither answered nor remembered
)

type doc map[string]any

func newDouble(t *testing.T) (*double, string) {
	t.Helper()
	d := &double{intents: map[string]*intent{}, keys: map[string]saved{}, dropped: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/payment_intents", d.once(d.create))
	mux.HandleFunc("POST /v1/payment_intents/{id}/capture", d.once(d.onIntent(d.capture)))
	mux.HandleFunc("POST /v1/payment_intents/{id}/cancel", d.once(d.onIntent(d.cancel)))
	mux.HandleFunc("POST /v1/refunds", d.once(d.giveBack))
	mux.HandleFunc("GET /v1/payment_intents/search", d.read(d.search))
	mux.HandleFunc("GET /v1/payment_intents/{id}", d.read(d.onIntent(func(_ *http.Request, i *intent) reply { return ok(d.show(i)) })))
	mux.HandleFunc("GET /v1/refunds", d.read(d.list))
	mux.HandleFunc("GET /v1/refunds/{id}", d.read(d.refund))
	mux.HandleFunc("GET /v1/disputes", d.read(d.listDisputes))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return d, server.URL
}

func ok(body any) reply { return reply{status: http.StatusOK, body: body} }

func fail(status int, kind, code string, more doc) reply {
	e := doc{"type": kind, "code": code, "message": "a message with the name of Ann Customer"}
	for k, v := range more {
		e[k] = v
	}
	return reply{status: status, body: doc{"error": e}}
}

func (d *double) read(handle func(*http.Request) reply) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		_ = r.ParseForm()
		write(w, handle(r))
	}
}

// once gives a key the answer that it had before, faults included.
func (d *double) once(handle func(*http.Request) reply) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		_ = r.ParseForm()
		key, content := r.Header.Get("Idempotency-Key"), r.URL.Path+"?"+r.PostForm.Encode()
		if before, known := d.keys[key]; known {
			if before.content != content {
				write(w, fail(http.StatusBadRequest, "idempotency_error", "", nil))
				return
			}
			w.Header().Set("Idempotent-Replayed", "true")
			write(w, before.reply)
			return
		}
		got := handle(r)
		if got.fate == answered || got.fate == lost {
			d.keys[key] = saved{content, reply{status: got.status, body: got.body}}
		}
		write(w, got)
	}
}

func write(w http.ResponseWriter, r reply) {
	if r.fate != answered {
		panic(http.ErrAbortHandler) // the connection breaks without an answer
	}
	w.Header().Set("Request-Id", "req_test")
	w.WriteHeader(r.status)
	_ = json.NewEncoder(w).Encode(r.body)
}

func (d *double) name(prefix string) string {
	d.made++
	return fmt.Sprintf("%s_%d", prefix, d.made)
}

func (d *double) show(i *intent) doc {
	shown := doc{
		"id": i.id, "object": "payment_intent", "amount": i.amount, "amount_received": i.received, "currency": i.currency,
		"status": i.status, "created": i.created, "metadata": doc{"our_id": i.ourID}, "client_secret": i.id + "_secret_x",
	}
	if i.failed {
		shown["last_payment_error"] = doc{"type": "card_error", "code": "card_declined"}
	}
	if i.reason != "" {
		shown["cancellation_reason"] = i.reason
	}
	var given int64
	for _, r := range d.refunds {
		if r.intent == i.id {
			given += r.amount
		}
	}
	shown["latest_charge"] = doc{"id": "ch_" + i.id, "object": "charge", "amount_refunded": given, "disputed": d.disputed(i.id)}
	return shown
}

func (d *double) create(r *http.Request) reply {
	if r.PostForm.Get("capture_method") != "manual" || r.PostForm.Get("confirm") != "true" {
		return fail(http.StatusBadRequest, "invalid_request_error", "parameter_missing", nil)
	}
	key, method := r.Header.Get("Idempotency-Key"), r.PostForm.Get("payment_method")
	if method == "pm_auth_dropped" && !d.dropped[key] {
		d.dropped[key] = true
		return reply{fate: dropped}
	}
	amount, _ := strconv.ParseInt(r.PostForm.Get("amount"), 10, 64)
	i := &intent{
		id: d.name("pi"), ourID: r.PostForm.Get("metadata[our_id]"), method: method, currency: r.PostForm.Get("currency"),
		amount: amount, status: "requires_capture", created: time.Now().Unix(),
	}
	d.intents[i.id] = i
	switch method {
	case "pm_declined":
		i.status, i.failed = "requires_payment_method", true
		return fail(http.StatusPaymentRequired, "card_error", "card_declined", doc{
			"decline_code": "insufficient_funds", "payment_intent": d.show(i),
		})
	case "pm_action":
		i.status = "requires_action"
	case "pm_auth_lost":
		return reply{status: http.StatusOK, body: d.show(i), fate: lost}
	case "pm_auth_forgotten":
		return reply{fate: forgotten}
	}
	return ok(d.show(i))
}

func (d *double) onIntent(handle func(*http.Request, *intent) reply) func(*http.Request) reply {
	return func(r *http.Request) reply {
		i, known := d.intents[r.PathValue("id")]
		if !known {
			return fail(http.StatusNotFound, "invalid_request_error", "resource_missing", doc{"param": "intent"})
		}
		return handle(r, i)
	}
}

func (d *double) capture(_ *http.Request, i *intent) reply {
	i.troubles++
	switch {
	case i.late:
		return fail(http.StatusTooManyRequests, "invalid_request_error", "lock_timeout", nil)
	case i.status != "requires_capture":
		return fail(http.StatusBadRequest, "invalid_request_error", "payment_intent_unexpected_state", doc{"payment_intent": d.show(i)})
	case i.method == "pm_capture_dropped" && i.troubles == 1:
		return reply{fate: dropped}
	case i.method == "pm_capture_refused":
		return fail(http.StatusPaymentRequired, "card_error", "card_declined", nil)
	case i.method == "pm_capture_late":
		i.late = true
		return fail(http.StatusInternalServerError, "api_error", "", nil)
	}
	i.status, i.received = "succeeded", i.amount
	if i.method == "pm_capture_lost" {
		return reply{status: http.StatusOK, body: d.show(i), fate: lost}
	}
	return ok(d.show(i))
}

func (d *double) cancel(r *http.Request, i *intent) reply {
	switch {
	case i.late:
		return fail(http.StatusTooManyRequests, "invalid_request_error", "lock_timeout", nil)
	case slices.Contains([]string{"succeeded", "canceled"}, i.status):
		return fail(http.StatusBadRequest, "invalid_request_error", "payment_intent_unexpected_state", doc{"payment_intent": d.show(i)})
	}
	i.status, i.reason = "canceled", r.PostForm.Get("cancellation_reason")
	if i.method == "pm_void_lost" {
		return reply{status: http.StatusOK, body: d.show(i), fate: lost}
	}
	return ok(d.show(i))
}

func (d *double) search(r *http.Request) reply {
	_, id, _ := strings.Cut(r.Form.Get("query"), "metadata['our_id']:'")
	var data []doc
	for _, i := range d.intents {
		if strings.EqualFold(i.ourID, strings.TrimSuffix(id, "'")) {
			data = append(data, d.show(i))
		}
	}
	return ok(doc{"object": "search_result", "has_more": false, "data": data})
}

// pass lets what is under way happen.
func (d *double) pass(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := d.intents[id]; i.late {
		i.late, i.status, i.received = false, "succeeded", i.amount
	}
	for _, r := range d.refunds {
		if r.intent == id && r.next != "" {
			r.status, r.next = r.next, ""
		}
	}
}

// confirm is the customer's act in the browser.
func (d *double) confirm(id string, approve bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.intents[id]
	i.status = "requires_capture"
	if !approve {
		i.status, i.failed = "requires_payment_method", true
	}
}
