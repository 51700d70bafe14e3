package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// desk is where support sits: a store with things in it, and a cart of mugs for 30 USD.
type desk struct {
	storetest.Fixture
	t     *testing.T
	flags []string
}

// eachDesk runs the test on MySQL and on SQLite.
func eachDesk(t *testing.T, test func(t *testing.T, d desk)) {
	t.Helper()
	desks := map[string]func(t *testing.T) (store.Options, []string){
		"mysql": func(t *testing.T) (store.Options, []string) {
			dsn := storetest.DSN(t)
			return store.Options{MySQL: dsn}, []string{"--mysql", dsn}
		},
		"sqlite": func(t *testing.T) (store.Options, []string) {
			path := storetest.SQLiteFile(t)
			return store.Options{SQLite: path}, []string{"--sqlite", path}
		},
	}
	for name, open := range desks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options, flags := open(t)
			cart := newFolder(t).file("cart.json", mugCart)
			test(t, desk{storetest.New(t, storetest.Open(t, options)), t, append(flags, "--cart", cart)})
		})
	}
}

func (d desk) why(args ...string) result {
	return tearoff(append(append([]string{"why"}, d.flags...), args...)...)
}

// answer is what --json prints.
type answer struct {
	UserID string `json:"user_id"`
	rules.Quoted
	Subjects []subject `json:"subjects"`
}

func (d desk) ask(args ...string) answer {
	d.t.Helper()
	var a answer
	require.NoError(d.t, json.Unmarshal([]byte(d.why(append(args, "--json")...).answered(d.t)), &a))
	return a
}

// refusal is the code of the only verdict.
func (a answer) refusal(t *testing.T) models.Code {
	t.Helper()
	require.Len(t, a.Coupons, 1)
	require.NotNil(t, a.Coupons[0].Reason)
	return a.Coupons[0].Reason.Code
}

// bound is what the first subject says of a bound.
func (a answer) bound(t *testing.T, what string) usedBound {
	t.Helper()
	for _, b := range a.Subjects[0].Bounds {
		if b.What == what {
			return b
		}
	}
	require.Fail(t, "no such bound", "%s in %+v", what, a.Subjects[0].Bounds)
	return usedBound{}
}

func requireAll(t *testing.T, text string, says ...string) {
	t.Helper()
	for _, word := range says {
		require.Contains(t, text, word)
	}
}

// hold opens a hold and returns it.
func (d desk) hold(p models.Plan) models.Redemption {
	d.t.Helper()
	out, err := d.Store.OpenHolds(d.t.Context(), []models.Plan{p})
	require.NoError(d.t, err)
	require.Nil(d.t, out[0].Err)
	return out[0].Redemption
}

func TestWhyCode(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(t *testing.T, d desk) {
		batch := d.Batch(storetest.BatchSpec{ClaimMode: models.ClaimModeOnUse, Codes: models.CodesShared, Quantity: 10, ClaimsPerUser: 3})
		key, user := d.Code(batch.ID, 1), d.User()
		a := d.ask("--user", user, "--code", " "+strings.ToLower(key))
		require.Equal(t, rules.Applicable, a.Coupons[0].Status)
		require.Equal(t, int64(500), a.Best.Totals.Discount)
		require.Equal(t, usedBound{"uses of the code", 1, 0, 1, false}, a.bound(t, "uses of the code"))

		d.hold(d.Issuing(d.PlanFor(models.KindHold, user), batch.ID, key))
		a = d.ask("--user", user, "--code", key)
		require.Equal(t, models.CodeUsedUp, a.refusal(t))
		require.Equal(t, usedBound{"uses of the code", 1, 1, 0, false}, a.bound(t, "uses of the code"))
		require.Equal(t, usedBound{"coupons of the batch", 10, 1, 9, false}, a.bound(t, "coupons of the batch"))
		require.Equal(t, usedBound{"coupons per user", 3, 1, 2, false}, a.bound(t, "coupons per user"))

		off := false
		_, err := d.Store.ChangeCode(t.Context(), store.CodeChange{CodeKey: key, Active: &off, Audit: models.AuditRecord{Action: "code.change"}})
		require.NoError(t, err)
		require.Equal(t, models.CodeInactive, d.ask("--user", user, "--code", key).refusal(t))
		require.Equal(t, models.CodeRequired, d.ask("--user", user, "--batch", batch.ID).refusal(t))
		text := d.why("--user", user, "--code", key).answered(t)
		requireAll(t, text, "switched off", "on_use, with shared codes", "1 of 1 used, 0 left", "code_inactive: the code is switched off")
		claimed := d.Batch(storetest.BatchSpec{Codes: models.CodesShared})
		require.Equal(t, models.CodeClaimModeForbids, d.ask("--user", user, "--code", d.Code(claimed.ID, 0)).refusal(t))
		d.AuditClean(batch.ID)
	})
}

