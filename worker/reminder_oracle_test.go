package worker_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// bill is a coupon as the oracle knows it.
type bill struct {
	id, user     string
	end, changed time.Time
	revoked      bool
}

// oracle says who has to be told, by another way than the store: it goes through all days, thresholds and coupons each time.
type oracle struct {
	zone       *time.Location
	thresholds []models.Threshold
	bills      []*bill
	judged     map[string]bool                 // days and thresholds that had their turn
	told       map[string]map[string]time.Time // by user, when on which notify day
	expect     map[string]string               // by day and user, how many days before and of how many coupons
}

// instant is when the threshold falls due on the day.
func (o *oracle) instant(day time.Time, t models.Threshold) time.Time {
	at, err := time.Parse("15:04", t.At)
	if err != nil {
		panic(err)
	}
	return time.Date(day.Year(), day.Month(), day.Day(), at.Hour(), at.Minute(), 0, 0, o.zone)
}

// midnight begins the day to which the instant belongs.
func (o *oracle) midnight(at time.Time) time.Time {
	y, m, d := at.In(o.zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, o.zone)
}

// ends reports whether the bill's last instant is on the day that comes so many days later, and it is not over.
func (o *oracle) ends(b *bill, day time.Time, later int, now time.Time) bool {
	return !b.revoked && b.end.After(now) && o.midnight(b.end.Add(-time.Nanosecond)).Equal(o.midnight(day.AddDate(0, 0, later).Add(12*time.Hour)))
}

// tick gives everything its turn that is due and was not judged before.
func (o *oracle) tick(now time.Time) {
	for day := o.midnight(now).AddDate(0, 0, -3); !day.After(now); day = day.AddDate(0, 0, 1) {
		list := slices.SortedFunc(slices.Values(o.thresholds), func(x, y models.Threshold) int {
			return cmp.Or(o.instant(day, x).Compare(o.instant(day, y)), cmp.Compare(x.DaysBefore, y.DaysBefore))
		})
		for i, t := range list {
			key, at := fmt.Sprint(day.Format(time.DateOnly), t.DaysBefore), o.instant(day, t)
			if now.Before(at) || o.judged[key] {
				continue
			}
			o.judged[key] = true
			if now.Before(at.Add(time.Duration(t.LateHours) * time.Hour)) {
				o.judge(day, t, list[i+1:], now)
			}
		}
	}
}

// judge tells who is due by a threshold, of which some come later on the day.
func (o *oracle) judge(day time.Time, t models.Threshold, later []models.Threshold, now time.Time) {
	due := map[string]bool{}
	for _, b := range o.bills {
		if o.ends(b, day, t.DaysBefore, now) && !b.changed.After(o.instant(day, t)) {
			due[b.user] = true
		}
	}
	for user := range due {
		if o.wasTold(user, day, now) || o.nearer(user, day, t, later) {
			continue
		}
		n := 0
		for _, b := range o.bills {
			if b.user == user && o.ends(b, day, t.DaysBefore, now) {
				n++
			}
		}
		text := day.Format(time.DateOnly)
		if o.told[user] == nil {
			o.told[user] = map[string]time.Time{}
		}
		o.told[user][text] = now
		o.expect[text+" "+user] = fmt.Sprint(t.DaysBefore, " ", n)
	}
}

// wasTold reports whether the user was told on the notify day, or, late, of an earlier one on this day of the calendar.
func (o *oracle) wasTold(user string, day, now time.Time) bool {
	for other, at := range o.told[user] {
		if text := day.Format(time.DateOnly); other == text || other < text && !at.Before(o.midnight(now)) {
			return true
		}
	}
	return false
}

// nearer reports whether the user has a coupon that ends sooner and whose turn comes later on the day.
func (o *oracle) nearer(user string, day time.Time, t models.Threshold, later []models.Threshold) bool {
	return slices.ContainsFunc(later, func(x models.Threshold) bool {
		return x.DaysBefore < t.DaysBefore && o.instant(day, x).After(o.instant(day, t)) && slices.ContainsFunc(o.bills, func(b *bill) bool {
			return b.user == user && o.ends(b, day, x.DaysBefore, time.Time{})
		})
	})
}

// weeks is an almanac in which things happen by chance.
type weeks struct {
	*almanac
	oracle *oracle
	dice   *rand.Rand
	now    time.Time
	users  []string
}

// newWeeks begins shortly before clocks are changed in most zones that do so.
func newWeeks(t *testing.T, w *world, seed uint64) *weeks {
	t.Helper()
	dice := rand.New(rand.NewPCG(seed, 1))
	zone := []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"}[dice.IntN(5)]
	var thresholds []models.Threshold
	for _, days := range dice.Perm(5)[:1+dice.IntN(3)] {
		thresholds = append(thresholds, models.Threshold{
			DaysBefore: days, At: fmt.Sprintf("%02d:%02d", 5+dice.IntN(19), 15*dice.IntN(4)), LateHours: 1 + dice.IntN(models.MaxLateHours),
		})
	}
	a := newAlmanac(t, w, zone, thresholds...)
	x := &weeks{almanac: a, dice: dice, oracle: &oracle{
		zone: a.zone, thresholds: thresholds, judged: map[string]bool{}, told: map[string]map[string]time.Time{}, expect: map[string]string{},
	}}
	// Seven minutes away from whatever falls due or ends.
	x.now = []time.Time{
		time.Date(2040, 3, 8, 12, 7, 0, 0, time.UTC), time.Date(2040, 3, 22, 3, 7, 0, 0, time.UTC), time.Date(2040, 10, 25, 20, 7, 0, 0, time.UTC),
	}[dice.IntN(3)]
	x.turn(x.now)
	for range 5 {
		x.users = append(x.users, x.User())
	}
	return x
}

