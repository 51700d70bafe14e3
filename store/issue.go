package store

import (
	"github.com/tearoff/tearoff/models"
)

// issuer gives out coupons of batches whose counters are locked: the one mechanism behind a claim and behind a Try of a
// coupon that nobody owned before.
type issuer struct {
	books  *books
	now    models.Time
	limits *limits
	users  map[string]models.User
}

// newIssuer reads what the users, and the keys of their requests, have of the locked batches.
func (b *books) newIssuer(userIDs []string, keys []models.LimitKey) (*issuer, error) {
	i := &issuer{books: b, users: make(map[string]models.User, len(userIDs))}
	var err error
	if i.now, err = b.tx.now(); err != nil {
		return nil, err
	}
	if i.limits, err = loadLimits(b.tx.DB, b.batches, userIDs, keys); err != nil {
		return nil, err
	}
	err = i.keepUsers(userIDs)
	return i, err
}

// keepUsers locks the users, together with all who read them so: who blocks, merges or erases one of them has either done so
// before, or waits until these coupons are written and then finds them.
func (i *issuer) keepUsers(ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	rows, err := i.books.tx.shared().Model(&models.User{}).Select("id, blocked, merged_into, erased_at, absorbed").
		Where("id IN ?", distinct(ids)).Order("id").Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var u models.User
		if err := rows.Scan(&u.ID, &u.Blocked, &u.MergedInto, &u.ErasedAt, &u.Absorbed); err != nil {
			return err
		}
		i.users[u.ID] = u
	}
	return rows.Err()
}

// absorbed returns the ids that were merged into the locked users: what they got under those is theirs.
func (tx *txn) absorbed(users map[string]models.User) (map[string][]string, error) {
	var into []string
	for id, u := range users {
		if u.Absorbed > 0 {
			into = append(into, id)
		}
	}
	if len(into) == 0 {
		return nil, nil
	}
	before := map[string][]string{}
	var rows []models.User
	err := tx.Select("id", "merged_into").Find(&rows, "merged_into IN ?", into).Error
	for _, r := range rows {
		before[*r.MergedInto] = append(before[*r.MergedInto], r.ID)
	}
	return before, err
}

// number returns what the user's next coupon takes, or why the user gets none, whatever the batch's window and stock.
func (i *issuer) number(batch *models.Batch, userID string, keys []models.LimitKey) (numbers, *models.Error) {
	n, use := i.limits.next(batch, userID, keys)
	user := i.users[userID]
	if user.Gone() {
		return n, refusalOf(errGone(&user))
	}
	use.Blocked = user.Blocked
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
