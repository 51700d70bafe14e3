package store

import "github.com/tearoff/tearoff/models"

// compareUsers checks the batch's user counters, unless the batch moved on meanwhile: then the rows are newer than the
// fold, and the next audit sees them.
func (a *auditor) compareUsers(c models.BatchCounter, batch models.Batch, users map[userDay]*models.Usage) error {
	var rows []models.UserCounter
	if err := a.db.Find(&rows, "batch_id = ?", c.BatchID).Error; err != nil {
		return err
	}
	if moved, err := a.moved(c); moved || err != nil {
		return err
	}
	check(a.about(1, c.BatchID), "rows of user counters", len(users), len(rows))
	for _, r := range rows {
		subject := r.BatchID + "/" + r.UserID + "/" + r.Day
		limit := batch.Caps.UserDay
		if r.Day == "" {
			limit = batch.Caps.User
		}
		a.compareCap(subject, limit, r.Usage)
		if fold := users[userDay{r.BatchID, r.UserID, r.Day}]; fold == nil {
			a.about(1, subject).differ("ledger entries", "some", "none")
		} else {
			check(a.about(1, subject), "usage", *fold, r.Usage)
		}
	}
	return nil
}

// moved reports whether the batch has entries that are newer than the counters c.
func (a *auditor) moved(c models.BatchCounter) (bool, error) {
	var seq int64
	err := a.db.Model(&models.BatchCounter{}).Where("batch_id = ?", c.BatchID).Pluck("ledger_seq", &seq).Error
	return seq != c.LedgerSeq, err
}

// compareCoupons checks that each coupon of the batch is what its entries say, and what counts coupons elsewhere.
func (a *auditor) compareCoupons(c models.BatchCounter, batch models.Batch, fold map[string]models.LedgerEntry) error {
	seen, after := couponsSeen{byCode: map[string]int64{}}, ""
	for {
		var coupons []models.Coupon
		err := a.db.Where("batch_id = ? AND id > ?", c.BatchID, after).Order("id").Limit(auditSlice).Find(&coupons).Error
		if err != nil {
			return err
		}
		if len(coupons) == 0 {
			break
		}
		if err := a.compareHolders(coupons); err != nil {
			return err
		}
		for _, coupon := range coupons {
			if coupon.CodeKey != nil {
				seen.byCode[*coupon.CodeKey]++
			}
			e, known := fold[coupon.ID]
			if !known || coupon.Seq > *e.CouponSeq {
				continue // written after the counters were read; a coupon without any entry shows in the count below
			}
			seen.rows++
			a.compareCoupon(coupon, e)
		}
		if err := a.collectUnlimited(&seen, batch, coupons); err != nil {
			return err
		}
		after = coupons[len(coupons)-1].ID
	}
	a.Coupons += int64(seen.rows)
	return a.compareCounts(c, batch, fold, seen)
}

// couponsSeen is what the rows of a batch's coupons add up to.
type couponsSeen struct {
	rows      int // in step with the ledger
	byCode    map[string]int64
	unlimited []string // coupons that don't count against an identity, though their batch counts by one
}

// compareCounts checks what was counted over all coupons, unless the batch moved on meanwhile.
func (a *auditor) compareCounts(c models.BatchCounter, batch models.Batch, fold map[string]models.LedgerEntry, seen couponsSeen) error {
	var all int64
	if err := a.db.Model(&models.Coupon{}).Where("batch_id = ?", c.BatchID).Count(&all).Error; err != nil {
		return err
	}
	codes, err := a.differingCodes(batch, seen.byCode)
	if err != nil {
		return err
	}
	limits, err := a.strayLimits(batch)
	if err != nil {
		return err
	}
	if moved, err := a.moved(c); moved || err != nil {
		return err
	}
	alive := 0
	for _, e := range fold {
		if e.Kind != models.EntryUnissued {
			alive++
		}
	}
	check(a.about(2, c.BatchID), "coupons in step with the ledger", all, int64(seen.rows))
	check(a.about(2, c.BatchID), "coupons in the ledger", alive, seen.rows)
	check(a.about(1, c.BatchID), "coupons issued", c.Issued, all)
	for _, id := range seen.unlimited {
		a.about(2, id).differ("rows in coupon_limits", "one of each kind", "fewer")
	}
	a.Differences = append(append(a.Differences, codes...), limits...)
	return nil
}

func (a *auditor) compareCoupon(coupon models.Coupon, e models.LedgerEntry) {
	if e.Kind == models.EntryUnissued {
		a.about(2, coupon.ID).differ("row of an un-issued coupon", "none", coupon.State)
		return
	}
	check(a.about(2, coupon.ID), "sequence", *e.CouponSeq, coupon.Seq)
	check(a.about(2, coupon.ID), "state", e.Kind.After(), coupon.State)
	held := ""
	if coupon.State == models.CouponLocked || coupon.State == models.CouponUsed {
		held = deref(e.RedemptionID)
	}
	check(a.about(2, coupon.ID), "redemption", held, deref(coupon.RedemptionID))
}
