package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"

	"github.com/tearoff/tearoff/store"
)

type auditCmd struct {
	storeFlags
	Batch []string `help:"Only these batches." placeholder:"BAT_ID"`
	JSON  bool     `help:"Print the report as JSON."`
}

// Run implements kong's command.
func (c *auditCmd) Run(ctx context.Context, log *slog.Logger) error {
	return withStore(c.storeFlags, log, func(s *store.Store) error {
		report, err := s.Audit(ctx, store.AuditScope{BatchIDs: c.Batch})
		if err != nil {
			return err
		}
		if c.JSON {
			err = json.NewEncoder(os.Stdout).Encode(report)
		} else {
			printReport(report)
		}
		if err == nil && len(report.Differences) > 0 {
			return exitError{code: 1}
		}
		return err
	})
}

func printReport(r store.AuditReport) {
	for _, d := range r.Differences {
		fmt.Printf("invariant %d: %s: %s: want %s, got %s\n", d.Invariant, d.Subject, d.What, d.Want, d.Got)
	}
	fmt.Printf("%d batches, %d ledger entries, %d coupons, %d redemptions: %d differences\n",
		r.Batches, r.Entries, r.Coupons, r.Redemptions, len(r.Differences))
}
