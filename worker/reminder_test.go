package worker_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// dayBefore is a threshold a day before, at nine.
var dayBefore = models.Threshold{DaysBefore: 1, At: "09:00"}

// TestReminders tells each owner once, of all coupons that end on that day, and nobody else.
func TestReminders(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := newAlmanac(t, w, "Europe/Berlin", dayBefore)
		a.is("05-01 12:00")
		a.has("ann", "05-03 08:00", "05-03 20:00", "05-04 00:00", "05-05 12:00") // the third ends with the day
		a.has("bob", "05-04 00:00")
		a.has("too early", "05-03 00:00")
		a.has("too late", "05-04 00:01")
		locked := a.has("in a checkout", "05-03 18:00")
		used := a.has("used", "05-03 18:00")
		revoked := a.has("revoked", "05-03 18:00")
		blocked := a.has("blocked", "05-03 18:00")
		merged := a.has("merged", "05-03 18:00")
		erased := a.has("erased", "05-03 18:00")
		a.exec("UPDATE users SET blocked = 1 WHERE id = ?", blocked[0].UserID)
		a.exec("UPDATE users SET merged_into = 'usr_other' WHERE id = ?", merged[0].UserID)
		a.exec("UPDATE users SET erased_at = created_at WHERE id = ?", erased[0].UserID)
		a.Open(a.Plan(models.KindOrchestrated, locked[0]))
		hold, err := a.Store.OpenHolds(a.ctx(), []models.Plan{a.Plan(models.KindHold, used[0]), a.Plan(models.KindHold, locked[0])})
		require.NoError(t, err)
		confirmed, err := a.Store.ConfirmHolds(a.ctx(), []store.HoldConfirm{{ID: hold[0].Redemption.ID}})
		require.NoError(t, err)
		require.Nil(t, confirmed[0].Err)
		a.exec("UPDATE coupons SET state = 'REVOKED' WHERE id = ?", revoked[0].ID)

		assert.Equal(t, 3, a.plans(), "of today, which isn't too late yet, and of the next two")
		assert.Zero(t, a.plans(), "they are there")
		work := a.reminds("05-02")
		assert.InDelta(t, 21*time.Hour, work.Wait, float64(time.Minute))
		a.is("05-02 09:00")
		assert.Equal(t, models.ReminderWork{Told: 2, Done: true}, a.reminds("05-02"))
		assert.ElementsMatch(t, []string{"ann 1 3", "bob 1 1"}, a.told("05-02"))
		assert.Equal(t, models.ReminderWork{Done: true}, a.reminds("05-02"), "again changes nothing")
		assert.EqualValues(t, 2, a.run("05-02").Told)
		a.exec("UPDATE coupons SET state = 'AVAILABLE' WHERE id = ?", revoked[0].ID)
		a.clean()
	})
}

// TestRemindersOfWhatChangedSince: what was claimed, given back or freed after the hour is for the next threshold, however
// late the run gets to look.
func TestRemindersOfWhatChangedSince(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := newAlmanac(t, w, "America/New_York", models.Threshold{DaysBefore: 2, At: "09:00"}, models.Threshold{DaysBefore: 0, At: "07:30"})
		a.is("07-01 08:00")
		a.has("there", "07-03 23:00")
		freed := a.has("freed", "07-03 23:00")
		extended := a.has("extended", "07-01 23:00")
		a.plans()
		hold, err := a.Store.OpenHolds(a.ctx(), []models.Plan{a.Plan(models.KindHold, freed[0])})
		require.NoError(t, err)
		require.Nil(t, hold[0].Err)
		a.is("07-01 10:00") // the worker was down at nine
		_, err = a.Store.CancelHolds(a.ctx(), []string{hold[0].Redemption.ID})
		require.NoError(t, err)
		a.has("claimed", "07-03 23:00")
		a.exec("UPDATE coupons SET valid_until = ? WHERE id = ?", a.instant("07-03 22:00"), extended[0].ID)
		a.exec("UPDATE ledger_entries SET at = ? WHERE coupon_id = ?", a.instant("07-01 09:30"), extended[0].ID)
		a.is("07-01 11:00")
		a.reminds("07-01")
		assert.ElementsMatch(t, []string{"there 2 1"}, a.told("07-01"))
		a.is("07-03 07:31")
		a.plans()
		a.reminds("07-03")
		assert.ElementsMatch(t, []string{"there 0 1", "freed 0 1", "claimed 0 1", "extended 0 1"}, a.told("07-03"))
		a.clean()
	})
}

