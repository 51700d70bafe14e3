package store

import (
	"slices"

	"github.com/tearoff/tearoff/models"
)

// prepareIssue reads what decides about coupons that are to be issued, if there are any.
func (p *couponsBranch) prepareIssue(items []*item, claims []ClaimRequest) error {
	var userIDs, couponIDs, undone []string
	var keys []models.LimitKey
	for _, it := range items {
		if it.row != nil {
			undone = append(undone, issuedBy(it.row)...)
			continue
		}
		keys = append(keys, it.Content.LimitKeys...)
		for _, want := range it.Content.Coupons {
			if want.Issue {
				userIDs, couponIDs = append(userIDs, it.UserID), append(couponIDs, want.CouponID)
			}
		}
	}
	for _, r := range claims {
		userIDs, keys = append(userIDs, r.UserID), append(keys, r.LimitKeys...)
	}
	if len(userIDs) == 0 {
		return nil
	}
	if err := p.findKnown(distinct(couponIDs)); err != nil {
		return err
	}
	var err error
	if p.issuer, err = p.books.newIssuer(distinct(userIDs), keys); err != nil {
		return err
	}
	return p.issuer.limits.loadRows(p.tx.DB, undone)
}

// findKnown looks for ids that the ledger has: one of them, be it of a coupon that is gone, would stop the whole slice at
// the insert.
func (p *couponsBranch) findKnown(couponIDs []string) error {
	p.known = map[string]bool{}
	if len(couponIDs) == 0 {
		return nil
	}
	var known []string
	err := p.tx.Model(&models.LedgerEntry{}).Distinct().Where("coupon_id IN ?", couponIDs).Pluck("coupon_id", &known).Error
	for _, id := range known {
		p.known[id] = true
	}
	return err
}

// issuedBy names the coupons that the Try behind the barrier row has issued.
func issuedBy(row *models.TCCBranch) []string {
	var ids []string
	for _, c := range row.Result.Coupons {
		if c.Issued {
			ids = append(ids, c.CouponID)
		}
	}
	return ids
}

func (p *couponsBranch) try(it *item) (models.BranchResult, *models.Error, error) {
	now, err := p.tx.now()
	if err != nil {
		return models.BranchResult{}, nil, err
	}
	d := p.books.newDraft(now)
	for _, want := range it.Content.Coupons {
		if refusal := p.plan(d, it, want); refusal != nil {
			d.undo(p.issuer)
			return models.BranchResult{}, nameIn(refusal, want), nil
		}
	}
	locked, _ := p.postSteps(d, it)
	return models.BranchResult{Coupons: locked}, nil, nil
}

// postSteps posts what the draft has accepted. It returns what is locked then, and whether a step was an overrun.
func (p *couponsBranch) postSteps(d *draft, it *item) (locked []models.LockedCoupon, overrun bool) {
	locked = []models.LockedCoupon{}
	for _, s := range d.steps {
		if s.grant != nil {
			p.issuer.issue(*s.grant)
		}
		coupon := p.books.coupons[s.lock.CouponID]
		if s.overrun && coupon.State == models.CouponExpired {
			p.books.post(coupon, models.LedgerEntry{Kind: models.EntryUnexpired, Count: 1, At: d.now})
		}
		if s.overrun {
			p.books.post(coupon, p.entry(models.EntryOverrun, it, s.lock, d.now))
			overrun = true
		}
		p.books.post(coupon, p.entry(models.EntryLocked, it, s.lock, d.now))
		locked = append(locked, s.lock)
	}
	return locked, overrun
}

// nameIn says in a refusal which coupon it is about, in the words that the caller knows.
func nameIn(refusal *models.Error, want models.RedemptionCoupon) *models.Error {
	switch {
	case !want.Issue:
		return refusal.With("coupon_id", want.CouponID)
	case want.Code != "":
		return refusal.With("batch_id", want.BatchID).With("code", want.Code)
	default:
		return refusal.With("batch_id", want.BatchID)
	}
}

