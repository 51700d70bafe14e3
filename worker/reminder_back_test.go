package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/notify"
	"github.com/tearoff/tearoff/rules"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
	"github.com/tearoff/tearoff/worker"
)

// spends uses the coupon in a confirmed hold.
func (a *almanac) spends(c models.Coupon) models.Redemption {
	a.T.Helper()
	hold, err := a.Store.OpenHolds(a.ctx(), []models.Plan{a.Plan(models.KindHold, c)})
	require.NoError(a.T, err)
	require.Nil(a.T, hold[0].Err)
	confirmed, err := a.Store.ConfirmHolds(a.ctx(), []store.HoldConfirm{{ID: hold[0].Redemption.ID}})
	require.NoError(a.T, err)
	require.Nil(a.T, confirmed[0].Err)
	return confirmed[0].Redemption
}

// returns gives back all of it.
func (a *almanac) returns(r models.Redemption) {
	a.T.Helper()
	out, err := a.Store.MakeRefund(a.ctx(), models.Refund{
		RedemptionID: r.ID, Caller: "test", IdemKey: storetest.Name("key"), Fingerprint: "f", Reason: "returned", Currency: r.Currency,
	}, func(b models.RefundBasis) (models.RefundPlan, error) { return rules.PlanRefund(b, nil) })
	require.NoError(a.T, err)
	require.Equal(a.T, models.RefundDone, out.State)
	require.True(a.T, out.Coupons[0].Restored)
}

func (a *almanac) extends(c models.Coupon, until string) {
	a.T.Helper()
	_, err := a.Store.DoToCoupon(a.ctx(), store.CouponDeed{
		CouponID: c.ID, Do: models.DeedExtend, Until: a.instant(until), Audit: models.AuditRecord{Action: "coupon.extend", Reason: "late"},
	})
	require.NoError(a.T, err)
}

// TestRemindersOfCouponsThatComeBack: one that a refund gave back, or that was extended, also when it was over already, is
// reminded of when its day comes, as if it had never been away.
func TestRemindersOfCouponsThatComeBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := newAlmanac(t, w, "Europe/Berlin", dayBefore)
		a.is("05-01 12:00")
		refunded := a.spends(a.has("refunded", "05-10 18:00")[0])
		a.spends(a.has("used", "05-10 18:00")[0])
		extended := a.has("extended", "05-03 18:00")[0]
		over := a.has("over", "05-02 18:00")[0]
		a.plans()
		a.is("05-02 09:00")
		a.reminds("05-02")
		require.Equal(t, []string{"extended 1 1"}, a.told("05-02"))
		a.extends(extended, "05-10 18:00")
		a.is("05-03 09:00")
		a.exec("UPDATE coupons SET valid_until = '2020-01-01 00:00:00.000000' WHERE id = ?", over.ID)
		_, err := a.Store.ExpireCoupons(a.ctx(), a.reminded.ID, 100)
		require.NoError(t, err)
		require.Equal(t, models.CouponExpired, a.Coupon(over).State)
		a.extends(over, "05-10 18:00")
		a.returns(refunded)
		a.is("05-09 08:00")
		a.plans()
		a.is("05-09 09:00")
		a.reminds("05-09")
		assert.ElementsMatch(t, []string{"refunded 1 1", "extended 1 1", "over 1 1"}, a.told("05-09"))
		a.clean()
	})
}

// TestExpiringIsToldToShops: who listens hears of each coupon that a user is reminded of, signed and once.
func TestExpiringIsToldToShops(t *testing.T) {
	t.Parallel()
	m := newMorning(t, 3, 0)
	r := &webhookRig{rig: m.server, shop: newShop(t, nil)}
	var err error
	r.endpoint, err = m.Store.CreateEndpoint(m.ctx(), models.WebhookEndpoint{
		URL: r.shop.URL, Events: []string{string(models.EventCouponExpiring)}, MerchantID: "m1",
	}, models.AuditRecord{})
	require.NoError(t, err)
	r.shop.secret = r.endpoint.Secret
	m.plans()
	m.server.work(nil, func(c *worker.Config) {
		c.Webhooks = notify.WebhookOptions{AllowPrivate: true, Timeout: 10 * time.Second}
	})
	m.server.sweep()
	m.all(3)
	r.becomes(models.DeliveryDelivered, 3)
	told, _ := r.shop.heard()
	require.Len(t, told, 3)
	about := map[string]bool{}
	for _, e := range told {
		assert.Equal(t, models.EventCouponExpiring, e.Type)
		about[e.Subject] = true
	}
	assert.Len(t, about, 3)
}