// TestRemindersOfCoincidingThresholds: of several thresholds on one day the nearest expiry wins, also when its hour comes later.
func TestRemindersOfCoincidingThresholds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := newAlmanac(t, w, "Asia/Kathmandu",
			models.Threshold{DaysBefore: 7, At: "09:00"}, models.Threshold{DaysBefore: 3, At: "09:00"}, models.Threshold{DaysBefore: 1, At: "18:00"})
		a.is("02-27 12:00")
		a.has("far", "03-07 12:00")
		a.has("both at nine", "03-07 12:00", "03-03 12:00")
		a.has("sooner at six", "03-07 12:00", "03-01 12:00")
		a.plans()
		a.is("02-29 09:00")
		assert.InDelta(t, 9*time.Hour, a.reminds("02-29").Wait, float64(time.Minute))
		assert.ElementsMatch(t, []string{"far 7 1", "both at nine 3 1"}, a.told("02-29"))
		a.is("02-29 18:00")
		assert.True(t, a.reminds("02-29").Done)
		assert.ElementsMatch(t, []string{"far 7 1", "both at nine 3 1", "sooner at six 1 1"}, a.told("02-29"))
		a.clean()
	})
}

// TestRemindersLate: what was due while everything was down is made up for, but not when it is too late, and never of a
// coupon that is over.
func TestRemindersLate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := newAlmanac(t, w, "UTC", models.Threshold{DaysBefore: 0, At: "09:00", LateHours: 4}, models.Threshold{DaysBefore: 1, At: "09:00", LateHours: 24})
		a.is("05-01 08:00")
		a.has("dawn", "05-02 06:00")
		a.has("evening", "05-02 20:00")
		a.has("next day", "05-03 20:00")
		a.is("05-02 08:30") // the planner was down too
		assert.Equal(t, 3, a.plans())
		assert.Equal(t, models.ReminderWork{Told: 1, Missed: 1, Done: true}, a.reminds("05-01"))
		assert.Equal(t, []string{"evening 1 1"}, a.told("05-01"), "in time by half an hour; dawn is over")
		a.is("05-02 12:30")
		assert.Equal(t, models.ReminderWork{Told: 1, Done: true}, a.reminds("05-02"))
		assert.Equal(t, []string{"next day 1 1"}, a.told("05-02"), "who was told today, by the run of yesterday, is not told again")
		a.has("third day", "05-03 20:00")
		a.is("05-03 13:00")
		a.plans()
		assert.Equal(t, models.ReminderWork{Missed: 1, Done: true}, a.reminds("05-03"))
		assert.Empty(t, a.told("05-03"))
		until := []time.Time{}
		for _, r := range []string{"next day", "evening"} {
			until = append(until, a.sendUntil(r))
		}
		assert.Equal(t, []time.Time{a.instant("05-03 09:00").Time, a.instant("05-02 09:00").Time}, until)
		a.clean()
	})
}

// sendUntil is until when the user's message is worth sending.
func (a *almanac) sendUntil(name string) time.Time {
	a.T.Helper()
	for id, n := range a.names {
		if n == name {
			var at models.Time
			require.NoError(a.T, a.raw.QueryRowContext(a.T.Context(), "SELECT DISTINCT send_until FROM messages WHERE user_id = ?", id).Scan(&at))
			return at.Time
		}
	}
	return time.Time{}
}

