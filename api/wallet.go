package api

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
	"github.com/tearoff/tearoff/store"
)

type walletInput struct {
	PageInput
	ID    string               `path:"id" maxLength:"200" doc:"Your own id of the user, or Tearoff's (usr_…)."`
	State []models.CouponState `query:"state" enum:"AVAILABLE,LOCKED,USED,EXPIRED,REVOKED" doc:"Only coupons in one of these states, separated by commas. Default: all."`
}

type walletOutput struct{ Body page[walletCoupon] }

// walletCoupon is a coupon with what is needed to show it.
type walletCoupon struct {
	Coupon
	Name     string          `json:"name" doc:"Of the batch."`
	Currency models.Currency `json:"currency,omitempty" doc:"Absent for a percentage that may be used in any."`
	Rule     ruleContent     `json:"rule" doc:"What the coupon is worth and when it may be used."`
	Usable   bool            `json:"usable" doc:"Whether state, validity and limits let the user use it now."`
	Reason   *reason         `json:"reason,omitempty" doc:"Why it is not usable."`
}

// reason says why something can't be.
type reason struct {
	Code    models.Code    `json:"code" example:"coupon_expired"`
	Message string         `json:"message,omitempty"`
	Params  map[string]any `json:"params,omitempty"`
}

// ruleContent is a rule as it was written.
type ruleContent json.RawMessage

// MarshalJSON implements json.Marshaler.
func (c ruleContent) MarshalJSON() ([]byte, error) { return c, nil }

// UnmarshalJSON implements json.Unmarshaler.
func (c *ruleContent) UnmarshalJSON(raw []byte) error {
	*c = slices.Clone(raw)
	return nil
}

// Schema implements huma.SchemaProvider. It refers to the rule's own schema in words only: rules.Parse names the faults
// of a rule better than a validator could.
func (ruleContent) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: true, Description: "A rule: see the schema RuleContent.",
		Examples: []any{map[string]any{"kind": "amount_off", "amount_off": map[string]any{"amount": 500}}},
	}
}

const walletList = "wallet"

func (s *Server) wallet(ctx context.Context, in *walletInput) (*walletOutput, error) {
	userID, err := s.findUser(ctx, models.UserRef{ID: in.ID}, "path")
	if err != nil {
		return nil, err
	}
	q := store.WalletQuery{UserID: userID, MerchantID: keyOf(ctx).MerchantID, States: in.State, Limit: in.Limit + 1}
	if q.AfterUntil, q.AfterID, err = afterCoupon(in.Cursor); err != nil {
		return nil, err
	}
	var offers []models.Offer
	if userID != "" {
		offers, err = s.store.Wallet(ctx, expiryInView(q))
	}
	if err != nil {
		return nil, err
	}
	p := list[models.Offer, walletCoupon]{name: walletList, view: viewOffer, mark: func(o models.Offer) []string {
		return []string{o.Coupon.ValidUntil.Format(time.RFC3339Nano), o.Coupon.ID}
	}}.page(offers, in.Limit)
	if len(in.State) > 0 {
		p.Items = slices.DeleteFunc(p.Items, func(c walletCoupon) bool { return !slices.Contains(in.State, c.State) })
	}
	return &walletOutput{Body: p}, nil
}

// expiryInView makes a query see a coupon whose validity is over as expired, though nobody has written that down yet.
func expiryInView(q store.WalletQuery) store.WalletQuery {
	available, expired := slices.Contains(q.States, models.CouponAvailable), slices.Contains(q.States, models.CouponExpired)
	switch {
	case expired && !available:
		q.States = append(slices.Clone(q.States), models.CouponAvailable)
	case available && !expired:
		q.Valid = true
	}
	return q
}

func afterCoupon(cursor string) (until models.Time, id string, err error) {
	parts, err := decodeCursor(cursor, walletList, 2)
	if err != nil || parts == nil {
		return until, "", err
	}
	at, err := time.Parse(time.RFC3339Nano, parts[0])
	if err != nil || idOf(parts[1], models.PrefixCoupon, "") != nil {
		return until, "", invalidCursor()
	}
	return models.NewTime(at), parts[1], nil
}

func viewOffer(o models.Offer) walletCoupon {
	c := walletCoupon{Coupon: viewCoupon(o.Coupon), Name: o.Batch.Name, Currency: o.Batch.Currency, Rule: ruleContent(o.Rule.Content), Usable: true}
	if c.State == models.CouponAvailable && !o.At.Before(o.Coupon.ValidUntil) {
		c.State = models.CouponExpired
	}
	if refusal := o.Check(o.Coupon.UserID, 0); refusal != nil {
		c.Usable, c.Reason = false, reasonOf(models.RefusalOf(refusal))
	}
	return c
}

func reasonOf(r *models.Refusal) *reason {
	if r == nil {
		return nil
	}
	return &reason{Code: r.Code, Message: r.Message, Params: r.Params}
}

// ownOffers returns the chosen coupons with what decides their worth. One that the user doesn't have, or that the key
// can't see, is CodeCouponNotFound.
func (s *Server) ownOffers(ctx context.Context, userID string, couponIDs []string) ([]models.Offer, error) {
	for _, id := range couponIDs {
		if userID == "" || idOf(id, models.PrefixCoupon, "") != nil {
			return nil, noCoupon(id)
		}
	}
	offers, err := s.store.Offers(ctx, userID, couponIDs)
	if err != nil {
		return nil, err
	}
	for _, o := range offers {
		if visible(ctx, o.Batch.MerchantID, "") != nil {
			return nil, noCoupon(o.Coupon.ID)
		}
	}
	return offers, nil
}

func noCoupon(id string) error {
	return models.NewError(models.CodeCouponNotFound, "the user has no such coupon").With("coupon_id", id)
}

// candidates turns offers into what rules can price.
func candidates(offers []models.Offer, userID string) ([]rules.Candidate, error) {
	out := make([]rules.Candidate, len(offers))
	for i, o := range offers {
		var err error
		if out[i], err = rules.CandidateOf(o, userID); err != nil {
			return nil, models.NewError(models.CodeInternal, "a stored rule can't be read").Wrap(err)
		}
	}
	return out, nil
}
