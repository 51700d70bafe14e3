package store

import (
	"cmp"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// books are the counters and coupons that one transaction has locked, and the ledger entries it is about to write. Every
// change of a counter or coupon is a posted entry, so a counter is the fold of its ledger by construction.
//
// Lock in the order of the methods: lockBooks, lockUsers, lockCoupons, lockCodes; then judge, post, and write once.
type books struct {
	tx       *txn
	counters map[string]*models.BatchCounter
	batches  map[string]*models.Batch
	users    map[userDay]*models.UserCounter
	coupons  map[string]*models.Coupon
	codes    map[string]*models.CouponCode

	before     map[string]models.BatchCounter // each counter as it was read; its Quantity moves with the counter's
	couponSeq  map[string]int64               // of each changed coupon as it was read
	codeSeq    map[string]int64               // of each changed code as it was read
	newCoupons []*models.Coupon
	newLimits  []models.CouponLimit
	gone       map[string]*models.Coupon // un-issued: nobody can use them any more
	dirtyUsers map[userDay]bool
	extended   map[string]bool // coupons whose validity has changed
	handed     bool            // coupons have gone over to other users
	coded      map[string]int  // where the entry about stock for codes is, by batch
	restocked  map[string]bool // batches whose quantity has changed
	wanted     map[string]bool // batches that have coupons to look after and may be at rest
	entries    []models.LedgerEntry

	heard *listening // who is told of them
}

// userDay names a row of user_counters; day "" is the total.
type userDay struct{ batchID, userID, day string }

// lockBooks locks the counters of the batches and reads their configuration. Batches that don't exist are left out.
func (tx *txn) lockBooks(batchIDs []string) (*books, error) {
	b := &books{
		tx: tx, counters: map[string]*models.BatchCounter{}, batches: map[string]*models.Batch{},
		users: map[userDay]*models.UserCounter{}, coupons: map[string]*models.Coupon{}, codes: map[string]*models.CouponCode{},
		before: map[string]models.BatchCounter{}, couponSeq: map[string]int64{}, codeSeq: map[string]int64{}, gone: map[string]*models.Coupon{},
		dirtyUsers: map[userDay]bool{}, extended: map[string]bool{}, coded: map[string]int{}, restocked: map[string]bool{},
		wanted: map[string]bool{},
	}
	if len(batchIDs) == 0 {
		return b, nil
	}
	var counters []*models.BatchCounter
	if err := tx.locked().Order("batch_id").Find(&counters, "batch_id IN ?", batchIDs).Error; err != nil {
		return nil, err
	}
	var err error
	if b.heard, err = tx.listening(); err != nil {
		return nil, err
	}
	for _, c := range counters {
		b.counters[c.BatchID] = c
		b.before[c.BatchID] = *c
	}
	tx.clock = models.Time{} // a clock that was read before may be as old as the wait for these locks
	var batches []*models.Batch
	if err := tx.Find(&batches, "id IN ?", batchIDs).Error; err != nil {
		return nil, err
	}
	for _, row := range batches {
		b.batches[row.ID] = row
	}
	return b, nil
}

// hadStock reports whether the batch had coupons left as it was read.
func (b *books) hadStock(batchID string) bool { return b.before[batchID].Left() > 0 }

// moved reports whether something was posted to the batch.
func (b *books) moved(batchID string) bool {
	return b.counters[batchID].LedgerSeq != b.before[batchID].LedgerSeq
}

// lockUsers locks the rows that exist. A missing one can't appear meanwhile: who makes it holds the batch's counter.
func (b *books) lockUsers(keys []userDay) error {
	if len(keys) == 0 {
		return nil
	}
	var batchIDs, userIDs, days []string
	for _, k := range keys {
		batchIDs, userIDs, days = append(batchIDs, k.batchID), append(userIDs, k.userID), append(days, k.day)
		b.users[k] = &models.UserCounter{BatchID: k.batchID, UserID: k.userID, Day: k.day}
	}
	var rows []*models.UserCounter
	err := b.tx.locked().Order("batch_id, user_id, day").
		Find(&rows, "batch_id IN ? AND user_id IN ? AND day IN ?", distinct(batchIDs), distinct(userIDs), distinct(days)).Error
	for _, r := range rows {
		b.users[userDay{r.BatchID, r.UserID, r.Day}] = r
	}
	return err
}

// lockCoupons locks the coupons that exist.
func (b *books) lockCoupons(ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	var rows []*models.Coupon
	err := b.tx.locked().Order("id").Find(&rows, "id IN ?", ids).Error
	for _, r := range rows {
		b.coupons[r.ID] = r
	}
	return err
}

// lockCodes locks the codes that exist. Their uses change only with the counter of their batch locked.
func (b *books) lockCodes(keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	var rows []*models.CouponCode
	err := b.tx.locked().Order("code_key").Find(&rows, "code_key IN ?", keys).Error
	for _, r := range rows {
		b.codes[r.CodeKey] = r
	}
	return err
}

// issue posts the first entry of a new coupon. Of the entry, why it is issued and when is given.
func (b *books) issue(c *models.Coupon, why models.LedgerEntry) {
	b.newCoupons = append(b.newCoupons, c)
	b.coupons[c.ID] = c
	if !canIssue(*b.batches[c.BatchID], why.At) { // given when claiming was over
		b.wanted[c.BatchID] = true
	}
	b.countCode(c.CodeKey, 1, why.At) // first: the stock that is kept for the code is what the coupon takes
	why.Kind, why.Count, why.Amount = models.EntryIssued, 1, c.FaceValue
	b.post(c, why)
}

// unissue posts the last entry of a coupon. Its row goes, and with it its place among the user's; the ledger keeps it.
func (b *books) unissue(c *models.Coupon, redemptionID *string, at models.Time) {
	b.post(c, models.LedgerEntry{Kind: models.EntryUnissued, Count: 1, Amount: c.FaceValue, RedemptionID: redemptionID, At: at})
	b.countCode(c.CodeKey, -1, at)
	b.gone[c.ID] = c
	delete(b.coupons, c.ID)
	if b.couponSeq[c.ID] == 0 { // issued by the same transaction: it was never written
		b.newCoupons = slices.DeleteFunc(b.newCoupons, func(n *models.Coupon) bool { return n == c })
		b.newLimits = slices.DeleteFunc(b.newLimits, func(l models.CouponLimit) bool { return l.CouponID == c.ID })
	}
}

// extend changes until when a coupon is valid. The caller has posted why.
func (b *books) extend(c *models.Coupon, until models.Time) {
	if !c.ValidUntil.Equal(until.Time) {
		c.ValidUntil, b.extended[c.ID] = until, true
	}
}

// stock posts that the quantity of a limited batch changes by n.
func (b *books) stock(batchID string, n int64, auditID *string, at models.Time) {
	counter := b.counters[batchID]
	b.tx.changes[batchID], b.restocked[batchID] = true, true
	e := models.LedgerEntry{BatchID: batchID, BatchSeq: counter.LedgerSeq + 1, Kind: models.EntryStocked, Count: n, AuditID: auditID, At: at}
	*counter.Quantity += n
	counter.Apply(e)
	b.entries = append(b.entries, e)
}

func (b *books) countCode(key *string, n int64, at models.Time) {
	if key == nil {
		return
	}
	code := b.codes[*key]
	if _, seen := b.codeSeq[*key]; !seen {
		b.codeSeq[*key] = code.Seq
		code.Seq++
	}
	b.keepStock(code.BatchID, countUses(code, n), at)
}

// countUses changes the uses of a code and returns by how much the stock changes that is kept for it.
func countUses(code *models.CouponCode, n int64) (kept int64) {
	if code.KeepsStock() {
		kept--
	}
	if code.Uses += n; code.KeepsStock() {
		kept++
	}
	return kept
}

// keepStock posts that more of the batch's stock is kept for codes, or less. All of it that happens to a batch in a
// transaction is one entry, so that a crowd that claims by single codes doesn't double the ledger.
func (b *books) keepStock(batchID string, more int64, at models.Time) {
	if more == 0 {
		return
	}
	b.tx.changes[batchID] = true
	counter := b.counters[batchID]
	e := models.LedgerEntry{BatchID: batchID, Kind: models.EntryCoded, Count: more, At: at}
	if i, posted := b.coded[batchID]; posted {
		b.entries[i].Count += more
		e.BatchSeq = counter.LedgerSeq // which stays the newest
		counter.Apply(e)
		return
	}
	e.BatchSeq = counter.LedgerSeq + 1
	counter.Apply(e)
	b.coded[batchID] = len(b.entries)
	b.entries = append(b.entries, e)
}

// post appends an entry of the coupon and applies it to the coupon, its batch's counter and, when the entry names a day,
// to the user's counters. The caller has judged that it may happen.
func (b *books) post(c *models.Coupon, e models.LedgerEntry) {
	counter := b.counters[c.BatchID]
	b.tx.changes[c.UserID], b.tx.changes[c.BatchID] = true, true
	if _, seen := b.couponSeq[c.ID]; !seen {
		b.couponSeq[c.ID] = c.Seq
	}
	c.Seq++
	if after := e.Kind.After(); after != "" {
		c.State = after
	}
	if slices.Contains(revivals, e.Kind) {
		b.wanted[c.BatchID] = true
	}
	c.RedemptionID = e.RedemptionID
	if c.State == models.CouponAvailable || c.State == models.CouponExpired {
		c.RedemptionID = nil
	}
	seq, userID := c.Seq, c.UserID
	e.BatchID, e.BatchSeq, e.CouponID, e.CouponSeq, e.UserID = c.BatchID, counter.LedgerSeq+1, &c.ID, &seq, &userID
	counter.Apply(e)
	b.entries = append(b.entries, e)
	b.tell(c, e)
	if e.Day == "" {
		return
	}
	for _, key := range []userDay{{c.BatchID, userID, ""}, {c.BatchID, userID, e.Day}} {
		b.users[key].Apply(e)
		b.dirtyUsers[key] = true
	}
}

// handOver gives a coupon to another user, as the n-th of the batch there.
func (b *books) handOver(c *models.Coupon, to string, ordinal int, at models.Time) {
	state := models.StateCount(c.State)
	b.post(c, models.LedgerEntry{Kind: models.EntryLeft, Count: state, RedemptionID: c.RedemptionID, At: at})
	c.UserID, c.Ordinal, b.handed = to, ordinal, true
	b.post(c, models.LedgerEntry{Kind: models.EntryJoined, Count: state, RedemptionID: c.RedemptionID, At: at})
}

// carry moves what a user's counter of a day says to another user. It is told with a coupon of theirs, by which an audit finds
// it.
func (b *books) carry(c *models.Coupon, day userDay, to string, at models.Time) {
	use := b.users[day].Usage
	for _, e := range []models.LedgerEntry{
		{Kind: models.EntryCarried, Count: use.UsedCount, Amount: use.UsedAmount}, {Kind: models.EntryCarriedOff, Amount: use.RefundedAmount},
	} {
		if e.Count == 0 && e.Amount == 0 {
			continue
		}
		for _, part := range []struct {
			user string
			sign int64
		}{{day.userID, -1}, {to, 1}} {
			counter, one, userID := b.counters[day.batchID], e, part.user
			one.BatchID, one.BatchSeq, one.CouponID, one.UserID, one.Day, one.At = day.batchID, counter.LedgerSeq+1, &c.ID, &userID, day.day, at
			one.Count, one.Amount = e.Count*part.sign, e.Amount*part.sign
			counter.Apply(one)
			b.entries = append(b.entries, one)
			for _, key := range []userDay{{day.batchID, userID, ""}, {day.batchID, userID, day.day}} {
				b.users[key].Apply(one)
				b.dirtyUsers[key] = true
			}
		}
	}
}

func compareDays(a, b userDay) int {
	return cmp.Or(cmp.Compare(a.batchID, b.batchID), cmp.Compare(a.userID, b.userID), cmp.Compare(a.day, b.day))
}
