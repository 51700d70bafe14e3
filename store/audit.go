package store

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// auditSlice bounds how many rows an audit reads at once.
const auditSlice = 1000

// AuditScope says what to check. The zero value is everything.
type AuditScope struct {
	BatchIDs []string // only these batches, their coupons, and the redemptions of those
}

// AuditReport is what an audit looked at and where the books don't agree.
type AuditReport struct {
	Batches     int                 `json:"batches"`
	Entries     int64               `json:"entries"`
	Coupons     int64               `json:"coupons"`
	Redemptions int64               `json:"redemptions"`
	Differences []models.Difference `json:"differences"`
}

// Audit checks invariants 1 to 4 and changes nothing. Writes may go on: a batch's ledger is folded up to the sequence that
// was read together with its counters, and what changed while it was looked at is looked at once more before it counts.
func (s *Store) Audit(ctx context.Context, scope AuditScope) (AuditReport, error) {
	a := &auditor{store: s, db: s.db.WithContext(ctx), AuditReport: AuditReport{Differences: []models.Difference{}}}
	for _, step := range []func(AuditScope) error{a.auditBatches, a.auditRedemptions} {
		if err := step(scope); err != nil {
			return a.AuditReport, asError(err)
		}
	}
	return a.AuditReport, nil
}

type auditor struct {
	store *Store
	db    *gorm.DB
	AuditReport
}

// finding is what an invariant is checked for.
type finding struct {
	a         *auditor
	invariant int
	subject   string
}

func (a *auditor) about(invariant int, subject string) finding { return finding{a, invariant, subject} }

func (f finding) differ(what string, want, got any) {
	f.a.Differences = append(f.a.Differences, models.Difference{
		Invariant: f.invariant, Subject: f.subject, What: what, Want: fmt.Sprint(want), Got: fmt.Sprint(got),
	})
}

// check reports a difference when want and got are not equal.
func check[T comparable](f finding, what string, want, got T) {
	if want != got {
		f.differ(what, want, got)
	}
}

// auditBatches checks invariants 1 and 2 for each batch.
func (a *auditor) auditBatches(scope AuditScope) error {
	after := ""
	for {
		q := a.db.Where("batch_id > ?", after)
		if len(scope.BatchIDs) > 0 {
			q = q.Where("batch_id IN ?", scope.BatchIDs)
		}
		var counters []models.BatchCounter
		if err := q.Order("batch_id").Limit(auditSlice).Find(&counters).Error; err != nil || len(counters) == 0 {
			return err
		}
		for _, c := range counters {
			if err := a.auditBatch(c); err != nil {
				return err
			}
		}
		after = counters[len(counters)-1].BatchID
	}
}

// auditBatch folds the ledger up to the counter's sequence.
func (a *auditor) auditBatch(c models.BatchCounter) error {
	a.Batches++
	fold := models.BatchCounter{BatchID: c.BatchID, Quantity: c.Quantity}
	stock, coupons := int64(0), map[string]models.LedgerEntry{}
	users := map[userDay]*models.Usage{}
	for fold.LedgerSeq < c.LedgerSeq {
		var entries []models.LedgerEntry
		err := a.db.Order("batch_seq").Limit(auditSlice).
			Find(&entries, "batch_id = ? AND batch_seq > ? AND batch_seq <= ?", c.BatchID, fold.LedgerSeq, c.LedgerSeq).Error
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			a.about(1, c.BatchID).differ("ledger entries up to", c.LedgerSeq, fold.LedgerSeq)
			break
		}
		for _, e := range entries {
			check(a.about(1, c.BatchID), "next ledger entry", fold.LedgerSeq+1, e.BatchSeq)
			fold.Apply(e)
			if e.Kind == models.EntryStocked {
				stock += e.Count
			}
			a.foldCoupon(coupons, e)
			foldUser(users, e)
			a.Entries++
		}
	}
	batch := models.Batch{ID: c.BatchID} // one that is missing has no caps
	rows := a.db.Limit(1).Find(&batch, "id = ?", c.BatchID)
	if rows.Error != nil {
		return rows.Error
	}
	check(a.about(1, c.BatchID), "batches of the counters", 1, rows.RowsAffected)
	a.compareBatch(c, fold, batch, stock)
	if err := a.compareUsers(c, batch, users); err != nil {
		return err
	}
	return a.compareCoupons(c, batch, coupons)
}