// TestRemindersFollowEdits: what is changed counts for hours that come, at once; what was is not made up for.
func TestRemindersFollowEdits(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		at := func(days int, hour string) models.Threshold { return models.Threshold{DaysBefore: days, At: hour} }
		a := newAlmanac(t, w, "Australia/Lord_Howe", at(1, "12:00"), at(7, "12:00"))
		a.is("04-04 07:00")
		a.has("one", "04-05 12:00")
		a.has("seven", "04-11 12:00")
		a.has("three", "04-07 12:00")
		a.plans()
		assert.InDelta(t, 5*time.Hour, a.reminds("04-04").Wait, float64(time.Minute))
		a.set(at(1, "15:00"), at(3, "08:00"), at(7, "07:00")) // later, new, and already over
		run := a.run("04-04")
		assert.True(t, run.Wake, "the workflow is to hear of it")
		a.is("04-04 12:30")
		assert.InDelta(t, 150*time.Minute, a.reminds("04-04").Wait, float64(time.Minute))
		assert.Equal(t, []string{"three 3 1"}, a.told("04-04"))
		a.is("04-04 15:00")
		assert.True(t, a.reminds("04-04").Done)
		assert.ElementsMatch(t, []string{"three 3 1", "one 1 1"}, a.told("04-04"))
		a.set(at(1, "15:00"), at(3, "08:00"), at(7, "16:00"))
		assert.True(t, a.run("04-04").DoneAt.IsZero(), "it goes on")
		a.is("04-04 16:00")
		assert.True(t, a.reminds("04-04").Done)
		assert.ElementsMatch(t, []string{"three 3 1", "one 1 1", "seven 7 1"}, a.told("04-04"))
		before := a.run("04-04")
		a.set(at(1, "15:00"), at(3, "08:00"), at(7, "16:00"))
		assert.Equal(t, before, a.run("04-04"), "the same again changes nothing")
		a.has("two", "04-06 12:00")
		a.is("04-05 12:00")
		a.plans()
		a.set(at(3, "08:00"))
		a.is("04-05 15:00")
		assert.Equal(t, models.ReminderWork{Done: true}, a.reminds("04-05"), "its threshold is gone")
		a.clean()
	})
}

// TestRemindersPausedAndEnded: paused messages go on when they are resumed, unless it is too late. The end of a batch, or a
// pause of anything else, is no end of its coupons.
func TestRemindersPausedAndEnded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := newAlmanac(t, w, "UTC", models.Threshold{DaysBefore: 1, At: "09:00", LateHours: 2})
		change := func(c store.BatchChange) {
			c.BatchID = a.reminded.ID
			_, err := a.Store.ChangeBatch(a.ctx(), c)
			require.NoError(t, err)
		}
		a.is("05-01 08:00")
		a.has("ann", "05-02 20:00")
		a.has("bob", "05-03 20:00")
		a.plans()
		change(store.BatchChange{Pause: models.PauseMessages})
		a.is("05-01 09:00")
		assert.Equal(t, models.ReminderWork{Wait: 5 * time.Minute}, a.reminds("05-01"))
		change(store.BatchChange{Resume: models.PauseMessages, Pause: models.PauseClaims | models.PauseUse | models.PauseDistribution})
		change(store.BatchChange{To: models.BatchEnded})
		a.is("05-01 10:58")
		assert.Equal(t, models.ReminderWork{Told: 1, Done: true}, a.reminds("05-01"))
		change(store.BatchChange{Pause: models.PauseMessages})
		a.is("05-02 10:58")
		assert.InDelta(t, 2*time.Minute, a.reminds("05-02").Wait, float64(time.Minute), "until it is too late")
		a.is("05-02 11:00")
		change(store.BatchChange{Resume: models.PauseMessages})
		assert.Equal(t, models.ReminderWork{Missed: 1, Done: true}, a.reminds("05-02"))
		a.clean()
	})
}

