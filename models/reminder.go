package models

import (
	"cmp"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Bounds of reminders.
const (
	MaxThresholds    = 5
	MaxDaysBefore    = 90
	DefaultLateHours = 12
	MaxLateHours     = 24 // with more, the next day's reminder could overtake a late one
)

// Notices say what the owners of a batch's coupons are told without having asked. The zero value: nothing.
type Notices struct {
	Reminders        []Threshold `json:"reminders,omitempty"`
	ActiveWithinDays int         `json:"active_within_days,omitempty"` // only users who did something so lately. 0: everybody
}

// Threshold says how long before the end of a coupon its owner is reminded, and how. Of a batch no two have the same
// DaysBefore.
type Threshold struct {
	DaysBefore int       `json:"days_before"` // calendar days of the batch's zone; 0: on the last day
	At         string    `json:"at"`          // HH:MM in the batch's zone
	LateHours  int       `json:"late_hours,omitempty"`
	TemplateID string    `json:"template_id,omitempty"` // "": the one that the merchant has bound to reminders
	Channels   []Channel `json:"channels,omitempty"`    // of those of the template. Empty: all of them
	Since      Time      `json:"since,omitzero"`        // when DaysBefore and At were set: earlier instants are not made up for
}

// IsZero reports whether nobody is told anything.
func (n Notices) IsZero() bool { return len(n.Reminders) == 0 && n.ActiveWithinDays == 0 }

// Value implements driver.Valuer: NULL for the zero value, so that batches without notices are passed over unread.
func (n Notices) Value() (driver.Value, error) {
	if n.IsZero() {
		return nil, nil
	}
	text, err := json.Marshal(n)
	return string(text), err
}

// Scan implements sql.Scanner.
func (n *Notices) Scan(src any) error {
	*n = Notices{}
	switch v := src.(type) {
	case nil:
		return nil
	case []byte:
		return json.Unmarshal(v, n)
	case string:
		return json.Unmarshal([]byte(v), n)
	default:
		return fmt.Errorf("models: can't read notices from %T", src)
	}
}

// SetAt is n as it counts from the instant on, after before: a threshold whose days and hour stay keeps its beginning.
func (n Notices) SetAt(at Time, before Notices) Notices {
	n.Reminders = slices.Clone(n.Reminders)
	for i := range n.Reminders {
		t := &n.Reminders[i]
		t.Since = at
		for _, old := range before.Reminders {
			if old.DaysBefore == t.DaysBefore && old.At == t.At {
				t.Since = old.Since
			}
		}
	}
	return n
}

// clock is how long after midnight the threshold has its hour.
func (t Threshold) clock() time.Duration {
	at, err := time.Parse("15:04", t.At)
	if err != nil {
		return 0
	}
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
}

// Reminding is a threshold on one notify day.
type Reminding struct {
	Threshold
	Instant  Time // when it falls due
	Until    Time // from when on it is too late
	From, To Time // it is about coupons whose ValidUntil is after From and not after To
}

// Before reports whether r has its turn before the other: by instant, then the nearest expiry.
func (r Reminding) Before(instant Time, daysBefore int) bool {
	return r.Instant.Before(instant) || r.Instant.Equal(instant.Time) && r.DaysBefore < daysBefore
}

// Messages tell a user, through the channels of the template that the threshold takes. They are not sent when it is too
// late for the threshold, nor when the coupon is over that ends first.
func (r Reminding) Messages(t *Template, to Reminder, couponID string) []Message {
	until := r.Until
	if to.ValidUntil.Before(until) {
		until = to.ValidUntil
	}
	rows := t.Messages(Notice{
		UserID: to.UserID, BatchID: to.BatchID, DedupeKey: Hash("reminder", to.UserID, to.BatchID, to.Day),
		Params: MessageParams{CouponID: couponID, Coupons: to.Coupons, ValidUntil: to.ValidUntil}, SendUntil: until,
	})
	return slices.DeleteFunc(rows, func(m Message) bool { return len(r.Channels) > 0 && !slices.Contains(r.Channels, m.Channel) })
}

// Remindings are the thresholds of the batch on a notify day ("2006-01-02") of its zone, in the order of their turns.
// Days are the calendar's, whatever their length. A coupon belongs to the day of the last instant at which it is valid, so
// one that ends at midnight ends on the day before.
func (b Batch) Remindings(day string) ([]Reminding, error) {
	midnight, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return nil, fmt.Errorf("models: notify day: %w", err)
	}
	zone, list := b.Zone(), make([]Reminding, 0, len(b.Notices.Reminders))
	for _, t := range b.Notices.Reminders {
		r := Reminding{
			Threshold: t, Instant: NewTime(FirstShown(midnight.Add(t.clock()), zone)),
			From: NewTime(FirstShown(midnight.AddDate(0, 0, t.DaysBefore), zone)),
			To:   NewTime(FirstShown(midnight.AddDate(0, 0, t.DaysBefore+1), zone)),
		}
		r.Until = r.Instant.Add(time.Duration(cmp.Or(t.LateHours, DefaultLateHours)) * time.Hour)
		if !r.Instant.Before(t.Since) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(x, y Reminding) int {
		return cmp.Or(x.Instant.Compare(y.Instant.Time), cmp.Compare(x.DaysBefore, y.DaysBefore))
	})
	return list, nil
}

