package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// issuing plans a hold of the user that is issued one coupon by the code.
func (w *world) issuing(userID, code string) models.Plan {
	return w.Issuing(w.PlanFor(models.KindHold, userID), w.batch.ID, code)
}

// uses reads how often a code counts as used.
func (w *world) uses(code string) int64 {
	w.t.Helper()
	row, err := w.s.Code(w.t.Context(), code)
	require.NoError(w.t, err)
	return row.Uses
}

// left describes what is taken of the batch: coupons, what is issued, remaining and counted by limit.
func (w *world) left() string {
	w.t.Helper()
	return query(w.t, w.s, "SELECT (SELECT COUNT(*) FROM coupons WHERE batch_id = c.batch_id), issued, remaining, "+
		"(SELECT COUNT(*) FROM coupon_limits WHERE batch_id = c.batch_id) FROM batch_counters c WHERE batch_id = ?", w.batch.ID)[0]
}

func entriesOf(t *testing.T, s *store.Store, couponID string) []string {
	t.Helper()
	return query(t, s, "SELECT coupon_seq, kind, amount, redemption_id IS NOT NULL FROM ledger_entries WHERE coupon_id = ?", couponID)
}

// TestIssueOnUse follows a coupon that its hold issues, to both ends.
func TestIssueOnUse(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newOnUse(t, s)
		code := w.Code(w.batch.ID, 2)
		plan := w.issuing(w.user, code)
		planned := plan.Redemption.Content.Coupons[0].CouponID
		held := openHold(t, s, plan)
		require.Nil(t, held.Err)
		branches, err := s.Branches(t.Context(), held.Redemption.ID)
		require.NoError(t, err)
		got := branches[0].Result.Coupons[0]
		assert.True(t, got.Issued)
		assert.Equal(t, []string{planned, code}, []string{got.CouponID, got.Code})
		assert.Equal(t, "1 1 4999 1", w.left())
		coupon := w.Coupon(models.Coupon{ID: planned, UserID: w.user})
		assert.Equal(t, models.CouponLocked, coupon.State)
		assert.Equal(t, "use", coupon.Source)
		assert.Equal(t, code, *coupon.CodeKey)
		assert.Equal(t, models.Hash("use", held.Redemption.ID, planned), coupon.SourceKey)
		assert.Equal(t, coupon.CreatedAt.Add(24*time.Hour), coupon.ValidUntil)

		require.NoError(t, confirmHold(t, s, held.Redemption.ID, nil))
		require.NoError(t, confirmHold(t, s, held.Redemption.ID, nil), "again")
		assert.Equal(t, models.CouponUsed, w.Coupon(coupon).State, "it stays the user's")
		assert.Equal(t, []string{"1 issued 0 1", "2 locked 500 1", "3 used 500 1"}, entriesOf(t, s, planned))
		assert.EqualValues(t, 1, w.uses(code))

		plan = w.issuing(w.user, code)
		planned = plan.Redemption.Content.Coupons[0].CouponID
		held = openHold(t, s, plan)
		require.Nil(t, held.Err)
		assert.Equal(t, models.CodeUsedUp, models.CodeOf(openHold(t, s, w.issuing(w.user, code)).Err))
		for range 2 {
			require.NoError(t, one(s.CancelHolds(t.Context(), []string{held.Redemption.ID})))
			assert.Equal(t, "1 1 4999 1", w.left())
			assert.EqualValues(t, 1, w.uses(code))
		}
		assert.Equal(t, []string{"1 issued 0 1", "2 locked 500 1", "3 released 500 1", "4 unissued 0 1"}, entriesOf(t, s, planned))
		w.AuditClean(w.batch.ID)
	})
}

// TestIssueAuto issues coupons of a batch that needs no code.
func TestIssueAuto(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{ClaimMode: models.ClaimModeAuto, ClaimsPerUser: 1})
		held := openHold(t, s, w.issuing(w.user, ""))
		require.Nil(t, held.Err)
		refused := openHold(t, s, w.issuing(w.user, ""))
		assert.Equal(t, models.CodeUserLimit, code(refused.Err))
		require.NoError(t, one(s.CancelHolds(t.Context(), []string{held.Redemption.ID})))
		held = openHold(t, s, w.issuing(w.user, ""))
		require.Nil(t, held.Err, "the user's place is free again")
		require.NoError(t, confirmHold(t, s, held.Redemption.ID, nil))
		assert.Equal(t, models.CodeUserLimit, code(openHold(t, s, w.issuing(w.user, "")).Err))
		w.AuditClean(w.batch.ID)
	})
}

