package main

import (
	"os"
	"runtime/debug"
)

// What memory is there for, in octets.
const (
	// mappedMemory is what Go maps at its start and mostly doesn't touch. It
	// counts against a limit of the data segment.
	mappedMemory = 64 << 20
	// sessionMemory is the memory that there must be for each session. One takes
	// 30 KiB while it is idle and 220 while its client doesn't take what it has
	// asked for (docs/operations.md); this is for the latter and the garbage.
	sessionMemory = 256 << 10
)

// tuneMemory makes Go collect garbage more often before it meets the limit of
// memory, unless the operator has set GOMEMLIMIT.
func tuneMemory() {
	if limit := memoryLimit(); limit > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(limit / 10 * 9))
	}
}

// memoryLimit is how much memory Go can use, in octets; 0: nothing is known to
// limit it.
func memoryLimit() uint64 {
	return lesser(segmentMemory(), groupMemory(os.DirFS("/")))
}

// usable is what Go can use of a data segment, in octets.
func usable(dataSegment uint64) uint64 {
	return max(dataSegment, mappedMemory+sessionMemory) - mappedMemory
}

// sessionsIn is how many sessions fit into so many octets of memory; 0 octets:
// there is no limit, and it is as many as anybody may ask for.
func sessionsIn(memory uint64) int {
	const enough = 1 << 30
	if memory == 0 || memory/sessionMemory > enough {
		return enough
	}
	return int(max(1, memory/sessionMemory))
}
