package api

import (
	"context"
	"net/http"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

type claimInput struct {
	Keyed
	Body struct {
		BatchID *string        `json:"batch_id,omitempty" maxLength:"100" doc:"This or code." example:"bat_01k9x3vdr0e9vw7a4mz0s8c1qf"`
		Code    *string        `json:"code,omitempty" maxLength:"1000" doc:"What the user typed, in any case and width. This or batch_id."`
		User    models.UserRef `json:"user"`
	}
}

type claimOutput struct {
	Status   int
	Replayed string `header:"Idempotency-Replayed" doc:"true: an earlier request with the same key had got this coupon."`
	Body     Coupon
}

// Coupon is a coupon as its user has it.
type Coupon struct {
	ID           string             `json:"id"`
	BatchID      string             `json:"batch_id"`
	UserID       string             `json:"user_id" doc:"Tearoff's own id of the user."`
	State        models.CouponState `json:"state" enum:"AVAILABLE,LOCKED,USED,EXPIRED,REVOKED"`
	CodeKey      *string            `json:"code_key,omitempty" doc:"The code that it was got by, normalised."`
	FaceValue    int64              `json:"face_value,omitempty" doc:"With a random_amount rule: what was drawn, in minor units of the batch's currency."`
	ValidFrom    time.Time          `json:"valid_from"`
	ValidUntil   time.Time          `json:"valid_until"`
	RedemptionID *string            `json:"redemption_id,omitempty" doc:"The redemption that holds or used it."`
	CreatedAt    time.Time          `json:"created_at"`
}

// claim gives a user a coupon. Without a key of the caller's, every request is one of its own.
func (s *Server) claim(ctx context.Context, in *claimInput) (*claimOutput, error) {
	request := store.ClaimRequest{Caller: keyOf(ctx).Caller, Key: in.Key}
	if request.Key == "" {
		request.Key = models.NewID("srv")
	}
	batchID, code, user := in.Body.BatchID, in.Body.Code, in.Body.User
	switch {
	case (batchID == nil) == (code == nil):
		return nil, invalid(Fault{Path: "body", Message: "must have either batch_id or code"})
	case code != nil:
		return s.claimCode(ctx, request, *code, user)
	}
	if err := s.ownBatch(ctx, *batchID); err != nil {
		return nil, err
	}
	request.BatchID = *batchID
	return s.claimFor(ctx, request, user)
}

// claimFor makes the user at first sight and claims: the caller has seen that there is something to claim.
func (s *Server) claimFor(ctx context.Context, request store.ClaimRequest, user models.UserRef) (*claimOutput, error) {
	if err := checkUser(user, "body.user"); err != nil {
		return nil, err
	}
	if refusal, known := s.store.Closed(request); known { // before anything is asked of the database
		return nil, refusal
	}
	var err error
	if request.UserID, err = s.ensureUser(ctx, user); err != nil {
		return nil, err
	}
	request.LimitKeys = user.LimitKeys()
	s.store.Seen(ctx, request.UserID)
	got, err := s.store.ClaimOne(ctx, request)
	if into := mergedInto(got.Err); err == nil && into != "" { // since this process has last looked
		request.UserID = into
		got, err = s.store.ClaimOne(ctx, request)
	}
	if err != nil {
		return nil, err
	}
	if got.Err != nil {
		return nil, got.Err
	}
	out := &claimOutput{Status: http.StatusCreated, Replayed: replayedAs(got.Replayed), Body: viewCoupon(*got.Coupon)}
	if got.Replayed {
		out.Status = http.StatusOK
	}
	return out, nil
}

func viewCoupon(c models.Coupon) Coupon {
	return Coupon{
		ID: c.ID, BatchID: c.BatchID, UserID: c.UserID, State: c.State, CodeKey: c.CodeKey, FaceValue: c.FaceValue,
		ValidFrom: c.ValidFrom.Time, ValidUntil: c.ValidUntil.Time, RedemptionID: c.RedemptionID, CreatedAt: c.CreatedAt.Time,
	}
}

// instant is a time that may not be set.
func instant(t models.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t.Time
}

// money is an amount in minor units with its currency.
func money(amount int64, currency models.Currency) models.Money {
	return models.Money{Amount: amount, Currency: currency}
}
