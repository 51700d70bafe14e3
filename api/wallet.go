package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/maypok86/otter/v2"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

type walletInput struct {
	PageInput
	ID    string               `path:"id" maxLength:"200" doc:"Your own id of the user, or Tearoff's (usr_…)."`
	State []models.CouponState `query:"state" enum:"AVAILABLE,LOCKED,USED,EXPIRED,REVOKED" doc:"Only coupons in one of these states, separated by commas. Default: all."`
}

type walletOutput struct{ Body page[walletCoupon] }

// walletKey is all that decides about an answer.
type walletKey struct {
	userID, merchantID, states string
	limit                      int
}

// keptWallet is an answer that somebody may want again at once: people who look at their coupons do so again and again.
type keptWallet struct {
	json  []byte
	fresh store.Fresh
}

// walletBytes bounds what is kept of answers.
const walletBytes = 16 << 20

func newWallets() *otter.Cache[walletKey, keptWallet] {
	return otter.Must(&otter.Options[walletKey, keptWallet]{
		MaximumWeight: walletBytes, Weigher: func(_ walletKey, w keptWallet) uint32 { return uint32(len(w.json)) }, //nolint:gosec // G115: a page is small
		ExpiryCalculator: otter.ExpiryWriting[walletKey, keptWallet](store.AnswerFresh),
	})
}

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
	key := walletKey{userID: userID, merchantID: q.MerchantID, states: fmt.Sprint(in.State), limit: in.Limit}
	if kept, ok := s.wallets.GetIfPresent(key); ok && in.Cursor == "" && kept.fresh.Holds() {
		return &walletOutput{Body: page[walletCoupon]{json: kept.json}}, nil
	}
	var offers []models.Offer
	var fresh store.Fresh
	if userID != "" {
		offers, fresh, err = s.store.Wallet(ctx, expiryInView(q))
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
	if !fresh.Holds() {
		return &walletOutput{Body: p}, nil
	}
	var text bytes.Buffer
	if err := huma.DefaultJSONFormat.Marshal(&text, p); err != nil {
		return nil, err
	}
	s.wallets.Set(key, keptWallet{json: text.Bytes(), fresh: fresh})
	return &walletOutput{Body: page[walletCoupon]{json: text.Bytes()}}, nil
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
