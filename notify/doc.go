// Package notify reaches users: it hands messages to mail servers and to webhooks, and says in few words what became of
// each. It keeps nothing and tries nothing twice: what is sent when, and how often, is decided in the store. Addresses and
// secrets are in no error and in no log.
package notify
