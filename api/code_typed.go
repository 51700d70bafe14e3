package api

import (
	"context"
	"errors"
	"slices"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// This file is all that becomes of codes that people type, so that a guesser learns nothing but that a code is not valid.

// offers are what a query finds. Of codes that can't be used now a storefront's key learns as much as of those that there
// aren't, and both count as wrong.
func (s *Server) offers(ctx context.Context, q store.OfferQuery, user models.UserRef) (store.Offered, error) {
	if err := s.mayType(ctx, user, len(q.Codes)); err != nil {
		return store.Offered{}, err
	}
	defer s.typed(ctx)
	found, err := s.store.Offers(ctx, q)
	if err != nil {
		return found, err
	}
	if keyOf(ctx).Role == models.RoleStorefront {
		hideCodes(&found, q.UserID)
	}
	for _, ref := range found.Missing {
		if ref.Code != "" {
			wrongCodes(ctx, 1)
		}
	}
	return found, nil
}

// claimCode claims what a code gets. A shop's visitors guess, so a storefront's key gets one answer for every code that
// gets nothing: whether it is unknown, over, or for a sale of next month.
func (s *Server) claimCode(ctx context.Context, request store.ClaimRequest, typed string, user models.UserRef) (*claimOutput, error) {
	// A faulty user comes before the code: else the fault would tell which codes there are.
	if err := s.checkClaimant(ctx, user); err != nil {
		return nil, err
	}
	if err := s.mayType(ctx, user, 1); err != nil {
		return nil, err
	}
	defer s.typed(ctx)
	out, err := s.claimTyped(ctx, request, typed, user)
	if models.CodeOf(err) == models.CodeNotValid {
		wrongCodes(ctx, 1)
	}
	return out, err
}

func (s *Server) claimTyped(ctx context.Context, request store.ClaimRequest, typed string, user models.UserRef) (*claimOutput, error) {
	code, err := s.visibleCode(ctx, typed)
	if models.CodeOf(err) == models.CodeNotFound {
		return nil, noCode()
	}
	if err != nil {
		return nil, err
	}
	request.Code, request.BatchID = code.CodeKey, code.BatchID
	if keyOf(ctx).Role != models.RoleStorefront {
		return s.claimFor(ctx, request, user)
	}
	if hopeless, err := s.hopeless(ctx, request, code, user); err != nil || hopeless {
		return nil, errors.Join(err, notIf(hopeless))
	}
	out, err := s.claimFor(ctx, request, user)
	var refusal *models.Error
	if errors.As(err, &refusal) && models.Final(refusal) {
		return nil, s.publicRefusal(ctx, code, refusal)
	}
	return out, err
}

// hopeless reports whether the code gets nothing, without taking any lock: an answer that took as long as a claim would tell
// that there is such a code. A repeat of a claim that got a coupon goes on to get it again.
func (s *Server) hopeless(ctx context.Context, request store.ClaimRequest, code models.CouponCode, user models.UserRef) (bool, error) {
	refusal, err := s.store.LookAtCode(ctx, code)
	if err != nil || refusal == nil || refusal.Code == models.CodeSoldOut {
		return false, err
	}
	request.UserID, err = s.findUser(ctx, user, "body.user")
	if err != nil {
		return false, err
	}
	before, err := s.store.Claimed(ctx, request)
	return !before, err
}

func notIf(hopeless bool) error {
	if hopeless {
		return noCode()
	}
	return nil
}

func noCode() error { return models.NewError(models.CodeNotValid, "there is no such code") }

// checkClaimant turns away a user that can't be one, without making it.
func (s *Server) checkClaimant(ctx context.Context, user models.UserRef) error {
	err := checkUser(user, "body.user")
	if err == nil && models.HasPrefix(user.ID, models.PrefixUser) {
		_, err = s.store.FindUser(ctx, user)
	}
	return err
}

// publicRefusal is why a code gets no coupon, as far as a guesser may know.
func (s *Server) publicRefusal(ctx context.Context, code models.CouponCode, refusal *models.Error) error {
	switch refusal.Code {
	case models.CodeUserLimit, models.CodeSoldOut:
		return refusal
	case models.CodeIdentityRequired: // which is judged before code and window, so it would tell of codes to come
		if why, err := s.store.LookAtCode(ctx, code); err != nil || why == nil {
			return errors.Join(err, refusal)
		}
	default:
	}
	return noCode()
}

// hideCodes makes codes that can't be used now unknown ones: a storefront's key may be in anybody's hands, and who guesses
// must not learn which codes there are, nor of which batch. What only the user's own coupons can be the reason for is said,
// as long as the code gets something for others.
func hideCodes(found *store.Offered, userID string) {
	found.Offers = slices.DeleteFunc(found.Offers, func(o models.Offer) bool {
		if o.Code == nil || o.Check(userID, 0) == nil {
			return false
		}
		open := models.CheckIssueOnUse(*o.Batch, *o.Counter, o.Code, o.At)
		if open == nil || models.CodeOf(open) == models.CodeSoldOut {
			return false
		}
		found.Missing = append(found.Missing, models.CouponRef{Code: o.Code.CodeKey})
		return true
	})
}
