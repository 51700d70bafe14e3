package devserver

import (
	"os"
	"syscall"
)

// childAttributes puts a child into its own process group and ties its life to ours. SIGKILL rather than SIGTERM: when
// the parent is gone nobody is left to insist, and both servers recover from a kill.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func killGroup(leader *os.Process) {
	_ = syscall.Kill(-leader.Pid, syscall.SIGKILL)
}