// TestIssueRefused gives each reason why a coupon can't be issued, beside a good neighbour; the refusal is stored, names
// what the caller named, and leaves nothing.
func TestIssueRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now, err := s.Now(t.Context())
		require.NoError(t, err)
		for _, tt := range []struct {
			name  string
			spoil func(w *world, p *models.Plan)
			want  models.Code
		}{
			{"unknown code", func(_ *world, p *models.Plan) { p.Redemption.Content.Coupons[0].Code = "NOBODY" }, models.CodeNotValid},
			{"another batch's code", func(w *world, p *models.Plan) {
				p.Redemption.Content.Coupons[0].Code = w.Code(w.Batch(onUse).ID, 0)
			}, models.CodeNotValid},
			{"no code", func(_ *world, p *models.Plan) { p.Redemption.Content.Coupons[0].Code = "" }, models.CodeRequired},
			{"unknown batch", func(_ *world, p *models.Plan) {
				p.Redemption.Content.Coupons[0].BatchID, p.Redemption.Content.Coupons[0].Code = "bat_nobody", ""
			}, models.CodeNotFound},
			{"code is off", func(w *world, p *models.Plan) { w.setCode(p, "active = ?", false) }, models.CodeInactive},
			{"code is not valid yet", func(w *world, p *models.Plan) { w.setCode(p, "valid_from = ?", now.Add(time.Hour)) }, models.CodeNotStarted},
			{"code is over", func(w *world, p *models.Plan) { w.setCode(p, "valid_until = ?", now) }, models.CodeOver},
			{"code is used up", func(w *world, p *models.Plan) { w.setCode(p, "max_uses = 0") }, models.CodeUsedUp},
			{"use is paused", func(w *world, _ *models.Plan) { w.set("batch_counters", "paused = ?", models.PauseUse) }, models.CodeBatchPaused},
			{"ended", func(w *world, _ *models.Plan) { w.set("batch_counters", "state = 'ENDED'") }, models.CodeBatchEnded},
			{"claimed before use", func(w *world, _ *models.Plan) { w.set("batches", "claim_mode = 'claim'") }, models.CodeClaimModeForbids},
			{"blocked", func(w *world, p *models.Plan) {
				exec(w.t, w.s, "UPDATE users SET blocked = ? WHERE id = ?", true, p.Redemption.UserID)
			}, models.CodeUserBlocked},
			{"no e-mail", func(w *world, p *models.Plan) { p.Redemption.UserID = w.User() }, models.CodeIdentityRequired},
			{"a coupon's id that is taken", func(w *world, p *models.Plan) {
				gone := w.hold(1)[0]
				require.NoError(w.t, one(w.s.CancelHolds(w.t.Context(), []string{gone.ID})))
				p.Redemption.Content.Coupons[0].CouponID = gone.Content.Coupons[0].CouponID
				p.Lines[0].CouponID = gone.Content.Coupons[0].CouponID
			}, models.CodeDuplicateCoupon},
		} {
			w, neighbour := newOnUse(t, s), newOnUse(t, s)
			bad := w.plans(models.KindHold, 1, func(p *models.Plan) { p.Redemption.IdemKey = new(storetest.Name("key")) })[0]
			tt.spoil(w, &bad)
			want := bad.Redemption.Content.Coupons[0]
			out, err := s.OpenHolds(t.Context(), []models.Plan{bad, neighbour.plans(models.KindHold, 1)[0], bad})
			require.NoError(t, err, tt.name)
			require.Nil(t, out[1].Err, tt.name)
			for _, o := range []store.RedemptionOutcome{out[0], out[2], openHold(t, s, bad)} {
				require.Equal(t, tt.want, code(o.Err), tt.name)
				assert.Equal(t, want.BatchID, o.Err.Params["batch_id"], tt.name)
				assert.NotContains(t, o.Err.Params, "coupon_id", tt.name)
				if want.Code != "" {
					assert.Equal(t, want.Code, o.Err.Params["code"], tt.name)
				}
				assert.Equal(t, models.StateCancelled, o.Redemption.State, tt.name)
			}
			assert.Equal(t, "0 0 5000 0", w.left(), tt.name)
			w.AuditClean(w.batch.ID, neighbour.batch.ID)
		}
	})
}

