package store

import (
	"database/sql"
	"fmt"

	"github.com/tearoff/tearoff/models"
)

// Each check here is one statement, and a statement sees one instant: writes may go on. The server does the counting.

const (
	differingCodes = "SELECT k.code_key, COALESCE(k.max_uses, -1), k.uses, COALESCE(n.coupons, 0) FROM codes k LEFT JOIN " + couponsByCode +
		" ON n.code_key = k.code_key WHERE k.batch_id = ? AND (k.uses <> COALESCE(n.coupons, 0) OR k.uses > k.max_uses) LIMIT ?"
	strangeCodes = "SELECT n.code_key, n.coupons FROM " + couponsByCode +
		" LEFT JOIN codes k ON k.code_key = n.code_key AND k.batch_id = ? WHERE k.code_key IS NULL LIMIT ?"
	couponsByCode = "(SELECT code_key, COUNT(*) AS coupons FROM coupons WHERE batch_id = ? AND code_key IS NOT NULL GROUP BY code_key) n"
	// What is kept for codes: one coupon for each single code that can still get one, and those of codes that are being made.
	keptForCodes = "SELECT c.coded, (SELECT COUNT(*) FROM codes k WHERE k.batch_id = c.batch_id AND k.kind = 'single' AND k.active = TRUE AND k.uses = 0) + " +
		"(SELECT COALESCE(SUM(j.`count` - j.made), 0) FROM code_jobs j JOIN batches b ON b.id = j.batch_id " +
		"WHERE j.batch_id = c.batch_id AND j.state = 'RUNNING' AND b.codes = 'single') FROM batch_counters c WHERE c.batch_id = ?"
	unlimited = "SELECT c.id FROM coupons c LEFT JOIN coupon_limits l ON l.coupon_id = c.id AND l.batch_id = c.batch_id AND l.key_kind = ? " +
		"WHERE c.batch_id = ? AND l.coupon_id IS NULL LIMIT ?"
	strayLimits = "SELECT l.coupon_id, l.key_kind, l.ordinal FROM coupon_limits l LEFT JOIN coupons c ON c.id = l.coupon_id AND c.batch_id = l.batch_id " +
		"WHERE l.batch_id = ? AND (c.id IS NULL OR l.ordinal > ? AND c.source <> ?) LIMIT ?" // operators may give beyond the limit
)

// auditCodes finds codes of the batch whose uses are not the number of coupons that were got by them, and coupons that
// were got by no code of the batch.
func (a *auditor) auditCodes(batch models.Batch) error {
	if batch.Codes == models.CodesNone {
		return nil // a coupon with a code shows among the coupons
	}
	if err := a.auditKept(batch.ID); err != nil {
		return err
	}
	err := eachRow(a.db.Raw(differingCodes, batch.ID, batch.ID, auditSlice), func(rows *sql.Rows) error {
		var key string
		var most, uses, coupons int64
		if err := rows.Scan(&key, &most, &uses, &coupons); err != nil {
			return err
		}
		check(a.about(1, key), "uses of the code", coupons, uses)
		if most >= 0 && uses > most {
			a.about(1, key).differ("uses of the code", fmt.Sprintf("at most %d", most), uses)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return eachRow(a.db.Raw(strangeCodes, batch.ID, batch.ID, auditSlice), func(rows *sql.Rows) error {
		var key string
		var coupons int64
		if err := rows.Scan(&key, &coupons); err != nil {
			return err
		}
		a.about(1, key).differ("coupons of a code that the batch doesn't have", 0, coupons)
		return nil
	})
}

// auditKept compares what is kept of the stock with the codes that it is kept for.
func (a *auditor) auditKept(batchID string) error {
	return eachRow(a.db.Raw(keptForCodes, batchID), func(rows *sql.Rows) error {
		var kept, codes int64
		err := rows.Scan(&kept, &codes)
		check(a.about(1, batchID), "single codes that stock is kept for", codes, kept)
		return err
	})
}

// auditLimits finds coupons that lack a row of a kind that their batch counts by, rows of coupon_limits that no coupon of
// the batch accounts for, and such beyond the limit.
func (a *auditor) auditLimits(batch models.Batch) error {
	for _, kind := range batch.LimitIdentities() {
		err := eachRow(a.db.Raw(unlimited, kind, batch.ID, auditSlice), func(rows *sql.Rows) error {
			var id string
			err := rows.Scan(&id)
			a.about(2, id).differ("row in coupon_limits", "one for the "+string(kind), "none")
			return err
		})
		if err != nil {
			return err
		}
	}
	return eachRow(a.db.Raw(strayLimits, batch.ID, batch.ClaimsPerUser, models.SourceAdmin, auditSlice), func(rows *sql.Rows) error {
		var id, kind string
		var ordinal int
		if err := rows.Scan(&id, &kind, &ordinal); err != nil {
			return err
		}
		want := fmt.Sprintf("one of a coupon, at most the %d. of its %s", batch.ClaimsPerUser, kind)
		a.about(2, id).differ("row in coupon_limits", want, fmt.Sprintf("the %d.", ordinal))
		return nil
	})
}
