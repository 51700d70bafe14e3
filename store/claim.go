package store

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// ClaimRequest asks for one coupon of a batch for a user. Caller and Key scope its idempotency: the same caller, user,
// batch and key get the same coupon for ever.
type ClaimRequest struct {
	Caller  string
	Key     string
	BatchID string
	Code    string // a code key instead of BatchID: the batch is the code's. "": without a code
	UserID  string
	// LimitKeys are what the request names the user by; they count beside the identities that are stored as the user's.
	LimitKeys []models.LimitKey
}

// ClaimOutcome answers one ClaimRequest: a coupon, or why not. A refusal is not remembered: asking again is judged anew.
type ClaimOutcome struct {
	Coupon   *models.Coupon
	Replayed bool // the coupon was issued by an earlier request with this key
	Err      *models.Error
	seq      int64 // of the batch's ledger when it was refused
}

// Claim answers each request on its own, in one transaction: own key first, then limit, window and stock. Requests for
// one batch may come together; exactly its quantity is issued, and each code is used as often as it may be.
func (s *Store) Claim(ctx context.Context, requests []ClaimRequest) ([]ClaimOutcome, error) {
	ops := make([]Operation, len(requests))
	for i := range requests {
		ops[i].Claim = &requests[i]
	}
	answers, err := s.Perform(ctx, ops)
	outcomes := make([]ClaimOutcome, len(answers))
	for i, a := range answers {
		outcomes[i] = *a.Claim
	}
	return outcomes, err
}

// nameBatches fills in the batches of codes. A code never changes its batch, so it is read before any lock; one that
// isn't there, or isn't the named batch's, leaves no batch.
func (tx *txn) nameBatches(requests []ClaimRequest) ([]ClaimRequest, error) {
	var keys []string
	for _, r := range requests {
		if r.Code != "" {
			keys = append(keys, r.Code)
		}
	}
	if len(keys) == 0 {
		return requests, nil
	}
	var rows []models.CouponCode
	if err := tx.Select("code_key", "batch_id").Find(&rows, "code_key IN ?", keys).Error; err != nil {
		return nil, err
	}
	batches := make(map[string]string, len(rows))
	for _, row := range rows {
		batches[row.CodeKey] = row.BatchID
	}
	named := slices.Clone(requests)
	for i, r := range named {
		switch batch := batches[r.Code]; {
		case r.Code == "":
		case r.BatchID == "" || r.BatchID == batch:
			named[i].BatchID = batch
		default:
			named[i].BatchID = ""
		}
	}
	return named, nil
}

// claims is what is known under the locks of a slice's claims.
type claims struct {
	*issuer
	byKey map[string]*models.Coupon // coupons of known keys, also of this very transaction
}

func (tx *txn) newClaims(i *issuer, requests []ClaimRequest) (*claims, error) {
	c := &claims{issuer: i, byKey: map[string]*models.Coupon{}}
	if len(requests) == 0 {
		return c, nil
	}
	before, err := tx.absorbed(i.users)
	if err != nil {
		return nil, err
	}
	now := map[string]string{} // what each source key is called now
	for _, r := range requests {
		now[r.sourceKey(r.UserID)] = r.sourceKey(r.UserID)
		for _, old := range before[r.UserID] {
			now[r.sourceKey(old)] = r.sourceKey(r.UserID)
		}
	}
	var known []*models.Coupon
	err = tx.Find(&known, "source_key IN ?", slices.Sorted(maps.Keys(now))).Error
	for _, coupon := range known {
		c.byKey[now[coupon.SourceKey]] = coupon
	}
	return c, err
}

// sourceKey is what the coupon of this request is known by, had the user this id.
func (r ClaimRequest) sourceKey(userID string) string {
	return models.Hash("claim", r.Caller, userID, r.BatchID, r.Key)
}

// judge decides one request and posts its coupon.
func (c *claims) judge(r ClaimRequest) ClaimOutcome {
	if coupon := c.byKey[r.sourceKey(r.UserID)]; coupon != nil {
		if r.Code != "" && coupon.CodeKey != nil && *coupon.CodeKey != r.Code {
			return ClaimOutcome{Err: models.NewError(models.CodeIdempotencyKeyReused, "the key was used before with another code")}
		}
		return ClaimOutcome{Coupon: c.asItIs(coupon), Replayed: true}
	}
	code := c.books.codes[r.Code]
	if r.Code != "" && (code == nil || code.BatchID != r.BatchID) {
		return ClaimOutcome{Err: models.NewError(models.CodeNotValid, "there is no such code")}
	}
	counter, batch := c.books.counters[r.BatchID], c.books.batches[r.BatchID]
	if counter == nil || batch == nil {
		return ClaimOutcome{Err: models.NewError(models.CodeNotFound, "there is no such batch")}
	}
	numbers, refusal := c.number(batch, r.UserID, r.LimitKeys)
	if refusal == nil {
		refusal = checkClaim(*batch, *counter, code, c.now)
	}
	if refusal != nil {
		return ClaimOutcome{Err: refusal, seq: counter.LedgerSeq}
	}
	c.limits.take(batch, numbers)
	coupon := c.issue(grant{
		batch: batch, numbers: numbers, code: code, couponID: models.NewID(models.PrefixCoupon),
		face: batch.DrawFace(*counter, rand.Int64N), source: "claim", sourceKey: r.sourceKey(r.UserID), requestHash: r.hash(),
	})
	c.byKey[coupon.SourceKey] = coupon
	return ClaimOutcome{Coupon: c.asItIs(coupon)}
}

// asItIs is a copy of the coupon as the operations before this one have left it.
func (c *claims) asItIs(coupon *models.Coupon) *models.Coupon {
	if locked := c.books.coupons[coupon.ID]; locked != nil {
		coupon = locked
	}
	return new(*coupon)
}

// checkClaim is models.CheckClaim with the code that was typed, nil for none.
func checkClaim(batch models.Batch, counter models.BatchCounter, code *models.CouponCode, now models.Time) *models.Error {
	if batch.ClaimMode == models.ClaimModeClaim {
		if code == nil && batch.Codes != models.CodesNone {
			return models.NewError(models.CodeRequired, "coupons of this batch are got by a code only")
		}
		if code != nil {
			if err := code.Check(now); err != nil {
				return err
			}
		}
	}
	return models.CheckClaim(batch, counter, code, now)
}