func TestWhyCoupon(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(t *testing.T, d desk) {
		most := int64(1200)
		batch := d.Batch(storetest.BatchSpec{Caps: models.Caps{Batch: models.Cap{Amount: &most}, UserDay: models.Cap{Uses: new(int64(3))}}})
		user := d.User()
		locked, free, other := d.Claim(batch.ID, user), d.Claim(batch.ID, user), d.Claim(batch.ID, user)
		order := d.hold(d.Plan(models.KindHold, locked))

		text := d.why("--user", user, "--coupon", locked.ID).answered(t)
		requireAll(t, text, "LOCKED, "+order.ID+" is WAITING, order "+*order.OrderID+", until ",
			"5.00 USD of 12.00 USD used, 7.00 USD left", "1 of 3 used, 2 left", "coupon_locked: another redemption holds the coupon\n")
		require.Equal(t, rules.Applicable, d.ask("--user", user, "--coupon", free.ID).Coupons[0].Status)

		d.hold(d.Plan(models.KindHold, free)) // 2.00 are left
		a := d.ask("--user", user, "--coupon", other.ID)
		require.Equal(t, models.CodeBudgetExhausted, a.refusal(t))
		require.Equal(t, usedBound{"money of the batch", 1200, 1000, 200, true}, a.bound(t, "money of the batch"))
		require.Contains(t, d.why("--user", user, "--coupon", other.ID).answered(t), "(remaining 2.00 USD)")

		late := d.ask("--user", user, "--coupon", other.ID, "--at", time.Now().AddDate(0, 0, 3).Format(time.RFC3339))
		require.Equal(t, models.CodeCouponExpired, late.refusal(t))
		d.AuditClean(batch.ID)
	})
}

// TestWhyAll looks at what a quote would look at: the wallet, and the auto batches of the platform and of the cart.
func TestWhyAll(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(t *testing.T, d desk) {
		mine, others := storetest.Name("mine"), storetest.Name("others")
		ten := `{"kind":"percent_off","percent_off":{"basis_points":1000},"stacking":{"stackable":true}}`
		auto := d.Batch(storetest.BatchSpec{ClaimMode: models.ClaimModeAuto, MerchantID: mine, Content: ten})
		d.Batch(storetest.BatchSpec{ClaimMode: models.ClaimModeAuto, MerchantID: others, Content: ten})
		user := d.User()
		owned := d.Claim(d.Batch(storetest.BatchSpec{
			MerchantID: mine, Content: `{"kind":"amount_off","amount_off":{"amount":100},"conditions":{"minimum_spend":4000}}`,
		}).ID, user)
		foreign := d.Claim(d.Batch(storetest.BatchSpec{}).ID, user)
		cart := newFolder(t).file("cart.json", strings.Replace(mugCart, `"quantity"`, `"merchant_id":"`+mine+`","quantity"`, 1))

		a := d.ask("--user", user, "--cart", cart)
		require.Len(t, a.Coupons, 3)
		verdicts := map[string]rules.Verdict{}
		for _, v := range a.Coupons {
			verdicts[v.ID()] = v
		}
		require.Equal(t, models.CodeMinimumNotReached, verdicts[owned.ID].Reason.Code)
		require.InDelta(t, 1000, verdicts[owned.ID].Reason.Params["shortfall"], 0)
		require.Equal(t, models.CodeScopeNotMatched, verdicts[foreign.ID].Reason.Code)
		require.Equal(t, rules.Applicable, verdicts[auto.ID].Status)
		require.Equal(t, int64(300), a.Best.Totals.Discount)

		a = d.ask("--user", user, "--cart", cart, "--merchant", mine)
		require.Len(t, a.Coupons, 2)
		require.Equal(t, owned.ID, a.Coupons[0].CouponID)
		require.Equal(t, auto.ID, a.Coupons[1].BatchID)
	})
}

