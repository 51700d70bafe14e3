package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// scene is a batch in which everything has happened once.
type scene struct {
	*world
	confirmed, cancelled, waiting string // orchestrated redemptions
	hold, refused                 string // a confirmed and a refused one
	used, free                    string // coupons: of confirmed, and of nobody

	onUse        *world // whose redemptions issue their coupons
	done, undone string // confirmed and cancelled redemptions of it
	issued, gone string // their coupons
	code         string // of done
}

func newScene(t *testing.T, s *store.Store) scene {
	t.Helper()
	w := newWorld(t, s, storetest.BatchSpec{Quantity: 100, ClaimsPerUser: 50, Caps: models.Caps{
		Batch: models.Cap{Uses: new(int64(20))}, UserDay: models.Cap{Amount: new(int64(100_000))},
	}})
	sc := scene{world: w, confirmed: w.at("CONFIRMED", 1)[0], cancelled: w.at("CANCELLED", 1)[0], waiting: w.at("WAITING, paid", 1)[0]}
	holds := w.hold(2, func(p *models.Plan) { p.Redemption.IdemKey = new(storetest.Name("key")) })
	sc.hold = holds[0].ID
	require.NoError(t, confirmHold(t, s, holds[0].ID, nil))
	require.NoError(t, one(s.CancelHolds(t.Context(), []string{holds[1].ID})))
	refused := openHold(t, s, w.plans(models.KindHold, 1, func(p *models.Plan) { p.Redemption.UserID = w.User() })[0])
	require.NotNil(t, refused.Err)
	sc.refused = refused.Redemption.ID
	lines, err := s.RedemptionLines(t.Context(), sc.confirmed)
	require.NoError(t, err)
	sc.used, sc.free = lines[0].CouponID, w.coupons(1)[0].ID

	sc.onUse = newOnUse(t, s)
	sc.done, sc.undone = sc.onUse.at("CONFIRMED", 1)[0], sc.onUse.at("CANCELLED", 1)[0]
	for id, coupon := range map[string]*string{sc.done: &sc.issued, sc.undone: &sc.gone} {
		r, err := s.Redemption(t.Context(), id)
		require.NoError(t, err)
		*coupon = r.Content.Coupons[0].CouponID
		if id == sc.done {
			sc.code = r.Content.Coupons[0].Code
		}
	}
	return sc
}

func TestAuditClean(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		first, second := newScene(t, s), newScene(t, s)
		for _, tt := range []struct {
			scope []string
			want  models.AuditReport
		}{
			{nil, models.AuditReport{Mode: models.AuditFull, Batches: 4, Entries: 50, Coupons: 16, Redemptions: 16, Differences: []models.Difference{}}},
			{[]string{first.batch.ID}, models.AuditReport{Mode: models.AuditFull, Batches: 1, Entries: 17, Coupons: 7, Redemptions: 6, Differences: []models.Difference{}}},
			{[]string{second.batch.ID, "bat_nobody"}, models.AuditReport{Mode: models.AuditFull, Batches: 1, Entries: 17, Coupons: 7, Redemptions: 6, Differences: []models.Difference{}}},
		} {
			got, err := s.Audit(t.Context(), store.AuditScope{BatchIDs: tt.scope})
			require.NoError(t, err)
			got.TookMS = 0
			assert.Equal(t, tt.want, got)
		}
	})
}

// damage is something that must never happen, and where the audit must show it.
type damage struct {
	name      string
	do        func(sc scene) (text string, args []any)
	invariant int
	subject   func(sc scene) string
}

func sqlOn(text string, of func(sc scene) string) func(scene) (string, []any) {
	return func(sc scene) (string, []any) { return text, []any{of(sc)} }
}

var (
	theBatch     = func(sc scene) string { return sc.batch.ID }
	theUsed      = func(sc scene) string { return sc.used }
	theFree      = func(sc scene) string { return sc.free }
	theConfirmed = func(sc scene) string { return sc.confirmed }
	theCancelled = func(sc scene) string { return sc.cancelled }
	theWaiting   = func(sc scene) string { return sc.waiting }
	theHold      = func(sc scene) string { return sc.hold }
	theOnUse     = func(sc scene) string { return sc.onUse.batch.ID }
	theDone      = func(sc scene) string { return sc.done }
	theUndone    = func(sc scene) string { return sc.undone }
	theIssued    = func(sc scene) string { return sc.issued }
	theGone      = func(sc scene) string { return sc.gone }
	theCode      = func(sc scene) string { return sc.code }
	theTotal     = func(sc scene) string { return sc.batch.ID + "/" + sc.user + "/" }
)

