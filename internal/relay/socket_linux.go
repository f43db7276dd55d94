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

// sendMore sends p, which CloseWrite is to follow, so that the FIN can leave in
// the same segment. It never waits; it returns how many octets it sent.
func sendMore(conn net.Conn, p []byte) int {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0
	}
	sent := 0
	err = raw.Control(func(fd uintptr) {
		n, err := unix.SendmsgN(int(fd), p, nil, nil, unix.MSG_MORE|unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		if err == nil {
			sent = n
		}
	})
	if err != nil {
		return 0
	}
	return sent
}
