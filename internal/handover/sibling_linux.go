package handover

import (
	"os"
	"os/exec"
	"syscall"
)

// makeSibling lets a process be started as a child of this one's parent, and tells
// whether it can: the first process of a container has none.
func makeSibling(cmd *exec.Cmd) bool {
	if os.Getpid() == 1 {
		return false
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_PARENT}
	return true
}

// exists tells whether a process is there, if only as a zombie.
func exists(p *os.Process) bool { return p.Signal(syscall.Signal(0)) == nil }
