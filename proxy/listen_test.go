package proxy

import (
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestPrivilegedPort: who may not open a port is told what that takes, and can
// still tell the error; others are as they were.
func TestPrivilegedPort(t *testing.T) {
	denied := func(number syscall.Errno) error {
		return &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", number)}
	}
	if err := privileged(denied(syscall.EACCES)); !errors.Is(err, syscall.EACCES) || !strings.Contains(err.Error(), "CAP_NET_BIND_SERVICE") {
		t.Errorf("%v", err)
	}
	taken := denied(syscall.EADDRINUSE)
	if got := privileged(taken); got != taken {
		t.Errorf("%v became %v", taken, got)
	}
	if err := privileged(nil); err != nil {
		t.Errorf("no error became %v", err)
	}
}
