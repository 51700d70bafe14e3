package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tearoff/tearoff/internal/devserver"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/worker"
)

type devCmd struct {
	Dir          string        `help:"Where the state is kept between runs." default:".tearoff" env:"TEAROFF_DIR"`
	Addr         string        `help:"Where the API listens." default:"127.0.0.1:8080" env:"TEAROFF_ADDR"`
	TemporalPort int           `help:"Port of the Temporal dev server." default:"7233"`
	UIPort       int           `name:"temporal-ui-port" help:"Port of the Temporal UI." default:"8233"`
	MySQL        string        `name:"mysql" help:"A real MySQL instead of the SQLite file." placeholder:"DSN" env:"TEAROFF_MYSQL"`
	Temporal     string        `help:"A real Temporal instead of the dev server." placeholder:"ADDR" env:"TEAROFF_TEMPORAL"`
	Namespace    string        `help:"Temporal namespace." default:"default" env:"TEAROFF_NAMESPACE"`
	NoWorker     bool          `help:"Leave the worker to another process."`
	NoAudits     bool          `help:"Don't compare the books on a schedule."`
	Key          string        `help:"Secret of an admin key; one is made and kept in the folder otherwise." env:"TEAROFF_KEY"`
	JSON         bool          `help:"Say where everything is as one line of JSON, for programs."`
	Grace        time.Duration `help:"How long a redemption may rest before the sweeper looks at it." default:"20s"`
	StuckAfter   time.Duration `help:"How long one step is tried before an operator is told." default:"30s"`
	MinHoldTTL   time.Duration `help:"The shortest time a hold may be asked for." default:"1s"`
}

// Run implements kong's command.
func (c *devCmd) Run(ctx context.Context, log *slog.Logger) error {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	if err := c.checkAddr(ctx); err != nil {
		return err
	}
	if err := c.prepareStore(ctx, log); err != nil {
		return err
	}
	ui := ""
	if c.Temporal == "" {
		server, err := c.startTemporal(ctx)
		if err != nil {
			return err
		}
		defer func() {
			if err := server.Stop(); err != nil {
				log.Warn("the Temporal dev server did not stop cleanly", "error", err)
			}
		}()
		c.Temporal, ui = server.Addr, server.UIURL
	}
	v := service{
		store:    c.storeFlags(),
		temporal: temporalFlags{Temporal: c.Temporal, Namespace: c.Namespace},
		api:      &apiFlags{Addr: c.Addr, UIURL: ui, MinHoldTTL: c.MinHoldTTL},
		webhooks: webhookFlags{AllowPrivate: true},
		worker:   &workerFlags{StuckAfter: c.StuckAfter, Audits: !c.NoAudits, Reminders: worker.DefaultReminders},
		log:      log,
		ready:    func() { c.announce(ui) },
	}
	if c.NoWorker {
		v.worker = nil
	}
	return runService(ctx, v)
}

// checkAddr tells of a taken port before any server is started.
func (c *devCmd) checkAddr(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("can't listen on %s: choose another address with --addr: %w", c.Addr, err)
	}
	return listener.Close()
}

func (c *devCmd) storeFlags() storeFlags {
	f := storeFlags{MySQL: c.MySQL, Grace: c.Grace}
	if c.MySQL == "" {
		f.SQLite = filepath.Join(c.Dir, "tearoff.db")
	}
	return f
}

// prepareStore makes the tables and the key.
func (c *devCmd) prepareStore(ctx context.Context, log *slog.Logger) error {
	if err := c.ensureKey(); err != nil {
		return err
	}
	return withStore(c.storeFlags(), log, func(s *store.Store) error {
		if err := s.MigrateUp(ctx); err != nil {
			return err
		}
		return s.AddKey(ctx, &models.APIKey{Name: "dev", Role: models.RoleAdmin}, c.Key)
	})
}

// ensureKey reads the key of the last run, or makes one.
func (c *devCmd) ensureKey() error {
	if c.Key != "" {
		return nil
	}
	path := filepath.Join(c.Dir, "key")
	kept, err := os.ReadFile(path)
	if err == nil {
		c.Key = strings.TrimSpace(string(kept))
		return nil
	}
	c.Key = "tk_" + rand.Text()
	return os.WriteFile(path, []byte(c.Key+"\n"), 0o600)
}

func (c *devCmd) startTemporal(ctx context.Context) (*devserver.Temporal, error) {
	log, err := os.OpenFile(filepath.Join(c.Dir, "temporal.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return devserver.StartTemporal(ctx, devserver.TemporalOptions{
		Port: c.TemporalPort, UIPort: c.UIPort, DBFile: filepath.Join(c.Dir, "temporal.db"), Namespaces: []string{c.Namespace},
		SearchAttributes: searchAttributes, Log: log,
	})
}

// searchAttributes are registered in the dev server's namespaces; in a real one that is part of the deployment.
var searchAttributes = map[string]string{
	"TearoffState": "Keyword", "TearoffUser": "Keyword", "TearoffOrder": "Keyword", "TearoffBatch": "KeywordList",
}

// announce says where everything is.
func (c *devCmd) announce(ui string) {
	api := "http://" + c.Addr
	if c.JSON {
		line := map[string]any{
			"ready": true, "api": api, "ui": ui, "temporal": c.Temporal, "namespace": c.Namespace, "key": c.Key,
			"sqlite": c.storeFlags().SQLite,
		}
		if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
			fmt.Fprintln(os.Stderr, "tearoff:", err)
		}
		return
	}
	fmt.Printf("\n  API          %s   (documentation: %s/docs)\n  Temporal UI  %s\n  key          %s\n  state        %s\n\n  Ctrl-C stops everything; the state stays.\n\n",
		api, api, ui, c.Key, c.Dir)
}
