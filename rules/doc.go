// Package rules answers what a cart is worth with given coupons. It is pure: no I/O, no clock of its own, the same answer
// for the same input, in whatever order lines and coupons are sent.
//
// A Rule says what a coupon is worth and when it may be used; Parse reads one. Price prices the coupons a caller chose
// and fails when one of them doesn't apply. Quote judges every coupon a user could use and finds the best combination.
//
// Every amount is an int64 in minor units of the cart's currency. Money is computed in whole numbers only: a percentage
// is rounded half up to the minor unit, a discount is divided over lines by largest remainder, so every sum is exact.
//
// Not here: whether a coupon exists, is valid now, is within its limits. The caller knows, and says so with
// Candidate.Refusal.
package rules