var damages = []damage{
	{"issued is off by one", sqlOn("UPDATE batch_counters SET issued = issued + 1 WHERE batch_id = ?", theBatch), 1, theBatch},
	{"remaining is off by one", sqlOn("UPDATE batch_counters SET remaining = remaining - 1 WHERE batch_id = ?", theBatch), 1, theBatch},
	{"remaining is negative", sqlOn("UPDATE batch_counters SET remaining = -1 WHERE batch_id = ?", theBatch), 1, theBatch},
	{"quantity was never stocked", sqlOn("UPDATE batch_counters SET quantity = quantity + 1, remaining = remaining + 1 WHERE batch_id = ?", theBatch), 1, theBatch},
	{"used is off by one", sqlOn("UPDATE batch_counters SET used_count = used_count - 1 WHERE batch_id = ?", theBatch), 1, theBatch},
	{"reserved money is off", sqlOn("UPDATE batch_counters SET reserved_amount = reserved_amount + 1 WHERE batch_id = ?", theBatch), 1, theBatch},
	{"refunded money is off", sqlOn("UPDATE batch_counters SET refunded_amount = 1 WHERE batch_id = ?", theBatch), 1, theBatch},
	{"the ledger ends early", sqlOn("UPDATE batch_counters SET ledger_seq = ledger_seq + 1 WHERE batch_id = ?", theBatch), 1, theBatch},
	{"an entry is missing", sqlOn("DELETE FROM ledger_entries WHERE batch_id = ? AND batch_seq = 5", theBatch), 1, theBatch},
	{"a coupon's entry is missing", sqlOn("DELETE FROM ledger_entries WHERE coupon_id = ? AND coupon_seq = 2", theUsed), 2, theUsed},
	{"an entry's amount is changed", sqlOn("UPDATE ledger_entries SET amount = amount + 1 WHERE coupon_id = ? AND kind = 'used'", theUsed), 1, theBatch},
	{"an entry's kind is changed", sqlOn("UPDATE ledger_entries SET kind = 'released' WHERE coupon_id = ? AND kind = 'used'", theUsed), 2, theUsed},
	{"an entry is another redemption's", sqlOn("UPDATE ledger_entries SET redemption_id = 'rdm_other' WHERE coupon_id = ? AND kind = 'used'", theUsed), 2, theUsed},
	{"a cap is below its use", sqlOn(`UPDATE batches SET caps = '{"batch":{"uses":1},"user":{},"user_day":{"amount":100000}}' WHERE id = ?`, theBatch), 1, theBatch},
	{"a user's cap is below its use", sqlOn(`UPDATE batches SET caps = '{"batch":{},"user":{"amount":499},"user_day":{}}' WHERE id = ?`, theBatch), 1, theTotal},
	{"a batch is missing", sqlOn("DELETE FROM batches WHERE id = ?", theBatch), 1, theBatch},
	{"a user's counter is off by one", sqlOn("UPDATE user_counters SET used_count = used_count + 1 WHERE day = '' AND batch_id = ?", theBatch), 1, theTotal},
	{"a user's day is missing", sqlOn("DELETE FROM user_counters WHERE day <> '' AND batch_id = ?", theBatch), 1, theBatch},

	{"a used coupon is free", sqlOn("UPDATE coupons SET state = 'AVAILABLE', redemption_id = NULL WHERE id = ?", theUsed), 2, theUsed},
	{"a free coupon is used", sqlOn("UPDATE coupons SET state = 'USED' WHERE id = ?", theFree), 2, theFree},
	{"a used coupon is another redemption's", sqlOn("UPDATE coupons SET redemption_id = 'rdm_other' WHERE id = ?", theUsed), 2, theUsed},
	{"a coupon is behind its ledger", sqlOn("UPDATE coupons SET seq = seq - 1 WHERE id = ?", theUsed), 2, theUsed},
	{"a coupon is ahead of its ledger", sqlOn("UPDATE coupons SET seq = seq + 1 WHERE id = ?", theUsed), 2, theBatch},
	{"a coupon is missing", sqlOn("DELETE FROM coupons WHERE id = ?", theFree), 2, theBatch},
	{"a coupon has no ledger", sqlOn("UPDATE coupons SET id = 'cpn_forged' WHERE id = ?", theFree), 2, theBatch},
	{"a coupon's redemption is missing", sqlOn("DELETE FROM redemptions WHERE id = ?", theConfirmed), 2, theUsed},

	{"a line's discount is changed", sqlOn("UPDATE redemption_lines SET discount = 499, platform_share = 499 WHERE redemption_id = ?", theConfirmed), 3, theConfirmed},
	{"a line's shares are changed", sqlOn("UPDATE redemption_lines SET merchant_share = 1 WHERE redemption_id = ?", theHold), 3, theHold},
	{"a line is missing", sqlOn("DELETE FROM redemption_lines WHERE redemption_id = ?", theHold), 3, theHold},
	{"a redemption's discount is changed", sqlOn("UPDATE redemptions SET discount = 400 WHERE id = ?", theConfirmed), 3, theConfirmed},
	{"a redemption's payable is changed", sqlOn("UPDATE redemptions SET payable = 1 WHERE id = ?", theConfirmed), 3, theConfirmed},
	{"a confirmed hold is cancelled", sqlOn("UPDATE redemptions SET state = 'CANCELLED' WHERE id = ?", theHold), 3, theHold},
	{"a cancelled redemption is confirmed", sqlOn("UPDATE redemptions SET state = 'CONFIRMED' WHERE id = ?", theCancelled), 3, theCancelled},

	{"a confirmed redemption is cancelled", sqlOn("UPDATE redemptions SET state = 'CANCELLED' WHERE id = ?", theConfirmed), 4, theConfirmed},
	{"a confirmed redemption isn't paid", sqlOn("UPDATE payments SET state = 'AUTHORISED' WHERE redemption_id = ?", theConfirmed), 4, theConfirmed},
	{"a confirmed redemption's payment is missing", sqlOn("DELETE FROM payments WHERE redemption_id = ?", theConfirmed), 4, theConfirmed},
	{"a confirmed redemption's order is cancelled", sqlOn("UPDATE orders SET state = 'CANCELLED' WHERE redemption_id = ?", theConfirmed), 4, theConfirmed},
	{"a confirmed redemption's order is missing", sqlOn("DELETE FROM orders WHERE redemption_id = ?", theConfirmed), 4, theConfirmed},
	{"a confirmed redemption's coupons aren't", sqlOn("UPDATE tcc_branches SET state = 'TRIED' WHERE branch = 'coupons' AND redemption_id = ?", theConfirmed), 4, theConfirmed},
	{"a confirmed redemption's branches are missing", sqlOn("DELETE FROM tcc_branches WHERE redemption_id = ?", theConfirmed), 4, theConfirmed},
	{"a cancelled redemption is paid", sqlOn("UPDATE payments SET state = 'CAPTURED' WHERE redemption_id = ?", theCancelled), 4, theCancelled},
	{"a cancelled redemption's order stands", sqlOn("UPDATE orders SET state = 'CONFIRMED' WHERE redemption_id = ?", theCancelled), 4, theCancelled},
	{"a cancelled redemption's branch is tried", sqlOn("UPDATE tcc_branches SET state = 'TRIED' WHERE branch = 'order' AND redemption_id = ?", theCancelled), 4, theCancelled},

	{"face values are off", sqlOn("UPDATE batch_counters SET face_amount = 1 WHERE batch_id = ?", theBatch), 1, theBatch},
	{"face values pass the budget", sqlOn(`UPDATE batches SET face_min = 1, caps = '{"batch":{"amount":-1}}' WHERE id = ?`, theOnUse), 1, theOnUse},
	{"a code's uses are off by one", sqlOn("UPDATE codes SET uses = uses + 1 WHERE code_key = ?", theCode), 1, theCode},
	{"a code is used too often", sqlOn("UPDATE codes SET max_uses = 0 WHERE code_key = ?", theCode), 1, theCode},
	{"a code is missing", sqlOn("DELETE FROM codes WHERE code_key = ?", theCode), 1, theCode},
	{"a coupon has lost its code", sqlOn("UPDATE coupons SET code_key = NULL WHERE id = ?", theIssued), 1, theCode},
	{"a coupon counts against nobody", sqlOn("DELETE FROM coupon_limits WHERE coupon_id = ?", theIssued), 2, theIssued},
	{"nobody's coupon counts", sqlOn("UPDATE coupon_limits SET coupon_id = 'cpn_forged' WHERE coupon_id = ?", theIssued), 2, func(scene) string { return "cpn_forged" }},
	{"a limit is passed", sqlOn("UPDATE coupon_limits SET ordinal = 5001 WHERE coupon_id = ?", theIssued), 2, theIssued},
	{"an issued coupon is missing", sqlOn("DELETE FROM coupons WHERE id = ?", theIssued), 3, theDone},
	{"an issued coupon is free", sqlOn("UPDATE coupons SET state = 'AVAILABLE' WHERE id = ?", theIssued), 3, theDone},
	{"a gone coupon is back", func(sc scene) (string, []any) {
		return "UPDATE coupons SET id = ?, seq = 4 WHERE id = ?", []any{sc.gone, sc.issued}
	}, 2, theGone},
	{"a coupon was never un-issued", sqlOn("UPDATE ledger_entries SET kind = 'adjusted' WHERE coupon_id = ? AND kind = 'unissued'", theGone), 3, theUndone},
	{"a used coupon was un-issued", sqlOn("UPDATE ledger_entries SET kind = 'unissued' WHERE coupon_id = ? AND kind = 'used'", theIssued), 2, theIssued},
	{"a gone coupon goes on", sqlOn("UPDATE ledger_entries SET kind = CASE coupon_seq WHEN 2 THEN 'unissued' ELSE kind END WHERE coupon_id = ?", theIssued), 2, theIssued},
	{"a coupon begins with a lock", sqlOn("UPDATE ledger_entries SET kind = 'locked' WHERE coupon_id = ? AND coupon_seq = 1", theIssued), 2, theIssued},
	{"a redemption has lost its order", sqlOn("DELETE FROM redemption_names WHERE kind = 'order' AND redemption_id = ?", theHold), 5, theHold},
	{"an order is another's", sqlOn("UPDATE redemption_names SET redemption_id = 'rdm_other' WHERE kind = 'order' AND redemption_id = ?", theWaiting), 5, theWaiting},
	{"a redemption has lost its key", sqlOn("UPDATE redemption_names SET redemption_id = '' WHERE kind = 'key' AND redemption_id = ?", theHold), 5, theHold},
	{"a cancelled redemption has its order", func(sc scene) (string, []any) {
		r, err := sc.s.Redemption(sc.t.Context(), sc.cancelled)
		require.NoError(sc.t, err)
		return "UPDATE redemption_names SET redemption_id = ? WHERE value = ?", []any{r.ID, models.OrderName(r.Caller, *r.OrderID).Value}
	}, 5, theCancelled},

	{"nobody looks after one under way", sqlOn("UPDATE redemptions SET due_at = NULL WHERE id = ?", theWaiting), 4, theWaiting},
}

