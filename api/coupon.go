package api

import (
	"context"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

type listCouponsInput struct {
	PageInput
	BatchID string             `query:"batch_id" maxLength:"100" doc:"Default: any."`
	User    string             `query:"user" maxLength:"200" doc:"Your own id of the user, or Tearoff's (usr_…). Default: any."`
	Code    string             `query:"code" maxLength:"200" doc:"Got by this code. Default: any."`
	State   models.CouponState `query:"state" enum:"AVAILABLE,LOCKED,USED,EXPIRED,REVOKED" doc:"With a batch, a user or a code. As written down: one whose validity is over may be AVAILABLE for up to an hour more. Default: any."`
}

// CouponPath names a coupon.
type CouponPath struct {
	ID string `path:"id" maxLength:"100"`
}

type couponDeedInput struct {
	CouponPath
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log and the coupon's history."`
	}
}

type extendCouponInput struct {
	CouponPath
	Body struct {
		Until  when   `json:"until" doc:"An instant, or a date: until its end in the batch's time zone."`
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log and the coupon's history."`
	}
}

type giveCouponInput struct {
	Keyed
	BatchPath
	Body struct {
		User        models.UserRef `json:"user"`
		IgnoreLimit bool           `json:"ignore_limit,omitempty" doc:"The batch's limit per customer doesn't count."`
		Reason      string         `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log and the coupon's history."`
	}
}

type couponOutput struct {
	Status   int
	Replayed string `header:"Idempotency-Replayed" doc:"true: an earlier request with the same key did it."`
	Body     IssuedCoupon
}

type couponsOutput struct{ Body page[IssuedCoupon] }

type couponHistoryOutput struct{ Body couponHistory }

// IssuedCoupon is a coupon as operators see it.
type IssuedCoupon struct {
	Coupon
	RuleID      string `json:"rule_id"`
	RuleVersion int    `json:"rule_version"`
	Ordinal     int    `json:"ordinal" doc:"The user's n-th of the batch."`
	Source      string `json:"source" doc:"How it was got: claim, use, admin, …" example:"claim"`
}

// couponHistory is a coupon with all that happened to it.
type couponHistory struct {
	IssuedCoupon
	History []couponEvent `json:"history" nullable:"false" doc:"Oldest first."`
}

// couponEvent is one entry of the ledger, with why it was written.
type couponEvent struct {
	Seq          int64            `json:"seq" doc:"Of the coupon, from 1."`
	Kind         models.EntryKind `json:"kind" doc:"issued, locked, released, used, refunded, restored, adjusted, overrun, expired, unexpired, extended, revoked, reinstated, unissued or imported." example:"locked"`
	At           time.Time        `json:"at"`
	Amount       int64            `json:"amount,omitempty" doc:"Minor units of the batch's currency."`
	RedemptionID *string          `json:"redemption_id,omitempty"`
	OrderID      *string          `json:"order_id,omitempty" doc:"Of the redemption."`
	RefundID     *string          `json:"refund_id,omitempty"`
	Outcome      *models.Code     `json:"outcome,omitempty" doc:"Why the redemption was cancelled." example:"payment_declined"`
	Deed         *couponDeed      `json:"deed,omitempty" doc:"Who did it and why; absent: nobody's deed."`
}

// couponDeed is what an operator did.
type couponDeed struct {
	AuditID string `json:"audit_id"`
	Actor   string `json:"actor" doc:"The id of a key, or cli."`
	Action  string `json:"action" example:"coupon.revoke"`
	Reason  string `json:"reason"`
}

func (s *Server) couponRoutes() []route {
	const created, ok = 201, 200
	return []route{
		on(s, spec{Route: "GET /v1/admin/coupons", Name: "list-coupons", Roles: adminRead,
			Summary: "Find coupons of a user, a batch or a code, also by state"}, s.listCoupons),
		on(s, spec{Route: "GET /v1/admin/coupons/{id}", Name: "get-coupon", Roles: adminRead,
			Summary: "A coupon with all that happened to it, and why"}, s.getCoupon),
		on(s, spec{Route: "POST /v1/admin/coupons/{id}/revoke", Name: "revoke-coupon", Roles: admins, Status: ok,
			Summary: "Take a coupon back that nobody has used"}, s.revokeCoupon),
		on(s, spec{Route: "POST /v1/admin/coupons/{id}/reinstate", Name: "reinstate-coupon", Roles: admins, Status: ok,
			Summary: "Give a revoked coupon back"}, s.reinstateCoupon),
		on(s, spec{Route: "POST /v1/admin/coupons/{id}/extend", Name: "extend-coupon", Roles: admins, Status: ok,
			Summary: "Let a coupon be valid for longer, or again"}, s.extendCoupon),
		on(s, spec{Route: "POST /v1/admin/batches/{id}/issue", Name: "give-coupon", Roles: admins, Status: created, Also: []int{ok},
			Summary: "Give a user a coupon, whatever the window of claiming"}, s.giveCoupon),
	}
}

func viewIssued(c models.Coupon) IssuedCoupon {
	return IssuedCoupon{Coupon: viewCoupon(c), RuleID: c.RuleID, RuleVersion: c.RuleVersion, Ordinal: c.Ordinal, Source: c.Source}
}

const couponList = "coupons"