// plan adds one coupon to the draft, or says why it can't be had.
func (p *couponsBranch) plan(d *draft, it *item, want models.RedemptionCoupon) *models.Error {
	if slices.ContainsFunc(d.steps, func(s attempt) bool { return s.lock.CouponID == want.CouponID }) {
		return models.NewError(models.CodeDuplicateCoupon, "the coupon is named twice")
	}
	step := attempt{lock: models.LockedCoupon{
		CouponID: want.CouponID, BatchID: want.BatchID, Amount: want.Amount, Issued: want.Issue, Code: want.Code,
	}}
	var refusal *models.Error
	if want.Issue {
		step.grant, refusal = p.planIssue(d, it, want)
	} else {
		refusal = p.judgeOwned(d, it, want)
	}
	if step.overrun = !want.Issue && d.bears(refusal); refusal != nil && !step.overrun {
		return refusal
	}
	if step.lock.Day, refusal = d.judgeCaps(it.UserID, want); refusal != nil {
		if step.overrun = d.overrun; !step.overrun {
			return refusal
		}
	}
	d.accept(it, step)
	step.take(p.issuer)
	return nil
}

func (p *couponsBranch) judgeOwned(d *draft, it *item, want models.RedemptionCoupon) *models.Error {
	coupon, counter := p.books.coupons[want.CouponID], d.counter(want.BatchID)
	if coupon == nil || counter == nil || p.books.batches[want.BatchID] == nil || coupon.BatchID != want.BatchID {
		return models.NewError(models.CodeCouponNotFound, "the user has no such coupon")
	}
	return models.CheckUse(*coupon, *counter, it.UserID, d.now)
}

// planIssue judges a coupon that nobody owns yet: limit, window and code, stock.
func (p *couponsBranch) planIssue(d *draft, it *item, want models.RedemptionCoupon) (*grant, *models.Error) {
	code := d.code(want.Code)
	if want.Code != "" && (code == nil || code.BatchID != want.BatchID) {
		return nil, models.NewError(models.CodeNotValid, "there is no such code")
	}
	batch, counter := p.books.batches[want.BatchID], d.counter(want.BatchID)
	if batch == nil || counter == nil {
		return nil, models.NewError(models.CodeNotFound, "there is no such batch")
	}
	if p.known[want.CouponID] || p.books.coupons[want.CouponID] != nil || p.books.gone[want.CouponID] != nil {
		return nil, models.NewError(models.CodeDuplicateCoupon, "the coupon's id is taken")
	}
	numbers, refusal := p.issuer.number(batch, it.UserID, it.Content.LimitKeys)
	if refusal == nil {
		refusal = models.CheckIssueOnUse(*batch, *counter, code, d.now)
	}
	return &grant{
		batch: batch, numbers: numbers, code: code, couponID: want.CouponID, redemptionID: &it.ID,
		source: "use", sourceKey: models.Hash("use", it.ID, want.CouponID),
	}, refusal
}

// draft is what the books would be after what one Try has decided so far: it counts, though nothing of it is posted until
// all of the redemption's coupons are accepted.
type draft struct {
	books    *books
	now      models.Time
	counters map[string]*models.BatchCounter
	users    map[userDay]*models.Usage
	codes    map[string]*models.CouponCode
	steps    []attempt
	overrun  bool // caps and the validity of coupons that are owned don't refuse
}

// attempt is one coupon of a Try that is accepted.
type attempt struct {
	lock    models.LockedCoupon
	grant   *grant // nil: the user owns the coupon
	overrun bool   // beyond caps or validity
}

func (s attempt) take(i *issuer) {
	if s.grant != nil {
		i.limits.take(s.grant.batch, s.grant.numbers)
	}
}

func (s attempt) giveBack(i *issuer) {
	if s.grant != nil {
		i.limits.giveBack(s.grant.batch, s.grant.numbers)
	}
}

// undo gives back the numbers that the steps have taken.
func (d *draft) undo(i *issuer) {
	for _, s := range slices.Backward(d.steps) {
		s.giveBack(i)
	}
}

// bears reports whether the draft has to bear a refusal of an owned coupon.
func (d *draft) bears(refusal *models.Error) bool {
	return d.overrun && refusal != nil && (refusal.Code == models.CodeCouponExpired || refusal.Code == models.CodeBatchPaused)
}

