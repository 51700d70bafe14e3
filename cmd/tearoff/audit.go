package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

type auditCmd struct {
	storeFlags
	Batch       []string `help:"Only these batches." placeholder:"BAT_ID"`
	Incremental bool     `help:"Only what was written since the last clean audit of each batch; moves its checkpoint when it is clean."`
	JSON        bool     `help:"Print the report as JSON."`
}

// Help implements kong's longer help.
func (*auditCmd) Help() string {
	return `Folds the ledger and compares it with every counter, coupon and redemption, while writes go on. It repairs nothing:
each difference is printed with the id of what differs, and the exit code is 1. A full audit, which is the default, reads
everything and writes nothing. The worker runs both kinds on a schedule by itself. See docs/architecture.md, "The audit".`
}

// Run implements kong's command.
func (c *auditCmd) Run(ctx context.Context, log *slog.Logger) error {
	return withStore(c.storeFlags, log, func(s *store.Store) error {
		report, err := s.Audit(ctx, store.AuditScope{BatchIDs: c.Batch, Incremental: c.Incremental, Remember: c.Incremental})
		if err != nil {
			return err
		}
		if c.JSON {
			err = json.NewEncoder(os.Stdout).Encode(report)
		} else {
			printReport(report)
		}
		if err == nil && report.Total() > 0 {
			return exitError{code: 1}
		}
		return err
	})
}

func printReport(r models.AuditReport) {
	for _, d := range r.Differences {
		fmt.Printf("invariant %d: %s: %s: want %s, got %s\n", d.Invariant, d.Subject, d.What, d.Want, d.Got)
	}
	if r.Truncated > 0 {
		fmt.Printf("and %d more\n", r.Truncated)
	}
	fmt.Printf("%d batches, %d ledger entries, %d coupons, %d redemptions: %d differences (%s, %d ms)\n",
		r.Batches, r.Entries, r.Coupons, r.Redemptions, r.Total(), r.Mode, r.TookMS)
}
