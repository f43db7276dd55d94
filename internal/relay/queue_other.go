//go:build !linux

package relay

import "net"

// sendQueue is not known here.
func sendQueue(net.Conn) (octets int, ok bool) { return 0, false }