func (b *books) newDraft(now models.Time) *draft {
	return &draft{
		books: b, now: now, counters: map[string]*models.BatchCounter{}, users: map[userDay]*models.Usage{}, codes: map[string]*models.CouponCode{},
	}
}

// counter is the draft's own copy; nil when there is no such batch.
func (d *draft) counter(batchID string) *models.BatchCounter {
	if own := d.counters[batchID]; own != nil || d.books.counters[batchID] == nil {
		return own
	}
	own := *d.books.counters[batchID]
	d.counters[batchID] = &own
	return &own
}

// code is the draft's own copy; nil when there is no such code.
func (d *draft) code(key string) *models.CouponCode {
	if own := d.codes[key]; own != nil || d.books.codes[key] == nil {
		return own
	}
	own := *d.books.codes[key]
	d.codes[key] = &own
	return &own
}

func (d *draft) countCode(code *models.CouponCode, n int64) {
	if code == nil {
		return
	}
	kept := models.LedgerEntry{Kind: models.EntryCoded, Count: countUses(code, n)}
	d.counter(code.BatchID).Apply(kept)
}

func (d *draft) user(key userDay) *models.Usage {
	if d.users[key] == nil {
		own := d.books.users[key].Usage
		d.users[key] = &own
	}
	return d.users[key]
}

// judgeCaps says on which day's counters a use will count, "" for none, or which cap it would pass.
func (d *draft) judgeCaps(userID string, want models.RedemptionCoupon) (string, *models.Error) {
	batch := d.books.batches[want.BatchID]
	use, day := models.CapUse{Batch: d.counter(want.BatchID).Usage}, ""
	if batch.Caps.CountsUsers() {
		day = batch.Day(d.now)
		use.User, use.UserDay = *d.user(userDay{batch.ID, userID, ""}), *d.user(userDay{batch.ID, userID, day})
	}
	return day, batch.Caps.Check(use, want.Amount)
}

func (d *draft) accept(it *item, s attempt) {
	d.steps = append(d.steps, s)
	if s.grant != nil {
		d.counter(s.lock.BatchID).Apply(models.LedgerEntry{Kind: models.EntryIssued, Count: 1})
		d.countCode(s.grant.code, 1)
	}
	d.use(it, s.lock, models.EntryLocked)
}

// use applies an entry of the kind for what is locked.
func (d *draft) use(it *item, c models.LockedCoupon, kind models.EntryKind) {
	e := models.LedgerEntry{Kind: kind, Count: 1, Amount: c.Amount}
	d.counter(c.BatchID).Apply(e)
	if c.Day != "" {
		d.user(userDay{c.BatchID, it.UserID, ""}).Apply(e)
		d.user(userDay{c.BatchID, it.UserID, c.Day}).Apply(e)
	}
}

// release takes back what was locked, and a coupon that was issued for it.
func (d *draft) release(it *item, c models.LockedCoupon) {
	d.use(it, c, models.EntryReleased)
	if !c.Issued {
		return
	}
	d.counter(c.BatchID).Apply(models.LedgerEntry{Kind: models.EntryUnissued, Count: 1, Amount: d.books.coupons[c.CouponID].FaceValue})
	d.countCode(d.code(c.Code), -1)
}

// adjust changes the amount of what stays locked, or says which cap a larger one would pass. A smaller one always fits.
func (d *draft) adjust(it *item, k keptCoupon) *models.Error {
	batch := d.books.batches[k.lock.BatchID]
	d.use(it, k.lock, models.EntryReleased)
	if k.to > k.lock.Amount {
		use := models.CapUse{Batch: d.counter(batch.ID).Usage}
		if k.lock.Day != "" {
			use.User, use.UserDay = *d.user(userDay{batch.ID, it.UserID, ""}), *d.user(userDay{batch.ID, it.UserID, k.lock.Day})
		}
		if refusal := batch.Caps.Check(use, k.to); refusal != nil {
			return refusal
		}
	}
	k.lock.Amount = k.to
	d.use(it, k.lock, models.EntryLocked)
	return nil
}
