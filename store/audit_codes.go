package store

import (
	"fmt"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// differingCodes finds codes of the batch whose uses are not the number of coupons that were got by them, and coupons that
// were got by no code of the batch. byCode is used up.
func (a *auditor) differingCodes(batch models.Batch, byCode map[string]int64) ([]models.Difference, error) {
	if batch.Codes == models.CodesNone && len(byCode) == 0 {
		return nil, nil
	}
	var differences []models.Difference
	differ := func(subject, what string, want, got any) {
		differences = append(differences, models.Difference{
			Invariant: 1, Subject: subject, What: what, Want: fmt.Sprint(want), Got: fmt.Sprint(got),
		})
	}
	after := ""
	for {
		var codes []models.CouponCode
		err := a.db.Order("code_key").Limit(auditSlice).Find(&codes, "batch_id = ? AND code_key > ?", batch.ID, after).Error
		if err != nil {
			return nil, err
		}
		if len(codes) == 0 {
			break
		}
		for _, c := range codes {
			if got := byCode[c.CodeKey]; got != c.Uses {
				differ(c.CodeKey, "uses of the code", got, c.Uses)
			}
			if c.MaxUses != nil && c.Uses > *c.MaxUses {
				differ(c.CodeKey, "uses of the code", fmt.Sprintf("at most %d", *c.MaxUses), c.Uses)
			}
			delete(byCode, c.CodeKey)
		}
		after = codes[len(codes)-1].CodeKey
	}
	for key, n := range byCode {
		differ(key, "coupons of a code that the batch doesn't have", 0, n)
	}
	return differences, nil
}

// collectUnlimited adds those of the coupons that lack a row of a kind that their batch counts by.
func (a *auditor) collectUnlimited(seen *couponsSeen, batch models.Batch, coupons []models.Coupon) error {
	kinds := batch.LimitIdentities()
	if len(kinds) == 0 {
		return nil
	}
	var rows []models.CouponLimit
	ids := keysOf(coupons, func(c models.Coupon) string { return c.ID })
	if err := a.db.Select("coupon_id", "key_kind").Find(&rows, "coupon_id IN ? AND batch_id = ?", ids, batch.ID).Error; err != nil {
		return err
	}
	byCoupon := make(map[string][]models.LimitKind, len(coupons))
	for _, r := range rows {
		byCoupon[r.CouponID] = append(byCoupon[r.CouponID], r.KeyKind)
	}
	for _, id := range ids {
		if slices.ContainsFunc(kinds, func(k models.LimitKind) bool { return !slices.Contains(byCoupon[id], k) }) {
			seen.unlimited = append(seen.unlimited, id)
		}
	}
	return nil
}

// strayLimits finds rows of coupon_limits that no coupon of the batch accounts for, and such beyond the limit.
func (a *auditor) strayLimits(batch models.Batch) ([]models.Difference, error) {
	var rows []models.CouponLimit
	err := a.db.Table("coupon_limits AS l").Select("l.*").Joins("LEFT JOIN coupons AS c ON c.id = l.coupon_id AND c.batch_id = l.batch_id").
		Where("l.batch_id = ? AND (c.id IS NULL OR l.ordinal > ?)", batch.ID, batch.ClaimsPerUser).Limit(auditSlice).Find(&rows).Error
	differences := make([]models.Difference, len(rows))
	for i, r := range rows {
		differences[i] = models.Difference{
			Invariant: 2, Subject: r.CouponID, What: "row in coupon_limits",
			Want: fmt.Sprintf("one of a coupon, at most the %d. of its %s", batch.ClaimsPerUser, r.KeyKind), Got: fmt.Sprintf("the %d.", r.Ordinal),
		}
	}
	return differences, err
}
