//go:build unix

package main

import (
	"math"
	"syscall"
)

// memoryLimit is how much memory Go can use, in octets; 0: nothing is known to
// limit it. Deliberate: of the limits of a process only that of the data segment
// counts. RLIMIT_AS also counts what is mapped and never used, over a gigabyte of
// Go's, and Linux heeds no RLIMIT_RSS.
func memoryLimit() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_DATA, &limit) != nil || limit.Cur > math.MaxInt64/2 {
		return 0
	}
	return usable(limit.Cur)
}
