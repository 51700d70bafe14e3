package demo

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tearoff/tearoff/models"
)

// report is what `tearoff audit --json` prints.
type report struct {
	Batches     int                 `json:"batches"`
	Entries     int64               `json:"entries"`
	Coupons     int64               `json:"coupons"`
	Redemptions int64               `json:"redemptions"`
	Differences []models.Difference `json:"differences"`
}

// audit folds the whole ledger and compares it with every counter, coupon and redemption.
func (s *story) audit(ctx context.Context, sc *scene) error {
	out, failed := output(ctx, nil, s.servers.options.Tearoff, "audit", "--sqlite", s.servers.at.SQLite, "--json")
	var r report
	if err := json.Unmarshal(out, &r); err != nil {
		return fmt.Errorf("the report can't be read: %w (%w)", err, failed)
	}
	sc.tell("%d batches, %d ledger entries, %d coupons, %d redemptions", r.Batches, r.Entries, r.Coupons, r.Redemptions)
	for _, d := range r.Differences {
		sc.tell("invariant %d: %s: %s: want %s, got %s", d.Invariant, d.Subject, d.What, d.Want, d.Got)
	}
	check(sc, "differences", 0, len(r.Differences))
	check(sc, "batches looked at", len(s.shop.Offers), r.Batches)
	return failed
}
