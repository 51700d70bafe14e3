package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// TestRefundNeedsApproval lets an admin approve one refund and turn another one down.
func TestRefundNeedsApproval(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		l := charged(t, s, storetest.BatchSpec{Refunds: models.RefundTerms{ApproveAbove: ptr(int64(1000))}})
		tried := l.refund("", doc{"dry_run": true}).ok(http.StatusOK)
		require.Equal(t, "AWAITING", tried["state"], "it says that an admin must approve it")
		require.NotEmpty(t, tried.text("approve_by"))
		l.refund("small", mugs(1)).ok(http.StatusCreated)

		turned := l.refund("k1", doc{}).ok(http.StatusAccepted)
		require.Equal(t, "AWAITING", turned["state"])
		require.NotEmpty(t, turned.text("approve_by"))
		id := turned.text("id")
		require.Equal(t, turned, l.refund("k1", doc{}).ok(http.StatusAccepted), "a repeat doesn't wait for the admin")
		act := func(how, id string, as models.Role, secret string) request {
			return request{name: how, route: "POST /v1/admin/refunds/" + id + "/" + how, as: as, secret: secret, body: doc{"reason": "r"}}
		}
		other := l.key(models.RoleAdmin, "m2")
		for _, how := range []string{"approve", "reject", "retry"} {
			l.refused([]refusal{
				{act(how, id, models.RoleSupport, ""), 403, models.CodeForbidden},
				{act(how, id, models.RoleServer, ""), 403, models.CodeForbidden},
				{act(how, id, "", other), 404, models.CodeNotFound},
				{act(how, models.NewID(models.PrefixRefund), models.RoleAdmin, ""), 404, models.CodeNotFound},
			})
			l.admin("POST", "/refunds/"+id+"/"+how, doc{}).problem(http.StatusBadRequest, models.CodeInvalidRequest)
		}
		rejected := l.decide("reject", id, "not in its box").ok(http.StatusOK)
		require.Equal(t, "REJECTED", rejected["state"])
		require.Equal(t, "not in its box", rejected.text("approval", "reason"))
		require.Equal(t, rejected, l.decide("reject", id, "not in its box").ok(http.StatusOK))
		l.decide("reject", id, "for another reason").problem(http.StatusConflict, models.CodeRefundDecided)
		l.decide("approve", id, "after all").problem(http.StatusConflict, models.CodeRefundDecided)
		l.decide("retry", id, "r").problem(http.StatusConflict, models.CodeRefundDecided)
		require.Equal(t, id, l.refund("k1", doc{}).problem(http.StatusConflict, models.CodeRefundTurnedDown).text("params", "refund_id"))

		id = l.refund("k2", doc{}).ok(http.StatusAccepted).text("id")
		approved := l.decide("approve", id, "fine").ok(http.StatusAccepted)
		require.Equal(t, true, approved.at("approval", "approved"))
		l.decide("approve", id, "fine").ok(http.StatusAccepted)
		l.refundComesTo(id, models.RefundDone)
		l.decide("reject", id, "too late").problem(http.StatusConflict, models.CodeRefundDecided)
		l.refund("k2", doc{}).ok(http.StatusCreated)
		log := l.admin("GET", "/audit-log?subject="+id, nil).ok(http.StatusOK)
		require.Equal(t, "refund.decide", log.at("items", 0, "action"))
		require.Equal(t, models.CouponAvailable, l.Coupon(l.coupon).State)
		l.AuditClean(l.coupon.BatchID)
	})
}

// TestRefundStuck is about a refund that the provider doesn't answer.
func TestRefundStuck(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		l := charged(t, s, storetest.BatchSpec{})
		l.cashier.answers("")
		l.temporal.set(func(f *fakeTemporal) {
			f.start = func(id string) error {
				id = id[len("refund/"):]
				require.NoError(t, l.cashier.run(id))
				_, err := s.MarkRefundStuck(t.Context(), id, models.RefundPaying, "no answer yet")
				return err
			}
		})
		stuck := l.refund("k1", mugs(1)).ok(http.StatusAccepted)
		require.Equal(t, "no answer yet", stuck["stuck_reason"])
		id := stuck.text("id")
		mine := l.key(models.RoleSupport, "m1")
		found := false
		for cursor, more := "", true; more && !found; more = cursor != "" {
			page := l.send(request{route: "GET /v1/admin/refunds?state=PAYING&stuck=true&limit=200&cursor=" + cursor, secret: mine}).ok(http.StatusOK)
			for _, r := range page.items() {
				found = found || r.(map[string]any)["id"] == id
			}
			cursor = page.text("next_cursor")
		}
		require.True(t, found)

		l.cashier.answers(models.ProviderRefundSucceeded)
		l.decide("retry", id, "the bank is back").ok(http.StatusAccepted)
		l.refundComesTo(id, models.RefundDone)
		require.Nil(t, l.readRefund(id)["stuck"])
		resolve := doc{"action": "confirm", "write_off": true, "reason": "given in cash"}
		l.admin("POST", "/refunds/"+id+"/resolve", resolve).problem(http.StatusConflict, models.CodeResolveNotPossible)

		l.cashier.answers("")
		for action, want := range map[string]models.RefundState{"confirm": models.RefundDone, "cancel": models.RefundFailed} {
			id := l.refund(action, mugs(1)).ok(http.StatusAccepted).text("id")
			resolve["action"] = action
			got := l.admin("POST", "/refunds/"+id+"/resolve", resolve).ok(http.StatusAccepted)
			require.Equal(t, action, got.text("resolution", "action"))
			_, err := s.WriteOffRefund(t.Context(), id) // as the driver will
			require.NoError(t, err)
			require.NoError(t, l.cashier.run(id))
			l.refundComesTo(id, want)
			l.AuditClean(l.coupon.BatchID)
		}
		l.refund("confirm", mugs(1)).ok(http.StatusCreated)
		l.refund("cancel", mugs(1)).problem(http.StatusUnprocessableEntity, models.CodeResolved)
	})
}

// TestRefundLists reads all refunds of a merchant in pages.
func TestRefundLists(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		merchant := storetest.Name("m")
		l := charged(t, s, storetest.BatchSpec{MerchantID: merchant})
		var made []any
		for _, key := range []string{"k1", "k2", "k3"} {
			made = append(made, map[string]any(l.refund(key, mugs(1)).ok(http.StatusCreated)))
		}
		support := l.key(models.RoleSupport, merchant)
		read := func(query string) request { return request{route: "GET /v1/admin/refunds" + query, secret: support} }
		var all []any
		for cursor, more := "", true; more; more = cursor != "" {
			page := l.send(read("?state=DONE&limit=2&cursor=" + cursor)).ok(http.StatusOK)
			all, cursor = append(all, page.items()...), page.text("next_cursor")
		}
		require.Equal(t, made, all)
		require.Empty(t, l.send(read("?state=FAILED")).ok(http.StatusOK).items())
		require.Empty(t, l.send(read("?stuck=true")).ok(http.StatusOK).items())
		server := read("")
		server.secret, server.as = "", models.RoleServer
		l.refused([]refusal{
			{read("?state=LOST"), 400, models.CodeInvalidRequest}, {read("?cursor=x"), 400, models.CodeInvalidCursor}, {server, 403, models.CodeForbidden},
		})
	})
}
