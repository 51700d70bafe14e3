package api

import (
	"net/http"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// Who may use what. Support reads and changes nothing.
var (
	shops     = roles{models.RoleStorefront, models.RoleServer, models.RoleAdmin} // an admin key may do everything
	shopReads = roles{models.RoleStorefront, models.RoleServer, models.RoleAdmin, models.RoleSupport}
	orders    = roles{models.RoleServer, models.RoleAdmin}
	orderRead = roles{models.RoleServer, models.RoleAdmin, models.RoleSupport}
	admins    = roles{models.RoleAdmin}
	adminRead = roles{models.RoleAdmin, models.RoleSupport}
)

// routes is every route of the API. One without roles needs no key.
func (s *Server) routes() []route {
	return slices.Concat(
		s.shopRoutes(),
		s.adminRoutes(),
		s.batchEditRoutes(),
		s.bulkRoutes(),
		s.couponRoutes(),
		s.codeRoutes(),
		s.distributionRoutes(),
		s.tagRoutes(),
		s.userRoutes(),
		s.personRoutes(),
		s.audienceRoutes(),
		s.importRoutes(),
		s.reminderRoutes(),
		s.templateRoutes(),
		s.messageRoutes(),
		s.endpointRoutes(),
	)
}

// shopRoutes are those that shops and order services live by.
func (s *Server) shopRoutes() []route {
	const created, accepted, ok = http.StatusCreated, http.StatusAccepted, http.StatusOK
	return []route{
		on(s, spec{Route: "GET /v1/batches", Name: "list-claimable-batches", Roles: shopReads,
			Summary: "What can be claimed now without a code"}, s.claimable),
		on(s, spec{Route: "POST /v1/claims", Name: "claim", Roles: shops, Status: created, Also: []int{ok},
			Summary: "Give a user a coupon, of a batch or by a code"}, s.claim),
		on(s, spec{Route: "GET /v1/users/{id}/coupons", Name: "list-user-coupons", Roles: shopReads,
			Summary: "A user's wallet, soonest expiry first"}, s.wallet),
		on(s, spec{Route: "POST /v1/quotes", Name: "quote", Roles: shops, Status: ok,
			Summary: "What a cart costs with the user's coupons; no effect"}, s.quote),

		on(s, spec{Route: "POST /v1/holds", Name: "open-hold", Roles: orders, Status: created,
			Summary: "Hold coupons for a cart; order and payment are yours"}, s.openHold),
		on(s, spec{Route: "GET /v1/holds/{id}", Name: "get-hold", Roles: orderRead, Summary: "A hold"}, s.getHold),
		on(s, spec{Route: "PUT /v1/holds/{id}", Name: "change-hold", Roles: orders, Status: ok,
			Summary: "The cart has changed: price a hold anew"}, s.changeHold),
		on(s, spec{Route: "POST /v1/holds/{id}/confirm", Name: "confirm-hold", Roles: orders, Status: ok,
			Summary: "Use the held coupons"}, s.confirmHold),
		on(s, spec{Route: "POST /v1/holds/{id}/extend", Name: "extend-hold", Roles: orders, Status: ok,
			Summary: "Hold the coupons for longer"}, s.extendHold),
		on(s, spec{Route: "POST /v1/holds/{id}/cancel", Name: "cancel-hold", Roles: orders, Status: ok,
			Summary: "Give the held coupons back"}, s.cancelHold),

		on(s, spec{Route: "POST /v1/redemptions", Name: "open-redemption", Roles: orders, Status: created, Also: []int{accepted},
			Summary: "Redeem coupons together with an order and its payment"}, s.openRedemption),
		on(s, spec{Route: "POST /v1/holds/{id}/refunds", Name: "refund-hold", Roles: orders, Status: created, Also: []int{ok},
			Summary: "Give back some or all of a confirmed hold"}, s.refundHold),
		on(s, spec{Route: "POST /v1/redemptions/{id}/refunds", Name: "refund-redemption", Roles: orders, Status: created, Also: []int{ok, accepted},
			Summary: "Give back some or all of a confirmed redemption, with the money if Tearoff charged it"}, s.refundRedemption),
		on(s, spec{Route: "GET /v1/redemptions/{id}/refunds", Name: "list-refunds", Roles: orderRead,
			Summary: "What was given back of a redemption or a hold"}, s.listRefunds),
		on(s, spec{Route: "GET /v1/refunds/{id}", Name: "get-refund", Roles: orderRead, Summary: "A refund"}, s.getRefund),
		on(s, spec{Route: "GET /v1/redemptions", Name: "find-redemptions", Roles: orderRead,
			Summary: "The redemptions of an order"}, s.findRedemptions),
		on(s, spec{Route: "GET /v1/redemptions/{id}", Name: "get-redemption", Roles: orderRead, Summary: "A redemption"}, s.getRedemption),
		on(s, spec{Route: "POST /v1/redemptions/{id}/payment", Name: "pay-redemption", Roles: orders, Status: ok, Also: []int{accepted},
			Summary: "How the customer pays a waiting redemption"}, s.payRedemption),
		on(s, spec{Route: "POST /v1/redemptions/{id}/cancel", Name: "cancel-redemption", Roles: orders, Status: ok, Also: []int{accepted},
			Summary: "Give up a redemption that is not decided"}, s.cancelRedemption),
		on(s, spec{Route: "POST /v1/payments/callbacks/{provider}", Name: "payment-callback", Roles: orders, Status: http.StatusNoContent,
			Summary: "A payment provider reports"}, s.callback),
		on(s, spec{Route: "POST /v1/payments/webhooks/{provider}", Name: "payment-webhook", Status: http.StatusNoContent,
			Summary: "A payment provider that signs its calls reports"}, s.webhook),
	}
}

func (s *Server) adminRoutes() []route {
	const created, accepted, ok = http.StatusCreated, http.StatusAccepted, http.StatusOK
	return []route{
		on(s, spec{Route: "POST /v1/admin/rules", Name: "create-rule", Roles: admins, Status: created,
			Summary: "A new rule, version 1"}, s.createRule),
		on(s, spec{Route: "POST /v1/admin/rules/{id}/versions", Name: "create-rule-version", Roles: admins, Status: created,
			Summary: "The next version of a rule"}, s.createRuleVersion),
		on(s, spec{Route: "GET /v1/admin/rules", Name: "list-rules", Roles: adminRead,
			Summary: "The newest version of each rule"}, s.listRules),
		on(s, spec{Route: "GET /v1/admin/rules/{id}", Name: "get-rule", Roles: adminRead, Summary: "One version of a rule"}, s.getRule),

		on(s, spec{Route: "POST /v1/admin/batches", Name: "create-batch", Roles: admins, Status: created,
			Summary: "A new batch, as a draft"}, s.createBatch),
		on(s, spec{Route: "GET /v1/admin/batches", Name: "list-batches", Roles: adminRead, Summary: "Batches"}, s.listBatches),
		on(s, spec{Route: "GET /v1/admin/batches/{id}", Name: "get-batch", Roles: adminRead,
			Summary: "A batch with its counters"}, s.getBatch),
		on(s, spec{Route: "POST /v1/admin/batches/{id}/publish", Name: "publish-batch", Roles: admins, Status: ok,
			Summary: "Make a draft claimable"}, s.publishBatch),
		on(s, spec{Route: "POST /v1/admin/batches/{id}/pause", Name: "pause-batch", Roles: admins, Status: ok,
			Summary: "Stop parts of a batch for a while"}, s.pauseBatch),
		on(s, spec{Route: "POST /v1/admin/batches/{id}/resume", Name: "resume-batch", Roles: admins, Status: ok,
			Summary: "Let paused parts go on"}, s.resumeBatch),
		on(s, spec{Route: "POST /v1/admin/batches/{id}/end", Name: "end-batch", Roles: admins, Status: ok,
			Summary: "Issue no more coupons; those issued stay usable"}, s.endBatch),

		on(s, spec{Route: "POST /v1/admin/batches/{id}/codes", Name: "create-codes", Roles: admins, Status: created,
			Summary: "New codes of a batch, all or none"}, s.createCodes),
		on(s, spec{Route: "GET /v1/admin/batches/{id}/codes", Name: "list-codes", Roles: adminRead, Summary: "The codes of a batch"}, s.listCodes),
		on(s, spec{Route: "GET /v1/admin/codes/{code}", Name: "get-code", Roles: adminRead, Summary: "A code"}, s.getCode),
		on(s, spec{Route: "PATCH /v1/admin/codes/{code}", Name: "change-code", Roles: admins, Status: ok,
			Summary: "Switch a code on or off, or change its bounds"}, s.changeCode),

		on(s, spec{Route: "GET /v1/admin/redemptions", Name: "list-redemptions", Roles: adminRead,
			Summary: "Redemptions, all or the stuck ones"}, s.listRedemptions),
		on(s, spec{Route: "POST /v1/admin/redemptions/{id}/retry", Name: "retry-redemption", Roles: admins, Status: accepted,
			Summary: "Try a redemption again at once"}, s.retryRedemption),
		on(s, spec{Route: "POST /v1/admin/redemptions/{id}/resolve", Name: "resolve-redemption", Roles: admins, Status: accepted,
			Summary: "Settle a stuck redemption"}, s.resolveRedemption),

		on(s, spec{Route: "GET /v1/admin/refunds", Name: "list-all-refunds", Roles: adminRead,
			Summary: "Refunds, all, of a state or the stuck ones"}, s.listAllRefunds),
		on(s, spec{Route: "POST /v1/admin/refunds/{id}/approve", Name: "approve-refund", Roles: admins, Status: accepted,
			Summary: "Let a refund be paid"}, s.approveRefund),
		on(s, spec{Route: "POST /v1/admin/refunds/{id}/reject", Name: "reject-refund", Roles: admins, Status: ok,
			Summary: "Turn a refund down that was not sent to the provider"}, s.rejectRefund),
		on(s, spec{Route: "POST /v1/admin/refunds/{id}/retry", Name: "retry-refund", Roles: admins, Status: accepted,
			Summary: "Try a refund again at once, or pay one anew whose money came back"}, s.retryRefund),
		on(s, spec{Route: "POST /v1/admin/refunds/{id}/resolve", Name: "resolve-refund", Roles: admins, Status: accepted,
			Summary: "Settle a refund that doesn't get on"}, s.resolveRefund),

		on(s, spec{Route: "POST /v1/admin/keys", Name: "create-key", Roles: admins, Status: created,
			Summary: "A new API key; its secret is shown once"}, s.createKey),
		on(s, spec{Route: "GET /v1/admin/keys", Name: "list-keys", Roles: adminRead, Summary: "API keys"}, s.listKeys),
		on(s, spec{Route: "POST /v1/admin/keys/{id}/revoke", Name: "revoke-key", Roles: admins, Status: ok,
			Summary: "End an API key"}, s.revokeKey),
		on(s, spec{Route: "GET /v1/admin/audit-log", Name: "list-audit-log", Roles: adminRead,
			Summary: "What was done to a subject"}, s.auditLog),
	}
}
