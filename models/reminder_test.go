package models_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
)

func remindingBatch(zone string, thresholds ...models.Threshold) models.Batch {
	return models.Batch{TimeZone: zone, Notices: models.Notices{Reminders: thresholds}}
}

func text(t models.Time) string { return t.Format("2006-01-02T15:04Z") }

// The hour of a notify day is the zone's: one that clocks skip falls due when they have skipped it, one that they show
// twice the first time.
func TestRemindingInstants(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ zone, day, at, want, why string }{
		{"UTC", "2026-03-01", "09:00", "2026-03-01T09:00Z", "plain"},
		{"Europe/Berlin", "2026-03-28", "02:30", "2026-03-28T01:30Z", "before clocks go forward"},
		{"Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:00Z", "02:00 to 03:00 is left out"},
		{"Europe/Berlin", "2026-03-29", "02:00", "2026-03-29T01:00Z", "the first that is left out"},
		{"Europe/Berlin", "2026-03-29", "03:00", "2026-03-29T01:00Z", "the first that is there"},
		{"Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30Z", "twice: the first"},
		{"Europe/Berlin", "2026-10-25", "03:00", "2026-10-25T02:00Z", "after the hour that comes twice"},
		{"America/New_York", "2026-03-08", "02:15", "2026-03-08T07:00Z", "left out"},
		{"America/New_York", "2026-11-01", "01:59", "2026-11-01T05:59Z", "twice"},
		{"Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:30Z", "half an hour is left out"},
		{"Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04T14:45Z", "half an hour comes twice"},
		{"Asia/Kathmandu", "2026-06-01", "09:00", "2026-06-01T03:15Z", "an odd offset"},
		{"Pacific/Apia", "2011-12-30", "09:00", "2011-12-30T10:00Z", "a day that never was: when the next begins"},
		{"Pacific/Apia", "2011-12-31", "09:00", "2011-12-30T19:00Z", "the day after it"},
		{"Africa/Casablanca", "2026-02-15", "02:30", "2026-02-15T01:30Z", "before Ramadan"},
		{"Africa/Casablanca", "2026-02-15", "03:30", "2026-02-15T03:30Z", "clocks went back for Ramadan"},
		{"Asia/Beirut", "2026-03-29", "00:00", "2026-03-28T22:00Z", "midnight is left out"},
		{"Asia/Beirut", "2026-10-24", "23:30", "2026-10-24T20:30Z", "the last hour comes twice"},
		{"America/Havana", "2026-11-01", "00:00", "2026-11-01T04:00Z", "midnight comes twice"},
	} {
		b := remindingBatch(tt.zone, models.Threshold{DaysBefore: 1, At: tt.at})
		list, err := b.Remindings(tt.day)
		require.NoError(t, err)
		require.Len(t, list, 1)
		assert.Equal(t, tt.want, text(list[0].Instant), "%s %s %s: %s", tt.zone, tt.day, tt.at, tt.why)
	}
}

// Which ends fall due is counted in calendar days of the zone, and a coupon that ends at midnight ends the day before.
func TestRemindingWindows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		zone, day  string
		days       int
		after, end string
	}{
		{"UTC", "2026-03-01", 0, "2026-03-01T00:00Z", "2026-03-02T00:00Z"},
		{"UTC", "2026-02-28", 7, "2026-03-07T00:00Z", "2026-03-08T00:00Z"},
		{"Europe/Berlin", "2026-03-28", 1, "2026-03-28T23:00Z", "2026-03-29T22:00Z"},
		{"Europe/Berlin", "2026-10-24", 1, "2026-10-24T22:00Z", "2026-10-25T23:00Z"},
		{"Pacific/Apia", "2011-12-29", 1, "2011-12-30T10:00Z", "2011-12-30T10:00Z"}, // no coupon ends on a day that never was
		{"Pacific/Apia", "2011-12-29", 2, "2011-12-30T10:00Z", "2011-12-31T10:00Z"},
		{"Asia/Beirut", "2026-10-23", 1, "2026-10-23T21:00Z", "2026-10-24T22:00Z"},
		{"Asia/Kathmandu", "2024-02-28", 1, "2024-02-28T18:15Z", "2024-02-29T18:15Z"},
	} {
		b := remindingBatch(tt.zone, models.Threshold{DaysBefore: tt.days, At: "09:00"})
		list, err := b.Remindings(tt.day)
		require.NoError(t, err)
		got := fmt.Sprint(text(list[0].From), " ", text(list[0].To))
		assert.Equal(t, tt.after+" "+tt.end, got, "%s %s+%d", tt.zone, tt.day, tt.days)
	}
}

