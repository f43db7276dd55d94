//go:build unix

package main

import "syscall"

// raiseDescriptors raises the soft limit of descriptors as far as it goes, and
// returns it.
func raiseDescriptors() (uint64, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	if raised := limit; raised.Cur < raised.Max {
		raised.Cur = raised.Max
		// Some systems allow less than they say; then the old limit stays.
		if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
			limit = raised
		}
	}
	return limit.Cur, nil
}
