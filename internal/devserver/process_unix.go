//go:build unix && !linux

package devserver

import (
	"os"
	"syscall"
)

// childAttributes puts a child into its own process group. Only Linux can also tie its life to ours.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

func killGroup(leader *os.Process) {
	_ = syscall.Kill(-leader.Pid, syscall.SIGKILL)
}