// calendar goes through every minute of a zone's years and finds by itself when each day begins, and when a time of day is
// first shown: the calendar that people look at, without arithmetic.
type calendar struct {
	days   []string
	begins map[string]string // of each day
	shown  map[string]string // of each day and hour: the instant
}

func readCalendar(zone *time.Location, from, to time.Time, hours []string) calendar {
	c := calendar{begins: map[string]string{}, shown: map[string]string{}}
	latest := time.Time{} // the latest wall-clock time that was shown
	for at := from; at.Before(to); at = at.Add(time.Minute) {
		_, offset := at.In(zone).Zone()
		wall := at.Add(time.Duration(offset) * time.Second).UTC()
		if !wall.After(latest) {
			continue // shown before
		}
		if wall.YearDay() != latest.YearDay() {
			day := wall.Format(time.DateOnly)
			c.days, c.begins[day] = append(c.days, day), at.Format("2006-01-02T15:04Z")
		}
		if latest.IsZero() {
			latest = wall.Add(-time.Minute)
		}
		for w := latest.Add(time.Minute); !w.After(wall); w = w.Add(time.Minute) { // more than one where some were left out
			if w.Minute()%15 == 0 && slices.Contains(hours, w.Format("15:04")) {
				c.shown[w.Format("2006-01-02 15:04")] = at.Format("2006-01-02T15:04Z")
			}
		}
		latest = wall
	}
	return c
}

// Every day of a zone's year agrees with a calendar that was read minute by minute.
func TestRemindingsAgreeWithTheCalendar(t *testing.T) {
	t.Parallel()
	for name, year := range map[string]int{
		"Europe/Berlin": 2026, "America/New_York": 2026, "Australia/Lord_Howe": 2026, "Asia/Kathmandu": 2026, "Pacific/Apia": 2011,
		"Africa/Casablanca": 2026, "Asia/Beirut": 2026, "America/Havana": 2026, "America/St_Johns": 2010, "America/Sao_Paulo": 2018, "UTC": 2026,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation(name)
			require.NoError(t, err)
			begin := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
			hours := []string{"00:00", "00:15", "01:45", "02:00", "02:15", "02:30", "03:00", "09:00", "23:30", "23:45"}
			c := readCalendar(zone, begin.AddDate(0, 0, -3), begin.AddDate(1, 0, 4), hours)
			for day := begin; day.Year() == year; day = day.AddDate(0, 0, 1) {
				date := day.Format(time.DateOnly)
				for n, at := range hours {
					b := remindingBatch(name, models.Threshold{DaysBefore: n % 2, At: at})
					list, err := b.Remindings(date)
					require.NoError(t, err)
					r := list[0]
					require.Equal(t, c.shown[date+" "+at], text(r.Instant), "%s %s", date, at)
					ends := day.AddDate(0, 0, n%2).Format(time.DateOnly)
					if i := slices.Index(c.days, ends); i < 0 {
						require.Equal(t, r.From, r.To, "a day that never was")
					} else {
						require.Equal(t, c.begins[ends], text(r.From), ends)
						require.Equal(t, c.begins[c.days[i+1]], text(r.To), ends)
					}
				}
			}
		})
	}
}

