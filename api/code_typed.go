package api

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// This file is all that becomes of codes that people type, so that a guesser learns nothing but that a code is not valid.

// mayType lets a request look for codes, or refuses it before anything is looked for: the answer is the same for right codes
// and wrong ones. Call typed when it is known which were wrong.
func (s *Server) mayType(ctx context.Context, user models.UserRef, codes int) error {
	if codes == 0 {
		return nil
	}
	userID, err := s.findUser(ctx, user, "body.user")
	if err != nil {
		return err
	}
	c := callOf(ctx)
	g := &guessing{userID: userID, began: s.guard.now(), codes: codes}
	where := c.key.Caller
	if c.key.Role == models.RoleStorefront { // other keys are an order service's: it has one address, and knows its users
		g.by.Key = models.GuessKey(c.key.ID)
		if c.address != nil {
			g.by.Address = models.GuessAddress(c.address())
		}
		where = cmp.Or(g.by.Address, g.by.Key)
	}
	g.by.User = models.GuessUser(where, user, userID)
	if err := s.guard.admit(ctx, g); err != nil {
		return err
	}
	c.guessing = g
	return nil
}

// wrongCode notes that a code of the request was wrong.
func wrongCode(ctx context.Context, code string) {
	if g := callOf(ctx).guessing; g != nil {
		g.wrong = append(g.wrong, code)
	}
}

// typed ends the request's look at codes and counts the wrong ones before anybody is told. A count that can't be written
// still counts here.
func (s *Server) typed(ctx context.Context) {
	c := callOf(ctx)
	g := c.guessing
	if g == nil {
		return
	}
	c.guessing = nil
	if len(g.wrong) == 0 {
		s.guard.leave(g, nil)
		return
	}
	added, err := s.store.AddGuesses(ctx, g.by, g.wrong)
	if err != nil {
		s.cfg.Log.WarnContext(ctx, "wrong codes could not be counted", "request_id", c.id, "error", err)
		added = map[string]int64{}
		for _, name := range g.by.Names() {
			added[name] = int64(len(g.wrong))
		}
	}
	s.guard.leave(g, added)
	if c.key.Role != models.RoleStorefront {
		return
	}
	select {
	case <-time.After(untilTick(s.guard.now().Sub(g.began), s.cfg.WrongCodeTakes)):
	case <-ctx.Done():
	}
}

// untilTick is how long an answer waits that may only be given at a full tick: how long it took to find a code wrong would
// tell that there is such a code.
func untilTick(took, tick time.Duration) time.Duration { return tick - took%tick }

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
		hideCodes(&found, q)
	}
	for _, ref := range found.Missing {
		if ref.Code != "" {
			wrongCode(ctx, ref.Code)
		}
	}
	return found, nil
}

// claimCode claims what a code gets. A shop's visitors guess, so a storefront's key gets one answer for every code that
// gets nothing: whether it is unknown, over, or for a sale of next month.
func (s *Server) claimCode(ctx context.Context, request store.ClaimRequest, typed string, user models.UserRef) (*claimOutput, error) {
	if err := s.mayType(ctx, user, 1); err != nil { // also for a faulty user: after the code the fault would tell that there is one
		return nil, err
	}
	defer s.typed(ctx)
	out, err := s.claimTyped(ctx, request, typed, user)
	if models.CodeOf(err) == models.CodeNotValid {
		wrongCode(ctx, models.CodeName(typed))
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

// hopeless reports whether the code gets nothing, without taking any lock: a claim waits for those of others, longer than a
// wrong code's answer does. A repeat of a claim that got a coupon goes on to get it again.
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
func hideCodes(found *store.Offered, q store.OfferQuery) {
	hidden, shown := map[string]bool{}, map[string]bool{}
	found.Offers = slices.DeleteFunc(found.Offers, func(o models.Offer) bool {
		if o.Code == nil {
			return false
		}
		hide := o.Check(q.UserID, 0) != nil && closedToAll(o)
		hidden[o.Code.CodeKey], shown[o.Code.CodeKey] = hide, !hide
		return hide
	})
	// Each stands where it would and is called as it was typed, or its place and its name would tell that it is there.
	isBatch := func(ref models.CouponRef) bool { return ref.BatchID != "" }
	unknown := map[string]bool{}
	found.Missing = slices.DeleteFunc(found.Missing, func(ref models.CouponRef) bool {
		unknown[ref.Code] = true
		return ref.Code != ""
	})
	var codes []models.CouponRef
	for _, typed := range q.Codes {
		if unknown[typed] || hidden[typed] || !shown[typed] && hidden[models.CodeFold(typed)] {
			codes = append(codes, models.CouponRef{Code: typed})
		}
	}
	at := slices.IndexFunc(found.Missing, isBatch)
	if at < 0 {
		at = len(found.Missing)
	}
	found.Missing = slices.Insert(found.Missing, at, codes...)
}

// closedToAll reports whether the code gets nobody anything now, for other reasons than that others were faster.
func closedToAll(o models.Offer) bool {
	open := models.CheckIssueOnUse(*o.Batch, *o.Counter, o.Code, o.At)
	return open != nil && models.CodeOf(open) != models.CodeSoldOut
}
