//go:build !unix

package devserver

import (
	"os"
	"syscall"
)

// childAttributes: no process groups and no parent-death signal here.
func childAttributes() *syscall.SysProcAttr { return nil }

func killGroup(leader *os.Process) {
	_ = leader.Kill()
}
