package proxy

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// keepAliveTimes are those that a socket has: the system's, or those of a socket
// unit of systemd.
func keepAliveTimes(fd uintptr) net.KeepAliveConfig {
	// Linux' defaults, where an MPTCP socket doesn't tell.
	idle, interval, count := 7200, 75, 9
	for _, option := range []struct {
		name int
		into *int
	}{{unix.TCP_KEEPIDLE, &idle}, {unix.TCP_KEEPINTVL, &interval}, {unix.TCP_KEEPCNT, &count}} {
		if value, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, option.name); err == nil {
			*option.into = value
		}
	}
	return net.KeepAliveConfig{
		Enable: true, Idle: time.Duration(idle) * time.Second, Interval: time.Duration(interval) * time.Second, Count: count,
	}
}
