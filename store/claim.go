package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// ClaimRequest asks for one coupon of a batch for a user. Caller and Key scope its idempotency: the same four fields get
// the same coupon for ever.
type ClaimRequest struct {
	Caller  string
	Key     string
	BatchID string
	UserID  string
}

// ClaimOutcome answers one ClaimRequest: a coupon, or why not. A refusal is not remembered: asking again is judged anew.
type ClaimOutcome struct {
	Coupon   *models.Coupon
	Replayed bool // the coupon was issued by an earlier request with this key
	Err      *models.Error
}

// Claim answers each request on its own, in one transaction: own key first, then limit, window and stock. Requests for
// one batch may come together; exactly its quantity is issued.
func (s *Store) Claim(ctx context.Context, requests []ClaimRequest) ([]ClaimOutcome, error) {
	var outcomes []ClaimOutcome
	err := s.tx(ctx, func(tx *txn) error {
		c, err := tx.newClaims(requests)
		if err != nil {
			return err
		}
		outcomes = make([]ClaimOutcome, len(requests))
		for i, r := range requests {
			outcomes[i] = c.judge(r)
		}
		return c.books.write()
	})
	return outcomes, err
}

// claims is what is known under the locks of one Claim.
type claims struct {
	books   *books
	now     models.Time
	byKey   map[string]*models.Coupon // coupons of known keys, also of this very transaction
	taken   map[userDay]map[int]bool  // ordinals of each user, where the batch limits them
	newest  map[userDay]int           // the highest ordinal of each user, where it doesn't
	blocked map[string]bool
}

func (tx *txn) newClaims(requests []ClaimRequest) (*claims, error) {
	var batchIDs, userIDs, keys []string
	for _, r := range requests {
		batchIDs, userIDs, keys = append(batchIDs, r.BatchID), append(userIDs, r.UserID), append(keys, r.sourceKey())
	}
	b, err := tx.lockBooks(batchIDs)
	if err != nil {
		return nil, err
	}
	c := &claims{books: b, byKey: map[string]*models.Coupon{}, taken: map[userDay]map[int]bool{}, newest: map[userDay]int{}, blocked: map[string]bool{}}
	if c.now, err = tx.now(); err != nil {
		return nil, err
	}
	var known []*models.Coupon
	if err := tx.Find(&known, "source_key IN ?", keys).Error; err != nil {
		return nil, err
	}
	for _, coupon := range known {
		c.byKey[coupon.SourceKey] = coupon
	}
	if err := c.loadOrdinals(userIDs); err != nil {
		return nil, err
	}
	var blocked []string
	if err := tx.Model(&models.User{}).Where("id IN ? AND blocked = ?", userIDs, true).Pluck("id", &blocked).Error; err != nil {
		return nil, err
	}
	for _, id := range blocked {
		c.blocked[id] = true
	}
	return c, nil
}

func (r ClaimRequest) sourceKey() string {
	return models.Hash("claim", r.Caller, r.UserID, r.BatchID, r.Key)
}

// loadOrdinals reads which numbers the users have. A batch without a limit per user may have given one user very many, so
// there the highest is enough.
func (c *claims) loadOrdinals(userIDs []string) error {
	var limited, unlimited []string
	for id, batch := range c.books.batches {
		if batch.ClaimsPerUser > 0 {
			limited = append(limited, id)
		} else {
			unlimited = append(unlimited, id)
		}
	}
	var owned []models.Coupon
	if len(limited) > 0 {
		err := c.books.tx.Select("batch_id", "user_id", "ordinal").Find(&owned, "batch_id IN ? AND user_id IN ?", limited, userIDs).Error
		if err != nil {
			return err
		}
	}
	if len(unlimited) > 0 {
		var highest []models.Coupon
		err := c.books.tx.Select("batch_id, user_id, MAX(ordinal) AS ordinal").Group("batch_id, user_id").
			Find(&highest, "batch_id IN ? AND user_id IN ?", unlimited, userIDs).Error
		if err != nil {
			return err
		}
		owned = append(owned, highest...)
	}
	for _, coupon := range owned {
		c.take(coupon.BatchID, coupon.UserID, coupon.Ordinal)
	}
	return nil
}

func (c *claims) take(batchID, userID string, ordinal int) {
	key := userDay{batchID: batchID, userID: userID}
	c.newest[key] = max(c.newest[key], ordinal)
	if c.taken[key] == nil {
		c.taken[key] = map[int]bool{}
	}
	c.taken[key][ordinal] = true
}

// judge decides one request and posts its coupon.
func (c *claims) judge(r ClaimRequest) ClaimOutcome {
	if coupon := c.byKey[r.sourceKey()]; coupon != nil {
		return ClaimOutcome{Coupon: coupon, Replayed: true}
	}
	counter, batch := c.books.counters[r.BatchID], c.books.batches[r.BatchID]
	if counter == nil || batch == nil {
		return ClaimOutcome{Err: models.NewError(models.CodeNotFound, "there is no such batch")}
	}
	if c.blocked[r.UserID] {
		return ClaimOutcome{Err: models.NewError(models.CodeUserBlocked, "the user may not get coupons")}
	}
	ordinal := c.freeOrdinal(r)
	if batch.ClaimsPerUser > 0 && ordinal > batch.ClaimsPerUser {
		return ClaimOutcome{Err: models.NewError(models.CodeUserLimit, "the user has as many coupons of this batch as allowed").
			With("limit", batch.ClaimsPerUser)}
	}
	if err := models.CheckIssue(*batch, *counter, c.now); err != nil {
		return ClaimOutcome{Err: err}
	}
	if counter.Quantity != nil && counter.Remaining < 1 {
		return ClaimOutcome{Err: models.NewError(models.CodeSoldOut, "no coupon is left")}
	}
	from, until := batch.Validity(c.now)
	if !until.After(c.now) {
		return ClaimOutcome{Err: models.NewError(models.CodeClaimEnded, "coupons of this batch are no longer valid").With("until", until)}
	}
	coupon := &models.Coupon{
		ID: models.NewID(models.PrefixCoupon), BatchID: batch.ID, RuleID: batch.RuleID, RuleVersion: batch.RuleVersion,
		UserID: r.UserID, Ordinal: ordinal, ValidFrom: from, ValidUntil: until,
		Source: "claim", SourceKey: r.sourceKey(), CreatedAt: c.now,
	}
	c.books.issue(coupon, c.now)
	c.take(batch.ID, r.UserID, ordinal)
	c.byKey[coupon.SourceKey] = coupon
	return ClaimOutcome{Coupon: coupon}
}

// freeOrdinal is the lowest number that no coupon of the user in this batch has.
func (c *claims) freeOrdinal(r ClaimRequest) int {
	key := userDay{batchID: r.BatchID, userID: r.UserID}
	if c.books.batches[r.BatchID].ClaimsPerUser == 0 {
		return c.newest[key] + 1
	}
	taken := c.taken[key]
	for ordinal := 1; ; ordinal++ {
		if !taken[ordinal] {
			return ordinal
		}
	}
}
