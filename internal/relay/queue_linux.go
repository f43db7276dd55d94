package relay

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// sendQueue returns the octets that the peer has not acknowledged.
func sendQueue(conn net.Conn) (octets int, ok bool) {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return 0, false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0, false
	}
	var n int
	var ctlErr error
	err = raw.Control(func(fd uintptr) { n, ctlErr = unix.IoctlGetInt(int(fd), unix.TIOCOUTQ) })
	return n, err == nil && ctlErr == nil
}
