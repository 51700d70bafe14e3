// Package activities holds what the workflows do: the participants of a redemption (coupons, orders, payments) and the
// moves of the redemption itself. An activity may run any number of times, also twice at once; the store's barrier and
// the provider's idempotency keys make that safe.
//
// A refusal is a non-retryable application error whose type is the domain code; everything else is retried. Inputs and
// results are wire types of their own: ids and states, never rows.
package activities