// TestRemindersOfACrowd pages through coupons that all end at one instant, by many at once who start over and over.
func TestRemindersOfACrowd(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := newAlmanac(t, w, "UTC", dayBefore)
		a.is("05-01 08:00")
		var requests []store.ClaimRequest
		for range 50 {
			user := a.user("one")
			for range 3 {
				requests = append(requests, store.ClaimRequest{Caller: "test", Key: storetest.Name("key"), BatchID: a.reminded.ID, UserID: user})
			}
		}
		_, err := a.Store.Claim(a.ctx(), requests)
		require.NoError(t, err)
		a.exec("UPDATE coupons SET valid_until = ? WHERE batch_id = ?", a.instant("05-02 12:00"), a.reminded.ID)
		var planners, workers sync.WaitGroup
		for range 4 {
			planners.Go(func() {
				id := a.reminded.ID
				_, _, err := a.Store.PlanReminders(a.ctx(), id[:len(id)-1], 1)
				assert.NoError(t, err)
			})
		}
		planners.Wait()
		a.is("05-01 09:00")
		for range 4 {
			workers.Go(func() {
				for done := false; !done; {
					work, err := a.Store.Remind(a.ctx(), a.reminded.ID, "2040-05-01", 7)
					if !assert.NoError(t, err) {
						return
					}
					done = work.Done
				}
			})
		}
		workers.Wait()
		told := a.told("05-01")
		assert.Len(t, told, 50)
		assert.Equal(t, []string{"one 1 3"}, slices.Compact(told))
		a.clean()
	})
}

// TestRemindersTidied: whom was told is forgotten after three days, the run after ninety.
func TestRemindersTidied(t *testing.T) {
	t.Parallel()
	w := openWorld(t, store.Options{SQLite: storetest.SQLiteFile(t)})
	a := newAlmanac(t, w, "UTC", dayBefore)
	tidies := func() (n int) {
		for more := 1; more > 0; n += more {
			var err error
			more, err = a.Store.TidyReminders(a.ctx(), 2)
			require.NoError(t, err)
		}
		return n
	}
	a.is("05-01 08:00")
	for range 5 {
		a.has("one", "05-02 12:00")
	}
	a.plans()
	a.is("05-01 09:00")
	require.Equal(t, 5, a.reminds("05-01").Told)
	a.is("05-04 08:59")
	assert.Zero(t, tidies())
	a.is("05-04 09:01")
	assert.Equal(t, 6, tidies(), "and the run is put off")
	assert.Empty(t, a.told("05-01"))
	assert.EqualValues(t, 5, a.run("05-01").Told)
	assert.Zero(t, tidies())
	a.is("08-01 09:00")
	assert.Equal(t, 1, tidies())
	assert.Zero(t, a.count("reminder_runs WHERE 1 = 1"))
	assert.Zero(t, a.plans(), "it is not planned again")
}

// TestRemindersAreJudgedWhenSent: what was used while the message waited for its turn is not written about; another coupon of
// that day is enough.
func TestRemindersAreJudgedWhenSent(t *testing.T) {
	t.Parallel()
	w := openWorld(t, store.Options{SQLite: storetest.SQLiteFile(t)})
	a := newAlmanac(t, w, "UTC", dayBefore)
	a.is("05-01 08:00")
	used := a.has("used", "05-02 20:00")
	one := a.has("one of two", "05-02 20:00", "05-02 22:00")
	a.has("unused", "05-02 20:00")
	a.plans()
	a.is("05-01 09:00")
	require.Equal(t, 3, a.reminds("05-01").Told)
	for _, c := range []models.Coupon{used[0], one[0]} {
		out, err := a.Store.OpenHolds(a.ctx(), []models.Plan{a.Plan(models.KindHold, c)})
		require.NoError(t, err)
		require.Nil(t, out[0].Err)
	}
	claimed, err := a.Store.ClaimMessages(a.ctx(), store.MessageClaim{Channel: models.ViaInbox, Limit: 100})
	require.NoError(t, err)
	assert.Equal(t, map[models.MessageOutcome]int{"": 2, models.OutcomeNeedless: 1}, claimed.Ended)
}