// ReminderDays are the notify days on which a threshold of the batch falls due until the instant to, and is not too late
// at the instant from. Earliest first.
func (b Batch) ReminderDays(from, to Time) ([]string, error) {
	var days []string
	zone := b.Zone()
	last := dayOf(to.Time, zone)
	for day := dayOf(from.Time, zone).AddDate(0, 0, -reminderDaysBack); !day.After(last); day = day.AddDate(0, 0, 1) {
		text := day.Format(time.DateOnly)
		list, err := b.Remindings(text)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(list, func(r Reminding) bool { return r.Until.After(from) && !r.Instant.After(to) }) {
			days = append(days, text)
		}
	}
	return days, nil
}

// reminderDaysBack is how many notify days back one may still be under way: MaxLateHours may be a day and, in a zone that
// left out a day, two.
const reminderDaysBack = 2

// Today is the first instant of the batch's day to which the instant belongs.
func (b Batch) Today(at Time) Time {
	zone := b.Zone()
	return NewTime(FirstShown(dayOf(at.Time, zone), zone))
}

// DaysUnderWay are the notify days that may still be under way on the day, and the day itself, earliest first.
func DaysUnderWay(day string) ([]string, error) {
	midnight, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return nil, fmt.Errorf("models: notify day: %w", err)
	}
	var days []string
	for back := reminderDaysBack; back >= 0; back-- {
		days = append(days, midnight.AddDate(0, 0, -back).Format(time.DateOnly))
	}
	return days, nil
}

// ReminderRun is how far the reminders of a batch have come on one notify day. All of them are under one row, so nothing
// that starts them twice tells anybody twice.
type ReminderRun struct {
	BatchID    string `gorm:"primaryKey"`
	Day        string `gorm:"primaryKey"` // of the batch's zone, "2006-01-02"
	Seq        int64  // moves with every change
	Instant    Time   // of the threshold that had its turn last, with DaysBefore. Zero: none had
	DaysBefore int
	AfterUntil Time   // with AfterID: the coupon up to which its coupons are done. Zero: none is
	AfterID    string //
	Through    bool   // the threshold is done
	Told       int64  // users who were told
	Missed     int64  // thresholds that were too late
	Wake       bool   // something changed that a workflow may not have heard of
	DueAt      Time   // when the sweeper must look; when done: when the rows of whom was told go
	DoneAt     Time   // zero: not done
	CreatedAt  Time
	UpdatedAt  Time
}

// Next is the threshold that has its turn, in the order of the list; nil when all of them are done.
func (r *ReminderRun) Next(list []Reminding) *Reminding {
	for i := range list {
		x := &list[i]
		current := x.Instant.Equal(r.Instant.Time) && x.DaysBefore == r.DaysBefore
		if r.Instant.IsZero() || (current && !r.Through) || (!current && !x.Before(r.Instant, r.DaysBefore)) {
			return x
		}
	}
	return nil
}

// Reminder says that a user was told on a notify day: there is one for each user, batch and day.
type Reminder struct {
	BatchID    string `gorm:"primaryKey"`
	Day        string `gorm:"primaryKey"`
	UserID     string `gorm:"primaryKey"`
	DaysBefore int
	Coupons    int  // how many end on that day
	ValidUntil Time // of the one that ends first
	At         Time // when it was written
}

// ExpiringEvent is the data of coupon.expiring: at most one for each user, batch and notify day.
type ExpiringEvent struct {
	CouponID   string `json:"coupon_id"` // of the one that ends first
	BatchID    string `json:"batch_id"`
	UserID     string `json:"user_id"`
	Coupons    int    `json:"coupons"` // how many of the user's end on that day
	ValidUntil Time   `json:"valid_until"`
	Day        string `json:"day"` // the notify day, in the batch's zone
	DaysBefore int    `json:"days_before"`
}

// NewExpiringEvent tells of a reminder.
func NewExpiringEvent(r Reminder, couponID string) ExpiringEvent {
	return ExpiringEvent{
		CouponID: couponID, BatchID: r.BatchID, UserID: r.UserID, Coupons: r.Coupons, ValidUntil: r.ValidUntil, Day: r.Day, DaysBefore: r.DaysBefore,
	}
}

// ReminderWork is what one page of work did, and what is left.
type ReminderWork struct {
	Told   int           `json:"told"`
	Missed int           `json:"missed,omitempty"` // thresholds that were too late
	Wait   time.Duration `json:"wait,omitempty"`   // nothing is due before; 0: there is more now, or it is done
	Done   bool          `json:"done,omitempty"`
}
