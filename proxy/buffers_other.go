//go:build !linux

package proxy

import "net"

func (buffers) bound(net.Conn) {}