// TestAuditShowsStrayNames finds names of redemptions that aren't named so, which only an audit of all names can.
func TestAuditShowsStrayNames(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		sc := newScene(t, s)
		add := func(id string) {
			exec(t, s, "INSERT INTO redemption_names (caller, kind, value, redemption_id) VALUES ('test', 'key', ?, ?)", storetest.Name("key"), id)
		}
		add("")
		sc.AuditClean(sc.batch.ID)
		assert.Empty(t, audit(t, s, store.AuditScope{}).Differences, "nobody's")
		for _, id := range []string{sc.hold, sc.confirmed, "rdm_nobody"} {
			add(id)
		}
		many := strings.Repeat("('another', 'key', ?, 'rdm_many'),", 1001) // more than one look reads
		var keys []any
		for range 1001 {
			keys = append(keys, storetest.Name("key"))
		}
		exec(t, s, "INSERT INTO redemption_names (caller, kind, value, redemption_id) VALUES "+strings.TrimSuffix(many, ","), keys...)
		sc.AuditClean(sc.batch.ID)
		assert.Equal(t, map[int]int64{5: 4}, audit(t, s, store.AuditScope{}).Found, "each is told once")
	})
}

func TestAuditShowsDamage(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		scenes := map[int]scene{}
		for i, d := range damages {
			if s.Dialect() == store.SQLite && i%12 != 0 {
				continue // the same code reads both
			}
			scenes[i] = newScene(t, s)
			text, args := d.do(scenes[i])
			exec(t, s, text, args...)
		}
		report, err := s.Audit(t.Context(), store.AuditScope{})
		require.NoError(t, err)
		assert.Equal(t, 2*len(scenes), report.Batches)
		for i, sc := range scenes {
			d := damages[i]
			shown := slices.ContainsFunc(report.Differences, func(diff models.Difference) bool {
				return diff.Invariant == d.invariant && diff.Subject == d.subject(sc) && diff.What != "" && diff.Want != diff.Got
			})
			assert.True(t, shown, "%s: invariant %d of %s is not shown", d.name, d.invariant, d.subject(sc))
		}
	})
}