func (a *auditor) compareBatch(c, fold models.BatchCounter, batch models.Batch, stock int64) {
	check(a.about(1, c.BatchID), "issued", fold.Issued, c.Issued)
	check(a.about(1, c.BatchID), "face values", fold.FaceAmount, c.FaceAmount)
	check(a.about(1, c.BatchID), "usage", fold.Usage, c.Usage)
	if c.Quantity != nil {
		check(a.about(1, c.BatchID), "remaining", fold.Remaining, c.Remaining)
		check(a.about(1, c.BatchID), "issued + remaining", *c.Quantity, c.Issued+c.Remaining)
		check(a.about(1, c.BatchID), "quantity", stock, *c.Quantity)
	}
	if c.Remaining < 0 {
		a.about(1, c.BatchID).differ("remaining", "0 or more", c.Remaining)
	}
	if most := batch.Caps.Batch.Amount; batch.FaceMin > 0 && most != nil && c.FaceAmount > *most {
		a.about(1, c.BatchID).differ("face values", fmt.Sprintf("at most %d", *most), c.FaceAmount)
	}
	a.compareCap(c.BatchID, batch.Caps.Batch, c.Usage)
}

func (a *auditor) compareCap(subject string, limit models.Cap, use models.Usage) {
	if limit.Uses != nil && use.Uses() > *limit.Uses {
		a.about(1, subject).differ("uses", fmt.Sprintf("at most %d", *limit.Uses), use.Uses())
	}
	if limit.Amount != nil && use.Amount() > *limit.Amount {
		a.about(1, subject).differ("amount", fmt.Sprintf("at most %d", *limit.Amount), use.Amount())
	}
}

// foldCoupon checks the coupon's own sequence and keeps its newest entry that set a state.
func (a *auditor) foldCoupon(coupons map[string]models.LedgerEntry, e models.LedgerEntry) {
	if e.CouponID == nil {
		return
	}
	before, known := coupons[*e.CouponID]
	want := int64(1)
	if known {
		want = *before.CouponSeq + 1
	}
	check(a.about(2, *e.CouponID), "next entry of the coupon", want, *e.CouponSeq)
	if !known {
		before.Kind = noEntry
	}
	if !slices.Contains(allowedBefore[e.Kind], before.Kind) {
		a.about(2, *e.CouponID).differ("entry before "+string(e.Kind), allowedBefore[e.Kind], before.Kind)
	}
	if known && slices.Contains(ofHolder, e.Kind) && deref(before.RedemptionID) != deref(e.RedemptionID) {
		a.about(2, *e.CouponID).differ(string(e.Kind)+" by", deref(before.RedemptionID), deref(e.RedemptionID))
	}
	if e.Kind.After() == "" && e.Kind != models.EntryUnissued && known { // a change of amount: the state before it stays the newest
		e.Kind, e.RedemptionID = before.Kind, before.RedemptionID
	}
	coupons[*e.CouponID] = e
}

// ofHolder are the kinds of entry that belong to the redemption of the entry before.
var ofHolder = []models.EntryKind{models.EntryUsed, models.EntryReleased, models.EntryUnissued}

// noEntry stands before a coupon's first entry.
const noEntry models.EntryKind = "none"

// allowedBefore lists, for each kind of entry, what the coupon's state-setting entry before it may be. Nothing comes after
// unissued, which only a cancelled use can be.
var allowedBefore = func() map[models.EntryKind][]models.EntryKind {
	first := []models.EntryKind{noEntry}
	free := []models.EntryKind{models.EntryIssued, models.EntryImported, models.EntryReleased, models.EntryRestored}
	locked := []models.EntryKind{models.EntryLocked}
	used := []models.EntryKind{models.EntryUsed}
	return map[models.EntryKind][]models.EntryKind{
		models.EntryIssued: first, models.EntryImported: first,
		models.EntryLocked: free, models.EntryRevoked: free, models.EntryExpired: free,
		models.EntryReleased: locked, models.EntryUsed: locked, models.EntryAdjusted: locked,
		models.EntryRefunded: used, models.EntryRestored: used, models.EntryUnissued: {models.EntryReleased},
	}
}()

func foldUser(users map[userDay]*models.Usage, e models.LedgerEntry) {
	if e.Day == "" || e.UserID == nil {
		return
	}
	for _, key := range []userDay{{e.BatchID, *e.UserID, ""}, {e.BatchID, *e.UserID, e.Day}} {
		if users[key] == nil {
			users[key] = &models.Usage{}
		}
		users[key].Apply(e)
	}
}

// compareHolders checks that the redemptions which hold or used the coupons exist.
func (a *auditor) compareHolders(coupons []models.Coupon) error {
	var held, rows []string
	for _, c := range coupons {
		if c.RedemptionID != nil {
			held = append(held, *c.RedemptionID)
		}
	}
	if len(held) == 0 {
		return nil
	}
	if err := a.db.Model(&models.Redemption{}).Where("id IN ?", held).Pluck("id", &rows).Error; err != nil {
		return err
	}
	found := map[string]bool{}
	for _, id := range rows {
		found[id] = true
	}
	for _, c := range coupons {
		if c.RedemptionID != nil && !found[*c.RedemptionID] {
			a.about(2, c.ID).differ("redemption that holds it", *c.RedemptionID, "none")
		}
	}
	return nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
