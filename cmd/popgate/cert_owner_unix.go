//go:build unix

package main

import (
	"os"
	"syscall"
)

// foreignOwner returns the owner of a folder if that is another user and this is
// root, whose files that one could not read.
func foreignOwner(folder string) (uid int, foreign bool) {
	info, err := os.Stat(folder)
	if err != nil || os.Geteuid() != 0 {
		return 0, false
	}
	status, ok := info.Sys().(*syscall.Stat_t)
	if !ok || status.Uid == 0 {
		return 0, false
	}
	return int(status.Uid), true
}
