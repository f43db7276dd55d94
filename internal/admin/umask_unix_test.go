//go:build unix

package admin

import "syscall"

// umask sets the process's umask and returns the old one. Tests that use it
// must not be parallel.
func umask(mask int) int { return syscall.Umask(mask) }
