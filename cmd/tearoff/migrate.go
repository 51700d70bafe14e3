package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"text/tabwriter"

	"github.com/tearoff/tearoff/store"
)

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Apply what is missing. Safe when several processes start at once."`
	Down   migrateDownCmd   `cmd:"" help:"Take the newest migration back, or several, and their data with them."`
	Status migrateStatusCmd `cmd:"" help:"List the migrations."`
}

type migrateUpCmd struct{ storeFlags }

// Run implements kong's command.
func (c *migrateUpCmd) Run(ctx context.Context, log *slog.Logger) error {
	return withStore(c.storeFlags, log, func(s *store.Store) error { return s.MigrateUp(ctx) })
}

type migrateDownCmd struct {
	storeFlags
	To *int64 `help:"Take back all that are newer than this one. Default: the newest alone." placeholder:"VERSION"`
}

// Run implements kong's command.
func (c *migrateDownCmd) Run(ctx context.Context, log *slog.Logger) error {
	return withStore(c.storeFlags, log, func(s *store.Store) error {
		if c.To != nil {
			return s.MigrateDownTo(ctx, *c.To)
		}
		return s.MigrateDown(ctx)
	})
}

type migrateStatusCmd struct{ storeFlags }

// Run implements kong's command.
func (c *migrateStatusCmd) Run(ctx context.Context, log *slog.Logger) error {
	return withStore(c.storeFlags, log, func(s *store.Store) error {
		list, err := s.MigrateStatus(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		for _, m := range list {
			applied := "-"
			if m.Applied {
				applied = m.At.UTC().Format("2006-01-02 15:04:05")
			}
			fmt.Fprintf(w, "%s\t%s\n", m.Name, applied)
		}
		return w.Flush()
	})
}

// withStore opens the store for one command and closes it after.
func withStore(f storeFlags, log *slog.Logger, do func(*store.Store) error) error {
	s, err := f.open(log)
	if err != nil {
		return err
	}
	defer s.Close()
	return do(s)
}
