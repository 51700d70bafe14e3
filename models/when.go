package models

import (
	"errors"
	"time"
)

// Faults of instants that people name.
var (
	ErrNoWhen = errors.New("must be an instant, such as 2026-12-31T18:00:00Z, or a date, such as 2026-12-31")
	ErrNoYear = errors.New("must be of the years 2000 to 9000")
)

// latest is after every instant that a window may name: beyond the year 9999 the store can't keep one.
var latest = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)

// ReadWhen returns the instant (RFC 3339) or the date that the text names, or ErrNoWhen or ErrNoYear. A date is the first instant
// of the day of the zone that comes days after it: 0 where a window begins, 1 where it ends.
func ReadWhen(text string, zone *time.Location, days int) (Time, error) {
	var at time.Time
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		at = FirstShown(day.AddDate(0, 0, days), zone)
	} else if at.UnmarshalText([]byte(text)) != nil {
		return Time{}, ErrNoWhen
	}
	if !InYears(at) {
		return Time{}, ErrNoYear
	}
	return NewTime(at), nil
}

// InYears reports whether the store can keep the instant, and JSON can write it.
func InYears(at time.Time) bool { return at.Year() >= 2000 && !at.After(latest) }
