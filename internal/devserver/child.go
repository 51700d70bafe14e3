package devserver

import (
	"context"
	"io"
	"time"
)

// ChildOptions says what StartChild runs.
type ChildOptions struct {
	// Bin is the program.
	Bin string
	// Args are its arguments.
	Args []string
	// Env is its environment; nil = ours.
	Env []string
	// Grace is how long it may take to stop; 0 = 30 seconds.
	Grace time.Duration
	// Log takes what it prints; nil = nowhere.
	Log io.Writer
}

// Child is a program of ours that runs beside this one, such as a worker that a demonstration kills.
type Child struct {
	process *process
	grace   time.Duration
}

// StartChild starts a program. It doesn't wait for more than that: what is ready is for the caller to know.
func StartChild(ctx context.Context, options ChildOptions) (*Child, error) {
	p := newProcess(ctx, options.Log, options.Bin, options.Args...)
	p.cmd.Env = options.Env
	if _, err := p.start(); err != nil {
		return nil, err
	}
	grace := options.Grace
	if grace == 0 {
		grace = 30 * time.Second
	}
	return &Child{process: p, grace: grace}, nil
}

// PID of the child.
func (c *Child) PID() int { return c.process.cmd.Process.Pid }

// Done is closed when the child has ended, however it did.
func (c *Child) Done() <-chan struct{} { return c.process.exited }

// Err says how a child ended that nobody stopped, with the end of what it printed. It waits for Done.
func (c *Child) Err() error {
	<-c.process.exited
	return c.process.earlyExit()
}

// Kill ends the child and its group with SIGKILL, and returns when it is gone: what it had in memory is lost, as in a
// crash. Stop is then no longer needed.
func (c *Child) Kill() { c.process.kill() }

// Stop ends the child and waits for it: SIGTERM, and SIGKILL after the grace. It fails if the child had to be killed or
// had ended on its own before. Calling it again, or after Kill, is harmless.
func (c *Child) Stop() error { return c.process.stop(c.grace) }
