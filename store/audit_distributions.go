package store

import (
	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// auditDistributions compares what the batch's distributions count with the coupons that they gave and the users they passed over.
// An incremental audit looks at those that have moved since the last clean one, and leaves the large ones to the full audit.
func (a *auditor) auditDistributions(f *batchFold, batchID string) error {
	q := a.db.Model(&models.Distribution{}).Where("batch_id = ?", batchID)
	if f.parts == nil {
		q = q.Where("updated_at >= ? AND size <= ?", f.base.At, auditPart)
	}
	var ids []string
	if err := q.Order("id").Pluck("id", &ids).Error; err != nil {
		return err
	}
	for _, id := range ids {
		if err := a.auditDistribution(id); err != nil {
			return err
		}
	}
	return nil
}

func (a *auditor) auditDistribution(id string) error {
	var d models.Distribution
	var coupons, members int64
	var skips []struct {
		Reason models.Code
		N      int64
	}
	err := a.snapshot(func(db *gorm.DB) error {
		if err := db.Take(&d, "id = ?", id).Error; err != nil {
			return err
		}
		prefix := d.SourcePrefix()
		if err := db.Model(&models.Coupon{}).Where("source_key >= ? AND source_key < ?", prefix, prefix+"~").Count(&coupons).Error; err != nil {
			return err
		}
		if err := db.Model(&models.DistributionMember{}).Where("distribution_id = ?", id).Count(&members).Error; err != nil {
			return err
		}
		return db.Model(&models.DistributionSkip{}).Select("reason, COUNT(*) AS n").Where("distribution_id = ?", id).Group("reason").Scan(&skips).Error
	})
	if err != nil {
		return err
	}
	about := a.about(1, id)
	if want := d.Issued; !d.DryRun {
		check(about, "coupons of the distribution", want, coupons)
	} else {
		check(about, "coupons of a dry run", 0, coupons)
	}
	check(about, "users of the distribution", d.Size, members)
	check(about, "users judged", d.Next, d.Issued+d.Skipped+d.Failed)
	found := map[models.Code]int64{}
	for _, s := range skips {
		found[s.Reason] = s.N
	}
	check(about, "users who failed", d.Failed, found[models.CodeInternal])
	delete(found, models.CodeInternal)
	var skipped int64
	for reason, n := range found {
		check(about, "users skipped for "+string(reason), d.SkippedBy[reason], n)
		skipped += n
	}
	check(about, "users skipped", d.Skipped, skipped)
	if d.State == models.DistributionDone {
		check(about, "users of a distribution that is done", d.Size, d.Next)
	}
	return nil
}