func (s *Server) listCoupons(ctx context.Context, in *listCouponsInput) (*couponsOutput, error) {
	q := store.CouponQuery{MerchantID: keyOf(ctx).MerchantID, BatchID: in.BatchID, State: in.State, Limit: in.Limit + 1}
	if in.BatchID != "" {
		if err := s.ownBatch(ctx, in.BatchID); err != nil {
			return nil, err
		}
		q.MerchantID = "" // it is the key's
	}
	none := &couponsOutput{Body: page[IssuedCoupon]{Items: []IssuedCoupon{}}}
	if in.User != "" {
		var err error
		if q.UserID, err = s.findUser(ctx, models.UserRef{ID: in.User}, "query.user"); err != nil || q.UserID == "" {
			return none, err
		}
	}
	if in.Code != "" {
		if q.CodeKey = models.CodeKey(in.Code); q.CodeKey == "" {
			return none, nil
		}
	}
	parts, err := decodeCursor(in.Cursor, couponList, 2)
	if err != nil {
		return nil, err
	}
	if parts != nil {
		q.After = store.CouponMark{First: parts[0], Then: parts[1]}
		if !q.Marks(q.After) {
			return nil, invalidCursor()
		}
	}
	rows, err := s.store.Coupons(ctx, q)
	if err != nil {
		return nil, err
	}
	return &couponsOutput{Body: list[models.Coupon, IssuedCoupon]{
		name: couponList, view: viewIssued, mark: func(c models.Coupon) []string { m := q.Mark(c); return []string{m.First, m.Then} },
	}.page(rows, in.Limit)}, nil
}

// visibleCoupon returns a coupon of a batch that the key can see.
func (s *Server) visibleCoupon(ctx context.Context, id string) (models.Coupon, error) {
	if err := idOf(id, models.PrefixCoupon, "coupon"); err != nil {
		return models.Coupon{}, err
	}
	c, err := s.store.Coupon(ctx, id)
	if err == nil {
		err = s.ownBatchOf(ctx, c.BatchID, "coupon")
	}
	return c, err
}

func (s *Server) getCoupon(ctx context.Context, in *CouponPath) (*couponHistoryOutput, error) {
	c, err := s.visibleCoupon(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	events, err := s.store.CouponHistory(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	out := &couponHistoryOutput{Body: couponHistory{IssuedCoupon: viewIssued(c), History: make([]couponEvent, len(events))}}
	for i, e := range events {
		out.Body.History[i] = viewEvent(e)
	}
	return out, nil
}

func viewEvent(e store.CouponEvent) couponEvent {
	v := couponEvent{
		Kind: e.Kind, At: e.At.Time, Amount: e.Amount, RedemptionID: e.RedemptionID, OrderID: e.OrderID, RefundID: e.RefundID,
	}
	if e.CouponSeq != nil {
		v.Seq = *e.CouponSeq
	}
	if e.Kind == models.EntryReleased {
		v.Outcome = e.Outcome
	}
	if d := e.Deed; d != nil {
		v.Deed = &couponDeed{AuditID: d.ID, Actor: d.Actor, Action: d.Action, Reason: d.Reason}
	}
	return v
}

func (s *Server) revokeCoupon(ctx context.Context, in *couponDeedInput) (*couponOutput, error) {
	return s.doToCoupon(ctx, in.ID, store.CouponDeed{Do: models.DeedRevoke, Audit: audited(ctx, "coupon.revoke", in.Body.Reason)})
}

func (s *Server) reinstateCoupon(ctx context.Context, in *couponDeedInput) (*couponOutput, error) {
	return s.doToCoupon(ctx, in.ID, store.CouponDeed{Do: models.DeedReinstate, Audit: audited(ctx, "coupon.reinstate", in.Body.Reason)})
}

func (s *Server) extendCoupon(ctx context.Context, in *extendCouponInput) (*couponOutput, error) {
	c, err := s.visibleCoupon(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	row, err := s.store.Batch(ctx, c.BatchID)
	if err != nil {
		return nil, err
	}
	until, err := models.ReadWhen(string(in.Body.Until), row.Zone(), 1)
	if err != nil {
		return nil, invalid(Fault{Path: "body.until", Message: err.Error()})
	}
	record := audited(ctx, "coupon.extend", in.Body.Reason)
	record.Detail = map[string]any{"from": c.ValidUntil, "until": until}
	return s.doToCoupon(ctx, in.ID, store.CouponDeed{Do: models.DeedExtend, Until: until, Audit: record})
}

func (s *Server) doToCoupon(ctx context.Context, id string, deed store.CouponDeed) (*couponOutput, error) {
	c, err := s.visibleCoupon(ctx, id)
	if err != nil {
		return nil, err
	}
	deed.CouponID = c.ID
	if c, err = s.store.DoToCoupon(ctx, deed); err != nil {
		return nil, err
	}
	return &couponOutput{Status: 200, Body: viewIssued(c)}, nil
}

func (s *Server) giveCoupon(ctx context.Context, in *giveCouponInput) (*couponOutput, error) {
	if err := s.ownBatch(ctx, in.ID); err != nil {
		return nil, err
	}
	userID, err := s.ensureUser(ctx, in.Body.User)
	if err != nil {
		return nil, err
	}
	gift := store.CouponGift{
		Caller: keyOf(ctx).Caller, Key: in.Key, BatchID: in.ID, UserID: userID, LimitKeys: in.Body.User.LimitKeys(),
		IgnoreLimit: in.Body.IgnoreLimit, Audit: audited(ctx, "coupon.give", in.Body.Reason),
	}
	if gift.Key == "" {
		gift.Key = models.NewID("srv")
	}
	c, replayed, err := s.store.GiveCoupon(ctx, gift)
	if err != nil {
		return nil, err
	}
	out := &couponOutput{Status: 201, Replayed: replayedAs(replayed), Body: viewIssued(c)}
	if replayed {
		out.Status = 200
	}
	return out, nil
}
