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
		BatchID string         `json:"batch_id" maxLength:"100" example:"bat_01k9x3vdr0e9vw7a4mz0s8c1qf"`
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
	ValidFrom    time.Time          `json:"valid_from"`
	ValidUntil   time.Time          `json:"valid_until"`
	RedemptionID *string            `json:"redemption_id,omitempty" doc:"The redemption that holds or used it."`
	CreatedAt    time.Time          `json:"created_at"`
}

// claim gives a user a coupon. Without a key of the caller's, every request is one of its own.
func (s *Server) claim(ctx context.Context, in *claimInput) (*claimOutput, error) {
	if err := s.ownBatch(ctx, in.Body.BatchID); err != nil {
		return nil, err
	}
	userID, err := s.ensureUser(ctx, in.Body.User)
	if err != nil {
		return nil, err
	}
	request := store.ClaimRequest{Caller: keyOf(ctx).Caller, Key: in.Key, BatchID: in.Body.BatchID, UserID: userID}
	if request.Key == "" {
		request.Key = models.NewID("srv")
	}
	outcomes, err := s.store.Claim(ctx, []store.ClaimRequest{request})
	if err != nil {
		return nil, err
	}
	got := outcomes[0]
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
		ID: c.ID, BatchID: c.BatchID, UserID: c.UserID, State: c.State, ValidFrom: c.ValidFrom.Time, ValidUntil: c.ValidUntil.Time,
		RedemptionID: c.RedemptionID, CreatedAt: c.CreatedAt.Time,
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