func TestWhyZone(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(t *testing.T, d desk) {
		like := d.Batch(storetest.BatchSpec{Draft: true}).Batch
		like.ClaimMode, like.TimeZone, like.Name = models.ClaimModeOnUse, "Asia/Tokyo", "Tokyo\x1b[2J"
		like.ValidFrom, like.ValidUntil = models.NewTime(time.Date(2026, 12, 31, 15, 0, 0, 0, time.UTC)), models.NewTime(time.Date(2027, 1, 31, 15, 0, 0, 0, time.UTC))
		draft, err := d.Store.CreateBatch(t.Context(), like, nil)
		require.NoError(t, err)
		user := d.User()
		require.Equal(t, models.CodeCouponNotStarted, d.ask("--user", user, "--batch", draft.ID, "--at", "2026-12-31").refusal(t))
		require.Equal(t, models.CodeBatchNotActive, d.ask("--user", user, "--batch", draft.ID, "--at", "2027-01-02").refusal(t))
		text := d.why("--user", user, "--batch", draft.ID, "--at", "2026-12-31").answered(t)
		requireAll(t, text, "2026-12-31 09:00:00 JST (Asia/Tokyo)", "from 2027-01-01 00:00:00 JST until ", `"Tokyo?[2J": DRAFT`,
			"coupon_not_started: the coupon is not valid yet (from 2027-01-01 00:00:00 JST)")
	})
}

func TestWhyAbsent(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(t *testing.T, d desk) {
		user, email := d.User(), storetest.Name("ada")+"@example.com"
		named, err := d.Store.EnsureUser(t.Context(), models.UserRef{Email: email})
		require.NoError(t, err)
		require.Equal(t, named, d.ask("--email", strings.ToUpper(email)).UserID)

		got := d.why("--user", user, "--code", "nothing-"+user)
		require.Equal(t, "tearoff: there is no such code: NOTHING-"+strings.ToUpper(user)+"\n", got.failed(t))
		require.Contains(t, got.stdout, "code_not_valid: there is no such code")
		theirs := d.Claim(d.Batch(storetest.BatchSpec{}).ID, named)
		got = d.why("--user", user, "--coupon", theirs.ID, "--batch", "bat_none")
		require.Equal(t, "tearoff: the user has no such coupon: "+theirs.ID+"; there is no such batch: bat_none\n", got.failed(t))

		unknown := models.NewID(models.PrefixUser)
		got = d.why("--user", unknown)
		require.Equal(t, "tearoff: not_found: there is no such user\n", got.failed(t))
		require.Empty(t, got.stdout)

		// A customer who is new may have typed a code that doesn't work.
		batch := d.Batch(storetest.BatchSpec{ClaimMode: models.ClaimModeOnUse, Codes: models.CodesShared})
		stranger := storetest.Name("stranger")
		got = d.why("--user", stranger, "--code", d.Code(batch.ID, 0))
		require.Contains(t, got.failed(t), "there is no such user: judged as one who is new")
		require.Contains(t, got.stdout, "TAKES OFF")
		_, err = d.Store.FindUser(t.Context(), models.UserRef{ID: stranger})
		require.Equal(t, models.CodeNotFound, models.CodeOf(err), "nothing is written")
	})
}

func TestWhyFaults(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	cart, none := f.file("cart.json", mugCart), filepath.Join(f.dir, "none.db")
	require.Contains(t, tearoff("why", "--sqlite", none, "--cart", cart).failed(t), "give --user ID or --email ADDRESS")
	require.Contains(t, tearoff("why", "--sqlite", none, "--cart", cart, "--user", "u").failed(t), "none.db: no such file")
	require.NoFileExists(t, none)
	require.Contains(t, tearoff("why", "--cart", cart, "--user", "u").failed(t), "give either --mysql DSN or --sqlite FILE")
	require.Contains(t, tearoff("why", "--sqlite", none, "--cart", f.file("bad.json", "{}"), "--user", "u").failed(t), "bad.json: cart: expected required property currency to be present\n")
	require.Contains(t, tearoff("why", "--sqlite", none, "--cart", cart, "--user", "u", "--at", "today").failed(t), "--at: must be an instant")
}
