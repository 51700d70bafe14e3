package worker_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// almanac is a world with a batch whose coupons' owners are reminded. Its days are of the year 2040: what tests make by the
// real clock was made before.
type almanac struct {
	*world
	zone     *time.Location
	reminded store.BatchRow
	mu       sync.Mutex
	names    map[string]string // of users
}

func newAlmanac(t *testing.T, w *world, zone string, thresholds ...models.Threshold) *almanac {
	t.Helper()
	location, err := time.LoadLocation(zone)
	require.NoError(t, err)
	a := &almanac{world: w, zone: location, names: map[string]string{}}
	template := models.NewID(models.PrefixTemplate)
	w.exec("INSERT INTO templates (id, version, merchant_id, name, kind, channels, locale, texts, created_at) VALUES (?, 1, 'm1', 'soon', 'reminder', ?, 'en', '{}', ?)",
		template, `["inbox","email"]`, "2026-01-01 00:00:00.000000")
	for i := range thresholds {
		thresholds[i].TemplateID = template
	}
	a.reminded = w.Batch(storetest.BatchSpec{
		TimeZone: zone, ValidUntil: models.NewTime(time.Date(2045, 1, 1, 0, 0, 0, 0, time.UTC)), Notices: models.Notices{Reminders: thresholds},
	})
	return a
}

// instant reads "05-01 09:00" in the batch's zone.
func (a *almanac) instant(text string) models.Time {
	a.T.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", "2040-"+text, a.zone)
	require.NoError(a.T, err)
	return models.NewTime(at)
}

// is turns the clock.
func (a *almanac) is(text string) {
	a.T.Helper()
	a.turn(a.instant(text).Time)
}

func (w *world) turn(to time.Time) {
	w.T.Helper()
	actual, err := w.Store.Now(w.T.Context())
	require.NoError(w.T, err)
	w.clock.mu.Lock()
	defer w.clock.mu.Unlock()
	w.clock.ahead = to.Sub(actual.Time)
}

// user makes one whom the test calls by the name.
func (a *almanac) user(name string) string {
	id := a.User()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.names[id] = name
	return id
}

// coupon gives the user one that ends then.
func (a *almanac) coupon(user, ends string) models.Coupon {
	a.T.Helper()
	out, err := a.Store.Claim(a.ctx(), []store.ClaimRequest{{Caller: "test", Key: storetest.Name("key"), BatchID: a.reminded.ID, UserID: user}})
	require.NoError(a.T, err)
	require.Nil(a.T, out[0].Err)
	c := *out[0].Coupon
	a.exec("UPDATE coupons SET valid_until = ? WHERE id = ?", a.instant(ends), c.ID)
	return c
}

// has makes a user with coupons that end then.
func (a *almanac) has(name string, ends ...string) (coupons []models.Coupon) {
	a.T.Helper()
	user := a.user(name)
	for _, end := range ends {
		coupons = append(coupons, a.coupon(user, end))
	}
	return coupons
}

// plans writes the runs of the batch that are near, and returns how many were not there.
func (a *almanac) plans() int {
	a.T.Helper()
	id := a.reminded.ID
	planned, _, err := a.Store.PlanReminders(a.ctx(), id[:len(id)-1], 1)
	require.NoError(a.T, err)
	return planned
}

// reminds works on the day's run until nothing of it is due now.
func (a *almanac) reminds(day string) models.ReminderWork {
	a.T.Helper()
	all := models.ReminderWork{}
	for {
		work, err := a.Store.Remind(a.ctx(), a.reminded.ID, "2040-"+day, 2)
		require.NoError(a.T, err)
		all.Told, all.Missed, all.Wait, all.Done = all.Told+work.Told, all.Missed+work.Missed, work.Wait, work.Done
		if work.Done || work.Wait > 0 {
			return all
		}
	}
}

// told says who was told on the day: names, how many days before and of how many coupons, as "ann 1 2".
func (a *almanac) told(day string) []string {
	a.T.Helper()
	rows, err := a.Store.Reminders(a.ctx(), a.reminded.ID, "2040-"+day, "", 10_000)
	require.NoError(a.T, err)
	told := []string{}
	for _, r := range rows {
		told = append(told, fmt.Sprint(a.names[r.UserID], " ", r.DaysBefore, " ", r.Coupons))
	}
	return told
}

func (a *almanac) run(day string) models.ReminderRun {
	a.T.Helper()
	runs, err := a.Store.ReminderRuns(a.ctx(), a.reminded.ID, "", 1000)
	require.NoError(a.T, err)
	for _, r := range runs {
		if r.Day == "2040-"+day {
			return r
		}
	}
	require.Fail(a.T, "there is no run", day)
	return models.ReminderRun{}
}

// set changes the thresholds; their templates stay.
func (a *almanac) set(thresholds ...models.Threshold) {
	a.T.Helper()
	for i := range thresholds {
		thresholds[i].TemplateID = a.reminded.Notices.Reminders[0].TemplateID
	}
	_, err := a.Store.SetNotices(a.ctx(), store.NoticesChange{BatchID: a.reminded.ID, Notices: models.Notices{Reminders: thresholds}})
	require.NoError(a.T, err)
}

// count is of messages, or of whatever else there is of the batch.
func (a *almanac) count(from string) (n int) {
	a.T.Helper()
	require.NoError(a.T, a.raw.QueryRowContext(a.T.Context(), "SELECT COUNT(*) FROM "+from+" AND batch_id = ?", a.reminded.ID).Scan(&n))
	return n
}

// clean checks the books, and that there is a message for each channel and reminder.
func (a *almanac) clean() {
	a.T.Helper()
	a.AuditClean(a.reminded.ID)
	reminders := a.count("reminders WHERE 1 = 1")
	for _, channel := range models.Channels()[:2] {
		assert.Equal(a.T, reminders, a.count("messages WHERE channel = '"+string(channel)+"' AND kind = 'reminder'"), channel)
	}
	assert.Zero(a.T, a.count("messages WHERE send_until IS NULL"))
}
