//go:build !linux

package proxy

import "net"

// keepAliveTimes leaves those that Go sets.
func keepAliveTimes(uintptr) net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: -1, Interval: -1, Count: -1}
}