// Of several thresholds the one whose hour is first has its turn first, of those at one hour the nearest expiry.
func TestRemindingsInTheOrderOfTheirTurns(t *testing.T) {
	t.Parallel()
	since := models.NewTime(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
	b := remindingBatch("UTC",
		models.Threshold{DaysBefore: 7, At: "09:00"}, models.Threshold{DaysBefore: 1, At: "18:00", LateHours: 3},
		models.Threshold{DaysBefore: 3, At: "09:00"}, models.Threshold{DaysBefore: 0, At: "08:00", Since: since})
	turns := func(day string) (turns []int) {
		list, err := b.Remindings(day)
		require.NoError(t, err)
		for _, r := range list {
			turns = append(turns, r.DaysBefore)
		}
		return turns
	}
	assert.Equal(t, []int{0, 3, 7, 1}, turns("2026-05-02"))
	assert.Equal(t, []int{3, 7, 1}, turns("2026-05-01"), "one is not made up for that was set after its hour")
	list, err := b.Remindings("2026-05-02")
	require.NoError(t, err)
	assert.Equal(t, 12*time.Hour, list[1].Until.Sub(list[1].Instant.Time))
	assert.Equal(t, 3*time.Hour, list[3].Until.Sub(list[3].Instant.Time))

	run := models.ReminderRun{}
	var walked []int
	for r := run.Next(list); r != nil; r = run.Next(list) {
		walked = append(walked, r.DaysBefore)
		run.Instant, run.DaysBefore, run.Through = r.Instant, r.DaysBefore, false
		require.Equal(t, r, run.Next(list), "the one that is under way goes on")
		run.Through = true
	}
	assert.Equal(t, []int{0, 3, 7, 1}, walked)
	_, err = b.Remindings("2026-5-1")
	assert.Error(t, err)
}

func TestReminderDays(t *testing.T) {
	t.Parallel()
	at := func(s string) models.Time {
		when, err := time.Parse(time.RFC3339, s)
		require.NoError(t, err)
		return models.NewTime(when)
	}
	for _, tt := range []struct {
		zone, from, to string
		late           int
		want           []string
	}{
		{"UTC", "2026-05-10T08:00:00Z", "2026-05-12T08:00:00Z", 0, []string{"2026-05-10", "2026-05-11"}},
		{"UTC", "2026-05-10T10:00:00Z", "2026-05-12T10:00:00Z", 1, []string{"2026-05-11", "2026-05-12"}},
		{"UTC", "2026-05-10T08:59:00Z", "2026-05-10T08:59:59Z", 24, []string{"2026-05-09"}},
		{"Pacific/Kiritimati", "2026-05-09T18:00:00Z", "2026-05-09T19:00:00Z", 0, []string{"2026-05-10"}},
		{"Pacific/Pago_Pago", "2026-05-10T19:00:00Z", "2026-05-10T20:00:00Z", 0, []string{"2026-05-10"}},
		{"Pacific/Apia", "2011-12-30T09:00:00Z", "2011-12-30T18:00:00Z", 24, []string{"2011-12-29", "2011-12-30"}},
	} {
		b := remindingBatch(tt.zone, models.Threshold{DaysBefore: 1, At: "09:00", LateHours: tt.late})
		days, err := b.ReminderDays(at(tt.from), at(tt.to))
		require.NoError(t, err)
		assert.Equal(t, tt.want, days, "%s %s", tt.zone, tt.from)
	}
}

// What a batch keeps of notices reads back as it was written, and nothing is NULL.
func TestNoticesInTheStore(t *testing.T) {
	t.Parallel()
	none, err := models.Notices{}.Value()
	require.NoError(t, err)
	assert.Nil(t, none)
	since := models.NewTime(time.Date(2026, 5, 1, 12, 0, 0, 1000, time.UTC))
	n := models.Notices{ActiveWithinDays: 30, Reminders: []models.Threshold{{DaysBefore: 3, At: "09:30", Channels: []models.Channel{models.ViaEmail}}}}
	n = n.SetAt(since, models.Notices{})
	value, err := n.Value()
	require.NoError(t, err)
	for _, src := range []any{value, []byte(value.(string))} {
		back := models.Notices{ActiveWithinDays: 3}
		require.NoError(t, back.Scan(src))
		assert.Equal(t, n, back)
	}
	require.NoError(t, n.Scan(nil))
	assert.True(t, n.IsZero())
	assert.Error(t, n.Scan(3))
}

// A threshold whose days and hour stay keeps its beginning; one that moved begins anew.
func TestNoticesSetAt(t *testing.T) {
	t.Parallel()
	first, second := models.NewTime(time.Unix(1000, 0)), models.NewTime(time.Unix(2000, 0))
	before := models.Notices{Reminders: []models.Threshold{{DaysBefore: 1, At: "09:00"}, {DaysBefore: 7, At: "09:00"}}}.SetAt(first, models.Notices{})
	after := models.Notices{Reminders: []models.Threshold{{DaysBefore: 1, At: "09:00", LateHours: 2}, {DaysBefore: 7, At: "10:00"}, {DaysBefore: 3, At: "09:00"}}}
	set := after.SetAt(second, before)
	assert.Equal(t, []models.Time{first, second, second}, []models.Time{set.Reminders[0].Since, set.Reminders[1].Since, set.Reminders[2].Since})
	assert.True(t, after.Reminders[0].Since.IsZero(), "what is given is left as it is")
}
