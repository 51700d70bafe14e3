package api

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

type claimableInput struct {
	PageInput
	ClaimableBy string `query:"claimable_by" maxLength:"200" doc:"Your own id of a user, or Tearoff's: only batches that this user can claim now."`
}

type claimableOutput struct{ Body page[publicBatch] }

// publicBatch is what a shop shows of a batch.
type publicBatch struct {
	ID           string             `json:"id"`
	MerchantID   string             `json:"merchant_id,omitempty"`
	Name         string             `json:"name"`
	Currency     models.Currency    `json:"currency,omitempty"`
	Rule         ruleContent        `json:"rule" doc:"What a coupon is worth and when it may be used."`
	Remaining    *int64             `json:"remaining" doc:"How many are left; null: unlimited."`
	ClaimsPer    int                `json:"claims_per_user,omitempty" doc:"The most coupons a user can claim. 0: no limit."`
	LimitBy      []models.LimitKind `json:"limit_by,omitempty" nullable:"false" enum:"user,email,phone,device,card" doc:"By what claims_per_user tells users apart: who claims must have each of these identities. Absent: user."`
	ClaimUntil   *time.Time         `json:"claim_until,omitempty"`
	ValidFrom    *time.Time         `json:"valid_from,omitempty"`
	ValidUntil   *time.Time         `json:"valid_until,omitempty"`
	ValidSeconds int64              `json:"valid_seconds,omitempty" doc:"Validity from the instant of issue."`
}

// ruleVersion names a version of a rule, which never changes.
type ruleVersion struct {
	id      string
	version int
}

type publicRule = json.RawMessage

const claimableList = "claimable"

// claimable lists the batches that can be claimed now without a code. A page may have fewer items than were asked for and still have a
// next one.
func (s *Server) claimable(ctx context.Context, in *claimableInput) (*claimableOutput, error) {
	start, err := after(in.Cursor, claimableList, models.PrefixBatch)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.Batches(ctx, store.Page{MerchantID: keyOf(ctx).MerchantID, After: start, Limit: in.Limit + 1}, models.BatchActive)
	if err != nil {
		return nil, err
	}
	view := list[store.BatchRow, store.BatchRow]{name: claimableList,
		view: func(r store.BatchRow) store.BatchRow { return r }, mark: func(r store.BatchRow) []string { return []string{r.ID} },
	}.page(rows, in.Limit)
	if view.Items, err = s.open(ctx, view.Items, in.ClaimableBy); err != nil {
		return nil, err
	}
	out := &claimableOutput{Body: page[publicBatch]{Items: make([]publicBatch, 0, len(view.Items)), NextCursor: view.NextCursor}}
	for _, r := range view.Items {
		b, err := s.viewPublic(ctx, r)
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, b)
	}
	return out, nil
}

// open leaves the batches that issue now, to the user if one is named.
func (s *Server) open(ctx context.Context, rows []store.BatchRow, userRef string) ([]store.BatchRow, error) {
	now, err := s.store.Now(ctx)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(r store.BatchRow) bool {
		return r.Codes != models.CodesNone || models.CheckClaim(r.Batch, r.Counter, nil, now) != nil
	})
	if userRef == "" || len(rows) == 0 {
		return rows, nil
	}
	userID, err := s.findUser(ctx, models.UserRef{ID: userRef}, "query.claimable_by")
	if err != nil || userID == "" {
		return rows, err
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	found, err := s.store.Offers(ctx, store.OfferQuery{UserID: userID, BatchIDs: ids})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(rows, func(r store.BatchRow) bool { return hasAll(r.Batch, found.Offers) }), nil
}

// hasAll reports whether the offers' user has as many coupons of the batch as allowed. An identity that is missing is no
// reason to hide a batch: it may come with the claim.
func hasAll(b models.Batch, offers []models.Offer) bool {
	i := slices.IndexFunc(offers, func(o models.Offer) bool { return o.Batch.ID == b.ID })
	return i >= 0 && b.ClaimsPerUser > 0 && offers[i].Limit.Coupons >= b.ClaimsPerUser
}

func (s *Server) viewPublic(ctx context.Context, r store.BatchRow) (publicBatch, error) {
	content, err := s.ruleText(ctx, r.RuleID, r.RuleVersion)
	b := publicBatch{
		ID: r.ID, MerchantID: r.MerchantID, Name: r.Name, Currency: r.Currency, Rule: content, ClaimsPer: r.ClaimsPerUser, LimitBy: r.LimitBy,
		ClaimUntil: instant(r.ClaimUntil), ValidFrom: instant(r.ValidFrom), ValidUntil: instant(r.ValidUntil), ValidSeconds: r.ValidSeconds,
	}
	if r.Counter.Quantity != nil {
		b.Remaining = &r.Counter.Remaining
	}
	return b, err
}

// ruleText is what a version of a rule says. It is asked for again and again and never changes.
func (s *Server) ruleText(ctx context.Context, id string, version int) (ruleContent, error) {
	content, err := s.rules.get(ruleVersion{id, version}, func() (publicRule, error) {
		rule, err := s.store.Rule(ctx, id, version)
		return rule.Content, err
	})
	return ruleContent(content), err
}
