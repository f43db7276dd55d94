//go:build unix

package proxy

import "syscall"

func keepAlive(fd uintptr) error {
	return syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1)
}
