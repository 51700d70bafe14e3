package devserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	startTimeout  = time.Minute            // for a Start whose context has no deadline
	probeTimeout  = 2 * time.Second        // for one question to a server that is coming up
	probeInterval = 50 * time.Millisecond  // between two questions
	pipeDelay     = 500 * time.Millisecond // for output still in the pipe when a child has ended
)

// process is one running child program.
type process struct {
	name   string
	cmd    *exec.Cmd
	output *tail
	exited chan struct{} // closed once the child is gone and waitErr is set

	waitErr  error
	stopOnce sync.Once
	stopErr  error
}

// startProcess runs bin in a process group of its own; what it prints goes to log, which may be nil.
func startProcess(ctx context.Context, log io.Writer, bin string, args ...string) (*process, error) {
	return newProcess(ctx, log, bin, args...).start()
}

func newProcess(ctx context.Context, log io.Writer, bin string, args ...string) *process {
	p := &process{name: filepath.Base(bin), output: &tail{next: log}, exited: make(chan struct{})}
	// Start's context must not end a server that is up.
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), bin, args...)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.WaitDelay = pipeDelay
	p.cmd.SysProcAttr = childAttributes()
	return p
}

func (p *process) start() (*process, error) {
	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", p.cmd.Path, err)
	}
	return p, nil
}

// run starts the child and waits for it.
func (p *process) run(started chan<- error) {
	// The parent-death signal is sent when the thread that forked ends, not when the process does: without the lock the
	// runtime may end that thread, and with it a healthy server.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	p.waitErr = p.cmd.Wait()
	close(p.exited)
}

// waitReady asks probe until it succeeds, the child ends or ctx does.
func (p *process) waitReady(ctx context.Context, probe func(context.Context) error) error {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, startTimeout)
		defer cancel()
	}
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	for {
		err := ask(ctx, probe)
		// A server that isn't ours may answer on the same port: an answer counts only while the child lives.
		if p.hasExited() {
			return p.earlyExit()
		}
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return p.earlyExit()
		case <-ctx.Done():
			return fmt.Errorf("%s doesn't answer: %w (last answer: %w)%s", p.name, ctx.Err(), err, p.output.quote())
		case <-ticker.C:
		}
	}
}

func ask(ctx context.Context, probe func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return probe(ctx)
}

func (p *process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// earlyExit is the error of a child that ended without being asked to. Call it only after exited is closed.
func (p *process) earlyExit() error {
	status := p.waitErr
	if status == nil {
		status = errors.New("exit status 0")
	}
	return fmt.Errorf("%s ended on its own: %w%s", p.name, status, p.output.quote())
}

// stop asks the child to end, kills its group after grace, and returns when it is gone. Repeated calls return what the
// first one did.
func (p *process) stop(grace time.Duration) error {
	p.stopOnce.Do(func() { p.stopErr = p.terminate(grace) })
	return p.stopErr
}

func (p *process) terminate(grace time.Duration) error {
	if p.hasExited() {
		return p.earlyExit()
	}
	// A process that has just ended is seen by the wait below; where there are no signals, killing is all that is left.
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		killGroup(p.cmd.Process)
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.exited:
		return nil
	case <-timer.C:
		killGroup(p.cmd.Process)
		<-p.exited
		return fmt.Errorf("%s didn't stop within %s and was killed%s", p.name, grace, p.output.quote())
	}
}

// kill ends the child and its group with SIGKILL, and returns when it is gone. stop then has nothing to do.
func (p *process) kill() {
	p.stopOnce.Do(func() {})
	if !p.hasExited() { // later the number may be another process's
		killGroup(p.cmd.Process)
	}
	<-p.exited
}
