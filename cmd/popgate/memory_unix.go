//go:build unix

package main

import (
	"math"
	"syscall"
)

// segmentMemory is how much memory Go can use, by the limits of the process, in
// octets; 0: none is limited. Deliberate: of these only that of the data segment
// counts. RLIMIT_AS also counts what is mapped and never used, over a gigabyte of
// Go's, and Linux heeds no RLIMIT_RSS.
func segmentMemory() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_DATA, &limit) != nil || limit.Cur > math.MaxInt64/2 {
		return 0
	}
	return usable(limit.Cur)
}