// setCode changes the plan's code past the store.
func (w *world) setCode(p *models.Plan, what string, args ...any) {
	w.t.Helper()
	exec(w.t, w.s, "UPDATE codes SET "+what+" WHERE code_key = ?", append(args, p.Redemption.Content.Coupons[0].Code)...)
}

// TestIssueTwoOfOneBatch counts a redemption's own coupons: in stock, uses of the code, caps and limits.
func TestIssueTwoOfOneBatch(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, tt := range []struct {
			name    string
			spec    storetest.BatchSpec
			maxUses int64
			want    models.Code
		}{
			{"room for two", storetest.BatchSpec{Quantity: 2, ClaimsPerUser: 2}, 2, ""},
			{"one left", storetest.BatchSpec{Quantity: 1}, 0, models.CodeSoldOut},
			{"one use of the code", storetest.BatchSpec{}, 1, models.CodeUsedUp},
			{"one per user", storetest.BatchSpec{ClaimsPerUser: 1}, 0, models.CodeUserLimit},
			{"one per e-mail", storetest.BatchSpec{ClaimsPerUser: 1, LimitBy: []models.LimitKind{models.LimitEmail}}, 0, models.CodeUserLimit},
			{"one use of the batch", storetest.BatchSpec{Caps: models.Caps{Batch: models.Cap{Uses: new(int64(1))}}}, 0, models.CodeUsesExhausted},
			{"money for one a day", storetest.BatchSpec{Caps: models.Caps{UserDay: models.Cap{Amount: new(int64(999))}}}, 0, models.CodeUserDayBudget},
		} {
			tt.spec.ClaimMode, tt.spec.Codes = models.ClaimModeOnUse, models.CodesShared
			w := newWorld(t, s, tt.spec)
			user, key := w.mailUser(), w.Code(w.batch.ID, tt.maxUses)
			two := w.Issuing(w.issuing(user, key), w.batch.ID, key)
			got := openHold(t, s, two)
			assert.Equal(t, tt.want, code(got.Err), tt.name)
			if tt.want == "" {
				assert.EqualValues(t, 2, w.uses(key))
				require.NoError(t, one(s.CancelHolds(t.Context(), []string{got.Redemption.ID})))
			}
			assert.Zero(t, w.uses(key), tt.name)
			require.Nil(t, openHold(t, s, w.issuing(user, key)).Err, "%s: nothing of it is left", tt.name)
			w.AuditClean(w.batch.ID)
		}
	})
}

// TestIssueMixed locks an owned coupon and issues one: all or none of it.
func TestIssueMixed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		owned, w := newWorld(t, s, storetest.BatchSpec{}), newOnUse(t, s)
		owned.user = w.user
		key := w.Code(w.batch.ID, 1)
		coupons := owned.coupons(2)
		mixed := func(coupon models.Coupon, key string) models.Plan {
			return w.Issuing(w.Plan(models.KindHold, coupon), w.batch.ID, key)
		}
		held := openHold(t, s, mixed(coupons[0], key))
		require.Nil(t, held.Err)
		refused := openHold(t, s, mixed(coupons[1], key))
		assert.Equal(t, models.CodeUsedUp, code(refused.Err))
		assert.Equal(t, coupons[1], owned.Coupon(coupons[1]), "the owned one stays free")

		last := w.codes(1)[0]
		refused = openHold(t, s, w.Issuing(mixed(coupons[0], last), w.batch.ID, last))
		assert.Equal(t, models.CodeCouponLocked, code(refused.Err))
		assert.Equal(t, coupons[0].ID, refused.Err.Params["coupon_id"])
		assert.Equal(t, "1 1 4999 1", w.left(), "the other one was not issued")
		assert.Zero(t, w.uses(last))

		require.NoError(t, one(s.CancelHolds(t.Context(), []string{held.Redemption.ID})))
		assert.Equal(t, "0 0 5000 0", w.left())
		assert.Equal(t, models.CouponAvailable, owned.Coupon(coupons[0]).State)
		w.AuditClean(w.batch.ID, owned.batch.ID)
	})
}
