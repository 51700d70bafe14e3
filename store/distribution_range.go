package store

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/tearoff/tearoff/models"
)

// RangeOutcome says what became of one range of a distribution.
type RangeOutcome struct {
	models.Distribution             // as it is now
	Judged, Issued      int         // users of this range
	Held                models.Code // why nothing is given out for the time being; "": nothing is in the way
	// Locked is how long the batch's counter was locked: claims and checkouts of the batch waited for as long.
	Locked time.Duration
}

// IssueRange judges the next users of a running distribution, up to most, in one transaction: limit, then stock, in the order of
// their positions. Who gets a coupon, who gets none and why, the counters and the position to go on from are written together or
// not at all, so any number of executors may call it at once and again. After the last user the distribution is DONE. One
// that isn't running stays as it is.
func (s *Store) IssueRange(ctx context.Context, id string, most int) (RangeOutcome, error) {
	var out RangeOutcome
	var locked time.Time
	err := s.tx(ctx, func(tx *txn) error {
		out, locked = RangeOutcome{}, time.Time{}
		d, err := tx.lockDistribution(id)
		if err != nil {
			return err
		}
		h := &handout{txn: tx, d: d}
		if d.State == models.DistributionRunning {
			if err := h.run(most); err != nil {
				return err
			}
		}
		locked = h.locked
		out = RangeOutcome{Distribution: *d, Judged: len(h.users), Issued: h.issued, Held: h.held}
		return nil
	})
	if !locked.IsZero() {
		out.Locked = time.Since(locked)
	}
	return out, err
}

// handout is one range of a distribution. What doesn't need the counter's lock is read before it is taken.
type handout struct {
	*txn
	d      *models.Distribution
	users  []handoutUser
	before foresight
	issuer *issuer
	locked time.Time // when the counter was
	skips  []*models.DistributionSkip
	issued int
	held   models.Code
}

// run takes the range from the audience to the books.
func (h *handout) run(most int) error {
	if err := h.foresee(most); err != nil {
		return err
	}
	if len(h.users) == 0 {
		return h.moveDistribution(h.d, models.DistributionDone)
	}
	if err := h.open(); err != nil || h.held != "" {
		h.users = nil
		return err
	}
	for _, u := range h.users {
		h.judge(u)
	}
	return h.write()
}

// open locks the batch's books and makes sure that what was read before still holds. While something is in the way that passes
// by itself, nothing is judged.
func (h *handout) open() error {
	var b *books
	var err error
	if h.d.DryRun {
		b, err = h.peek()
	} else {
		b, err = h.lockBooks([]string{h.d.BatchID})
		h.locked = time.Now()
	}
	if err != nil {
		return err
	}
	counter, batch := b.counters[h.d.BatchID], b.batches[h.d.BatchID]
	if counter == nil || batch == nil {
		return models.NewError(models.CodeNotFound, "there is no such batch")
	}
	if counter.Paused.Has(models.PauseDistribution) && counter.State == models.BatchActive {
		h.held = models.CodeBatchPaused
		return nil
	}
	now, err := h.now()
	if err != nil {
		return err
	}
	limits, err := h.before.at(h, counter, batch)
	h.issuer = &issuer{books: b, now: now, limits: limits, users: h.before.users}
	return err
}

// peek is lockBooks for who will write nothing.
func (h *handout) peek() (*books, error) {
	b, err := h.lockBooks(nil)
	if err != nil {
		return nil, err
	}
	var counter models.BatchCounter
	if err := h.Take(&counter, "batch_id = ?", h.d.BatchID).Error; err != nil {
		return nil, notFound(err, "batch")
	}
	mean := (h.before.batch.FaceMin + h.before.batch.FaceMax) / 2
	counter.Apply(models.LedgerEntry{ // what the ranges before would have issued
		Kind: models.EntryIssued, Count: h.d.Issued, Amount: h.d.Issued * mean, BatchSeq: counter.LedgerSeq,
	})
	b.counters[counter.BatchID], b.batches[counter.BatchID], b.before[counter.BatchID] = &counter, h.before.batch, counter
	return b, nil
}

// judge decides about one user.
func (h *handout) judge(u handoutUser) {
	refusal := h.refuse(u)
	if refusal == "" {
		h.issued++
		return
	}
	h.skips = append(h.skips, &models.DistributionSkip{DistributionID: h.d.ID, Pos: u.pos, UserID: u.named, Reason: refusal})
}

// refuse gives the user a coupon, or says why not.
func (h *handout) refuse(u handoutUser) models.Code {
	if !h.knows(u) {
		return models.CodeUnknownUser
	}
	batch, counter := h.issuer.books.batches[h.d.BatchID], h.issuer.books.counters[h.d.BatchID]
	if h.before.given[*u.id] {
		return models.CodeAlreadyGiven
	}
	numbers, refusal := h.issuer.number(batch, *u.id, nil)
	if refusal == nil {
		refusal = models.CheckDistribution(*batch, *counter, h.issuer.now)
	}
	if refusal != nil {
		return refusal.Code
	}
	h.before.given[*u.id] = true
	h.issuer.limits.take(batch, numbers)
	face := batch.DrawFace(*counter, rand.Int64N)
	if h.d.DryRun { // nothing is posted: the counter is a copy
		counter.Apply(models.LedgerEntry{Kind: models.EntryIssued, Count: 1, Amount: face, BatchSeq: counter.LedgerSeq})
		return ""
	}
	h.issuer.issue(grant{
		batch: batch, numbers: numbers, couponID: models.NewID(models.PrefixCoupon), face: face,
		source: "distribution", sourceKey: h.d.SourceKey(*u.id), requestHash: notClaimed,
	})
	return ""
}

// write stores the range: the distribution's row, the books unless it is a dry run, and who got nothing.
func (h *handout) write() error {
	d := h.d
	if d.TemplateID != nil && !d.DryRun && h.issued > 0 {
		if err := h.tell(); err != nil {
			return err
		}
	}
	for _, s := range h.skips {
		d.SkippedBy[s.Reason]++
	}
	d.Wake = false // its driver is at work
	d.Next, d.Issued, d.Skipped = d.Next+int64(len(h.users)), d.Issued+int64(h.issued), d.Skipped+int64(len(h.skips))
	if err := h.saveDistribution(d); err != nil {
		return err
	}
	if !d.DryRun {
		if err := h.issuer.books.write(); err != nil {
			return err
		}
	}
	return insert(h.txn, skipTable, h.skips)
}

// tell adds a message for each coupon, with the newest version of the distribution's template.
func (h *handout) tell() error {
	template, err := h.newestTemplate(*h.d.TemplateID)
	if err != nil || template == nil {
		return err
	}
	var rows []models.Message
	for _, c := range h.issuer.books.newCoupons {
		rows = append(rows, template.Messages(models.Notice{
			UserID: c.UserID, BatchID: c.BatchID, DedupeKey: c.SourceKey, SendUntil: c.ValidUntil,
			Params: models.MessageParams{CouponID: c.ID, Coupons: 1, ValidUntil: c.ValidUntil, Amount: c.FaceValue, Currency: h.before.batch.Currency},
		})...)
	}
	return h.addMessages(rows)
}
