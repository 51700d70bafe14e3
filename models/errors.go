package models

import (
	"errors"
	"maps"
)

// Code names a reason, the same everywhere: domain error, Temporal error type and "code" in an API answer. Codes are
// stable; the texts beside them are not.
type Code string

// Class says what kind of answer a code is. The API maps a class to one HTTP status, workflows to retry or not.
type Class int

// The classes. ClassInternal is the zero value: what nobody classified is our fault.
const (
	ClassInternal     Class = iota // our fault; details stay in the log
	ClassInvalid                   // the request can't be understood
	ClassUnauthorized              // no key, or one that isn't known
	ClassForbidden                 // the key may not do this
	ClassNotFound                  // not there, or not visible to this key
	ClassConflict                  // the state of a thing, or another request, is in the way
	ClassTooLarge                  // the request is larger than the limit
	ClassRefused                   // understood, and a rule says no
	ClassTooMany                   // the caller asks too often
	ClassUnavailable               // a part is down or overloaded: ask again
)

// Error is an answer that a caller can act on. Message may be shown to anyone who may make the request; the cause is for
// logs only.
type Error struct {
	Code    Code
	Message string
	Params  map[string]any
	cause   error
}

// NewError returns an Error with a code of the catalogue and a message that holds no personal data.
func NewError(code Code, message string) *Error { return &Error{Code: code, Message: message} }

// With returns a copy of e with one more parameter.
func (e *Error) With(key string, value any) *Error {
	c := *e
	c.Params = maps.Clone(e.Params)
	if c.Params == nil {
		c.Params = map[string]any{}
	}
	c.Params[key] = value
	return &c
}

// Wrap returns a copy of e with a cause, which is never shown to a caller.
func (e *Error) Wrap(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Error implements error.
func (e *Error) Error() string {
	if e.cause != nil {
		return string(e.Code) + ": " + e.Message + ": " + e.cause.Error()
	}
	return string(e.Code) + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is makes errors.Is compare codes, so that a sentinel need not be the same value.
func (e *Error) Is(target error) bool {
	var t *Error
	return errors.As(target, &t) && t.Code == e.Code
}

// CodeOf returns the code of err: "" for nil, CodeInternal for what is not an Error.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// ClassOf returns the class of err's code.
func ClassOf(err error) Class { return InfoOf(CodeOf(err)).Class }

// Final reports whether asking again can't change the answer: true for everything but internal faults and
// unavailability.
func Final(err error) bool {
	c := ClassOf(err)
	return c != ClassInternal && c != ClassUnavailable && c != ClassTooMany
}
