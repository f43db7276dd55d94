package proxy

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// bound bounds what the kernel keeps of conn. What is on its way to the peer
// stays as much as a long way needs. It is done for each connection, as those
// that come to a socket of MPTCP don't inherit it; where it can't be done, the
// kernel's own bounds hold.
func (b buffers) bound(conn net.Conn) {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, b.unread)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, b.unsent)
	})
}
