//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// signalled is the cause of a context that a signal ended.
type signalled struct{ signal syscall.Signal }

// Error implements error.
func (s signalled) Error() string { return "stopped by signal: " + s.signal.String() }

// cancelOnSignal ends ctx at the first signal, with signalled as its cause.
func cancelOnSignal(ctx context.Context, signals <-chan os.Signal) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case received := <-signals:
			number, _ := received.(syscall.Signal)
			cancel(signalled{number})
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// runCommand runs a command and returns its exit code; 128 + the signal's number for one that a signal ended.
func runCommand(ctx context.Context, command, environment []string) (int, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), environment...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// Its own group, so that a signal also reaches the test programs that `go test` started.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		cause := signalled{syscall.SIGTERM}
		errors.As(context.Cause(ctx), &cause)
		return syscall.Kill(-cmd.Process.Pid, cause.signal)
	}
	err := cmd.Run()
	if cmd.ProcessState == nil {
		return exitFailure, fmt.Errorf("run %s: %w", command[0], err)
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return cmd.ProcessState.ExitCode(), nil
}
