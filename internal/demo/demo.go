package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Options says how the story is told. The zero value is good.
type Options struct {
	// Dir keeps the state and the logs of the children. It is emptied first, so it must be the demo's own.
	// "" = .tearoff/demo.
	Dir string
	// Tearoff is the program to run as API and worker; "" = the running one.
	Tearoff string
	// OrderService is the built examples/orderservice; "" = "orderservice" beside Tearoff.
	OrderService string
	// Keep leaves everything running after the story, until ctx ends.
	Keep bool
	// Within bounds the story; 0 = 4 minutes.
	Within time.Duration
	// Out is where the story is told, in colour if it is a terminal and NO_COLOR is not set; nil = standard output.
	Out *os.File
}

// ErrDiffers says that some outcome was not the expected one; what was told before says which.
var ErrDiffers = errors.New("demo: not every outcome is the expected one")

// Run plays the story. It returns ErrDiffers if an outcome differs, and another error if the servers could not be started
// or ctx ended. All children are gone when it returns.
func Run(ctx context.Context, o Options) (err error) {
	if o, err = o.withDefaults(); err != nil {
		return err
	}
	if err := emptied(o.Dir); err != nil {
		return err
	}
	told := newTeller(o.Out, paints(o.Out, os.Getenv))
	told.title("Tearoff: a shop's day")
	servers, err := startServers(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, servers.stop()) }()
	told.intro(servers.at, o.Dir)

	bounded, cancel := context.WithTimeout(ctx, o.Within)
	defer cancel()
	if err := play(bounded, servers, told); err != nil {
		return err
	}
	err = told.verdict()
	if o.Keep {
		told.note("Everything keeps running; Ctrl-C stops it.")
		<-ctx.Done()
	}
	return err
}

func (o Options) withDefaults() (Options, error) {
	if o.Tearoff == "" {
		self, err := os.Executable()
		if err != nil {
			return o, fmt.Errorf("demo: where is this program: %w", err)
		}
		o.Tearoff = self
	}
	o.OrderService = cmp.Or(o.OrderService, filepath.Join(filepath.Dir(o.Tearoff), "orderservice"))
	if _, err := os.Stat(o.OrderService); err != nil {
		return o, fmt.Errorf("demo: the example order service is missing, `make build` makes it: %w", err)
	}
	o.Dir = cmp.Or(o.Dir, filepath.Join(".tearoff", "demo"))
	o.Within = cmp.Or(o.Within, 4*time.Minute)
	o.Out = cmp.Or(o.Out, os.Stdout)
	return o, nil
}

// marker is in every folder that the demo made, so that --dir with a folder of something else empties nothing.
const marker = ".tearoff-demo"

// emptied makes the folder, or empties it if it is the demo's own.
func emptied(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("demo: %w", err)
	}
	if len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(dir, marker)); err != nil {
			return fmt.Errorf("demo: %s holds something that the demo did not make: choose another folder with --dir", dir)
		}
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, marker), nil, 0o600)
}
