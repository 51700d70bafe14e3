package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
	"github.com/tearoff/tearoff/store"
)

// Basket is what a redemption is about.
type Basket struct {
	MerchantID string      `json:"merchant_id,omitempty" maxLength:"100" pattern:"^(\\S(.*\\S)?)?$" doc:"Whose redemption it is. Default: the key's merchant, or the platform itself."`
	User       customer    `json:"user"`
	Cart       models.Cart `json:"cart"`
	Selection
	OnInapplicable string        `json:"on_inapplicable,omitempty" enum:"fail,skip" default:"fail" doc:"fail: exactly the named coupons. skip: the best combination of those that apply; at least one must."`
	ExpectedTotal  *models.Money `json:"expected_total,omitempty" doc:"What the customer was shown. Another total is quote_changed, and nothing happens."`
}

type openHoldInput struct {
	Keyed
	Body struct {
		Basket
		OrderID    string `json:"order_id,omitempty" maxLength:"200" pattern:"^(\\S(.*\\S)?)?$" doc:"Your own id of the order; it may also come with the confirmation. An order has one live redemption."`
		TTLSeconds int64  `json:"ttl_seconds,omitempty" minimum:"1" default:"900" doc:"How long the coupons are held: 60 to 604800 seconds."`
	}
}

// RedemptionPath names a redemption or a hold.
type RedemptionPath struct {
	ID string `path:"id" maxLength:"100"`
}

type confirmHoldInput struct {
	RedemptionPath
	Body *struct {
		OrderID       string `json:"order_id,omitempty" maxLength:"200" pattern:"^(\\S(.*\\S)?)?$" doc:"Your own id of the order, if the hold has none yet."`
		AcceptOverrun bool   `json:"accept_overrun,omitempty" doc:"If the hold has run out, use its coupons even where their budgets or validity no longer allow it. Never what somebody else has got meanwhile. The hold is then marked."`
	}
}

type extendHoldInput struct {
	RedemptionPath
	Body struct {
		TTLSeconds int64 `json:"ttl_seconds" minimum:"1" doc:"How long the coupons are held from now: 60 to 604800 seconds. It never makes the hold shorter."`
	}
}

// openHold locks the coupons of a cart. A repeat finds the hold as it is now.
func (s *Server) openHold(ctx context.Context, in *openHoldInput) (*redemptionOutput, error) {
	ttl, err := s.ttl(in.Body.TTLSeconds, "body.ttl_seconds")
	if err != nil {
		return nil, err
	}
	plan, prior, err := s.plan(ctx, in.Body.Basket, rules.PlanInput{Key: in.Key, OrderID: in.Body.OrderID, Kind: models.KindHold, TTL: ttl})
	if err != nil {
		return nil, err
	}
	if prior != nil {
		r, err := settled(*prior)
		if err != nil {
			return nil, err
		}
		return s.replayed(ctx, r)
	}
	out, err := s.store.Redeem(ctx, store.Operation{OpenHold: &plan})
	if err != nil {
		return nil, err
	}
	r, err := settled(out)
	if err != nil {
		return nil, err
	}
	if out.Replayed {
		return s.replayed(ctx, r)
	}
	return &redemptionOutput{Status: http.StatusCreated, Body: s.viewRedemption(r).with(plan.Lines)}, nil
}

// replayed answers a repeat with what the first request made, as it is now.
func (s *Server) replayed(ctx context.Context, r models.Redemption) (*redemptionOutput, error) {
	out, err := s.whole(ctx, r)
	if err != nil {
		return nil, err
	}
	out.Status, out.Replayed = http.StatusCreated, replayedAs(true)
	return out, nil
}

// settled is the redemption of an outcome. A refusal names the redemption that keeps it, if one does.
func settled(o store.RedemptionOutcome) (models.Redemption, error) {
	if o.Err == nil {
		return o.Redemption, nil
	}
	var err error = o.Err
	if o.Redemption.ID != "" {
		err = o.Err.With("redemption_id", o.Redemption.ID)
	}
	if o.Replayed {
		err = &replayedError{err}
	}
	return o.Redemption, err
}

func (s *Server) getHold(ctx context.Context, in *RedemptionPath) (*redemptionOutput, error) {
	r, err := s.redemption(ctx, in.ID, models.KindHold)
	if err != nil {
		return nil, err
	}
	return s.whole(ctx, r)
}

// confirmHold uses the held coupons. A hold that has run out succeeds as long as they can be had again.
func (s *Server) confirmHold(ctx context.Context, in *confirmHoldInput) (*redemptionOutput, error) {
	if err := s.ownHold(ctx, in.ID); err != nil {
		return nil, err
	}
	confirm := store.HoldConfirm{ID: in.ID}
	if in.Body != nil {
		confirm.AcceptOverrun = in.Body.AcceptOverrun
		if in.Body.OrderID != "" {
			confirm.OrderID = &in.Body.OrderID
		}
	}
	return s.settledHold(s.store.Redeem(ctx, store.Operation{ConfirmHold: &confirm}))
}

// extendHold lets the hold last longer.
func (s *Server) extendHold(ctx context.Context, in *extendHoldInput) (*redemptionOutput, error) {
	ttl, err := s.ttl(in.Body.TTLSeconds, "body.ttl_seconds")
	if err != nil {
		return nil, err
	}
	if err := s.ownHold(ctx, in.ID); err != nil {
		return nil, err
	}
	return s.settledHold(s.store.Redeem(ctx, store.Operation{ExtendHold: &store.HoldExtend{ID: in.ID, TTL: ttl}}))
}

// cancelHold gives the held coupons back.
func (s *Server) cancelHold(ctx context.Context, in *RedemptionPath) (*redemptionOutput, error) {
	if err := s.ownHold(ctx, in.ID); err != nil {
		return nil, err
	}
	return s.settledHold(s.store.Redeem(ctx, store.Operation{CancelHold: in.ID}))
}

// settledHold answers without the lines, which would cost the busiest calls another question.
func (s *Server) settledHold(out store.RedemptionOutcome, err error) (*redemptionOutput, error) {
	if err != nil {
		return nil, err
	}
	r, err := settled(out)
	if err != nil {
		return nil, err
	}
	return &redemptionOutput{Status: http.StatusOK, Body: s.viewRedemption(r)}, nil
}

// ownHold hides the holds of other merchants. A key of the platform sees all, so nothing is asked.
func (s *Server) ownHold(ctx context.Context, id string) error {
	if keyOf(ctx).MerchantID == "" {
		return idOf(id, models.PrefixRedemption, "hold")
	}
	_, err := s.redemption(ctx, id, models.KindHold)
	return err
}

// ttl checks a span that a caller chose.
func (s *Server) ttl(seconds int64, path string) (time.Duration, error) {
	least, most := int64(s.cfg.MinHoldTTL/time.Second), int64(maxTTL/time.Second)
	if seconds < least || seconds > most {
		return 0, invalid(Fault{Path: path, Message: fmt.Sprintf("must be %d to %d", least, most)})
	}
	return time.Duration(seconds) * time.Second, nil
}
