package main

import (
	"fmt"
	"os"
	"syscall"
)

// identity is the user as whom all servers run; nil: the one who runs this.
type identity struct{ uid, gid uint32 }

// serverIdentity is nobody if this runs as root, as nginx would drop root's rights for
// its workers and the others would not.
func serverIdentity() *identity {
	if os.Geteuid() != 0 {
		return nil
	}
	return &identity{uid: 65534, gid: 65534}
}

// own gives a file or folder to the servers' user.
func (id *identity) own(path string) error {
	if id == nil {
		return nil
	}
	return os.Chown(path, int(id.uid), int(id.gid))
}

// attributes make a server end with this process, however that ends, and keep
// it out of the terminal's Ctrl-C, which this process answers in order.
func attributes(as *identity) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	if as != nil {
		a.Credential = &syscall.Credential{Uid: as.uid, Gid: as.gid}
	}
	return a
}

// killGroup ends what is left of the process group that pid has led.
func killGroup(pid int) {
	_ = syscall.Kill(-pid, syscall.SIGKILL) // It fails where nothing is left, as it should be.
}

// raiseDescriptors lets this process and the servers open n files each.
func raiseDescriptors(n int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("read limit of open files: %w", err)
	}
	// Root may raise the hard limit; for others this fails if it is too low.
	limit.Max = max(limit.Max, uint64(n))
	limit.Cur = limit.Max
	// Also where nothing changes: Go hands a raised limit on only if the program set it itself.
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("raise limit of open files to %d (ulimit -Hn, or fewer --sessions): %w", n, err)
	}
	return nil
}
