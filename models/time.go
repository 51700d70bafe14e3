package models

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"
)

// timeLayout is how every instant is written to the store: UTC, fixed width, so that text compares as time does.
const timeLayout = "2006-01-02 15:04:05.000000"

// Time is an instant in UTC to the microsecond, which is what both databases keep. The zero value is no instant and is
// stored as NULL.
type Time struct{ time.Time }

// NewTime cuts t to what the store can hold, so that a value read back equals the one written.
func NewTime(t time.Time) Time { return Time{t.UTC().Truncate(time.Microsecond)} }

// Add returns t moved by d.
func (t Time) Add(d time.Duration) Time { return NewTime(t.Time.Add(d)) }

// Before reports whether t is earlier than u.
func (t Time) Before(u Time) bool { return t.Time.Before(u.Time) }

// After reports whether t is later than u.
func (t Time) After(u Time) bool { return t.Time.After(u.Time) }

// Value implements driver.Valuer.
func (t Time) Value() (driver.Value, error) {
	if t.IsZero() {
		return nil, nil
	}
	return t.UTC().Format(timeLayout), nil
}

// Scan implements sql.Scanner for what MySQL and SQLite return.
func (t *Time) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*t = Time{}
		return nil
	case []byte:
		return t.parse(string(v))
	case string:
		return t.parse(v)
	case time.Time:
		*t = NewTime(v)
		return nil
	default:
		return fmt.Errorf("models: can't read a time from %T", src)
	}
}

func (t *Time) parse(s string) error {
	parsed, err := time.ParseInLocation(timeLayout, s, time.UTC)
	if err != nil {
		return fmt.Errorf("models: time in the store: %w", err)
	}
	*t = Time{parsed}
	return nil
}

// MarshalJSON writes RFC 3339 in UTC, null for the zero value.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(t.UTC().Format(time.RFC3339Nano))
}

// UnmarshalJSON reads RFC 3339; null leaves the zero value.
func (t *Time) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*t = Time{}
		return nil
	}
	var parsed time.Time
	if err := json.Unmarshal(b, &parsed); err != nil {
		return err
	}
	*t = NewTime(parsed)
	return nil
}
