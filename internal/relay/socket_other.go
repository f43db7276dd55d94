//go:build !linux

package relay

import "net"

// sendQueue is not known here.
func sendQueue(net.Conn) (octets int, ok bool) { return 0, false }

// sendMore sends nothing by itself here.
func sendMore(net.Conn, []byte) int { return 0 }
