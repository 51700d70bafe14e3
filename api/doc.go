// Package api is Tearoff's HTTP interface: gin with typed handlers, one file per resource, and an OpenAPI document made
// from the same types. It reads and writes the store and starts workflows; what a coupon is worth is decided by rules.
//
// Claims, wallets, quotes and holds need the database alone. Only redemptions need Temporal: one that can't be started
// is revoked before its caller hears of it.
//
// A handler returns an error and never chooses a status for it: problem.go maps every error by its code. Which roles may
// use a route is declared in routes.go, and nowhere else.
package api

//go:generate go run ./errordocs ../docs/errors.md