// some is a time between the bounds, in quarters of an hour.
func (x *weeks) some(least, most time.Duration) time.Duration {
	const quarter = 15 * time.Minute
	return least + time.Duration(x.dice.Int64N(int64((most-least)/quarter)+1))*quarter
}

// born gives somebody a coupon.
func (x *weeks) born() {
	x.T.Helper()
	user := x.users[x.dice.IntN(len(x.users))]
	out, err := x.Store.Claim(x.ctx(), []store.ClaimRequest{{Caller: "test", Key: storetest.Name("key"), BatchID: x.reminded.ID, UserID: user}})
	require.NoError(x.T, err)
	require.Nil(x.T, out[0].Err)
	end := x.now.Truncate(15 * time.Minute).Add(x.some(time.Hour, 7*24*time.Hour))
	x.exec("UPDATE coupons SET valid_until = ? WHERE id = ?", models.NewTime(end), out[0].Coupon.ID)
	x.oracle.bills = append(x.oracle.bills, &bill{id: out[0].Coupon.ID, user: user, end: end, changed: x.now})
}

// deed extends or revokes a coupon that can be used.
func (x *weeks) deed() {
	x.T.Helper()
	usable := slices.DeleteFunc(slices.Clone(x.oracle.bills), func(b *bill) bool { return b.revoked || !b.end.After(x.now) })
	if len(usable) == 0 {
		return
	}
	b := usable[x.dice.IntN(len(usable))]
	d := store.CouponDeed{CouponID: b.id, Do: models.DeedRevoke, Audit: models.AuditRecord{Action: "test"}}
	if x.dice.IntN(3) > 0 {
		d.Do, d.Until = models.DeedExtend, models.NewTime(b.end.Add(x.some(time.Hour, 3*24*time.Hour)))
		b.end = d.Until.Time
	} else {
		b.revoked = true
	}
	b.changed = x.now
	_, err := x.Store.DoToCoupon(x.ctx(), d)
	require.NoError(x.T, err)
}

// tick plans, and works on all that is planned.
func (x *weeks) tick() {
	x.T.Helper()
	x.plans()
	runs, err := x.Store.ReminderRuns(x.ctx(), x.reminded.ID, "", 1_000)
	require.NoError(x.T, err)
	slices.Reverse(runs)
	for _, r := range runs {
		if r.DoneAt.IsZero() {
			x.reminds(r.Day[len("2040-"):])
		}
	}
	x.oracle.tick(x.now)
}

// TestRemindersByChance lets things happen by chance for two weeks: coupons are claimed, extended and revoked, ticks are late or
// missed, thresholds and zones are any. Whom the oracle names is told, and nobody else; nobody twice on a notify day, nor on
// a day of the calendar.
func TestRemindersByChance(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		for range 2 {
			seed := rand.Uint64()
			x := newWeeks(t, w, seed)
			for end := x.now.AddDate(0, 0, 12); x.now.Before(end); {
				for range x.dice.IntN(3) {
					x.born()
				}
				if x.dice.IntN(2) == 0 {
					x.deed()
				}
				most := 5 * time.Hour
				if x.dice.IntN(10) == 0 {
					most = 40 * time.Hour // ticks are missed
				}
				x.now = x.now.Add(x.some(15*time.Minute, most))
				x.turn(x.now)
				x.tick()
			}
			x.compare(fmt.Sprintf("seed %d, zone %s, thresholds %+v", seed, x.zone, x.oracle.thresholds))
		}
	})
}

// compare holds the store's reminders against the oracle's.
func (x *weeks) compare(what string) {
	x.T.Helper()
	told, calendar := map[string]string{}, map[string]bool{}
	runs, err := x.Store.ReminderRuns(x.ctx(), x.reminded.ID, "", 1_000)
	require.NoError(x.T, err)
	for _, run := range runs {
		rows, err := x.Store.Reminders(x.ctx(), x.reminded.ID, run.Day, "", 1_000)
		require.NoError(x.T, err)
		for _, r := range rows {
			told[r.Day+" "+r.UserID] = fmt.Sprint(r.DaysBefore, " ", r.Coupons)
			day := fmt.Sprint(x.oracle.midnight(r.At.Time), r.UserID)
			assert.False(x.T, calendar[day], "%s: told twice on one day: %s", what, day)
			calendar[day] = true
		}
	}
	assert.NotEmpty(x.T, x.oracle.judged)
	x.T.Logf("%s: %d coupons, %d turns, %d told", what, len(x.oracle.bills), len(x.oracle.judged), len(told))
	require.Equal(x.T, x.oracle.expect, told, what)
	x.clean()
}
