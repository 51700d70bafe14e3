package store

import (
	"github.com/tearoff/tearoff/models"
)

// issuer gives out coupons of batches whose counters are locked: the one mechanism behind a claim and behind a Try of a
// coupon that nobody owned before.
type issuer struct {
	books   *books
	now     models.Time
	limits  *limits
	blocked map[string]bool
}

// newIssuer reads what the users, and the keys of their requests, have of the locked batches.
func (b *books) newIssuer(userIDs []string, keys []models.LimitKey) (*issuer, error) {
	i := &issuer{books: b, blocked: map[string]bool{}}
	var err error
	if i.now, err = b.tx.now(); err != nil {
		return nil, err
	}
	if i.limits, err = loadLimits(b.tx.DB, b.batches, userIDs, keys); err != nil {
		return nil, err
	}
	var blocked []string
	err = b.tx.Model(&models.User{}).Where("id IN ? AND blocked = ?", userIDs, true).Pluck("id", &blocked).Error
	for _, id := range blocked {
		i.blocked[id] = true
	}
	return i, err
}

// number returns what the user's next coupon takes, or why the user gets none, whatever the batch's window and stock.
func (i *issuer) number(batch *models.Batch, userID string, keys []models.LimitKey) (numbers, *models.Error) {
	n, use := i.limits.next(batch, userID, keys)
	use.Blocked = i.blocked[userID]
	return n, batch.CheckLimit(use)
}

// takeBack frees the numbers of a coupon that is un-issued, for whoever asks next; without issuer nobody does.
func (i *issuer) takeBack(c *models.Coupon) {
	if i == nil || i.books.batches[c.BatchID] == nil {
		return
	}
	i.limits.giveBack(i.books.batches[c.BatchID], numbers{userID: c.UserID, ordinal: c.Ordinal, rows: i.limits.rows[c.ID]})
}

// keep undoes takeBack.
func (i *issuer) keep(c *models.Coupon) {
	if i == nil || i.books.batches[c.BatchID] == nil {
		return
	}
	i.limits.take(i.books.batches[c.BatchID], numbers{userID: c.UserID, ordinal: c.Ordinal, rows: i.limits.rows[c.ID]})
}

// grant is one coupon that is to be issued.
type grant struct {
	batch        *models.Batch
	numbers      numbers
	code         *models.CouponCode // nil: without one
	couponID     string
	face         int64
	source       string
	sourceKey    string
	requestHash  int64
	redemptionID *string // the one that uses it at once
	auditID      *string // of the record that says who gave it; nil: nobody's deed
}

// issue posts the grant's coupon. The caller has judged that it may be, and taken its numbers.
func (i *issuer) issue(g grant) *models.Coupon {
	from, until := g.batch.Validity(i.now)
	c := &models.Coupon{
		ID: g.couponID, BatchID: g.batch.ID, RuleID: g.batch.RuleID, RuleVersion: g.batch.RuleVersion,
		UserID: g.numbers.userID, Ordinal: g.numbers.ordinal, FaceValue: g.face, ValidFrom: from, ValidUntil: until,
		Source: g.source, SourceKey: g.sourceKey, RequestHash: g.requestHash, CreatedAt: i.now,
	}
	if g.code != nil {
		c.CodeKey = &g.code.CodeKey
	}
	for _, row := range g.numbers.rows {
		row.CouponID = c.ID
		i.books.newLimits = append(i.books.newLimits, row)
	}
	i.limits.rows[c.ID] = g.numbers.rows // it may be taken back in the same slice
	i.books.issue(c, models.LedgerEntry{RedemptionID: g.redemptionID, AuditID: g.auditID, At: i.now})
	return c
}
