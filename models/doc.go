// Package models holds Tearoff's domain types, the states they may be in and the moves between them, money, time and
// the error codes. It imports nothing else of Tearoff, does no I/O and owns no clock.
//
// Rows carry gorm tags; the store is the only package that reads or writes them. Wire types of workflows and of the API
// are declared where they are used, so that renaming a column never breaks a running history or a client.
package models
