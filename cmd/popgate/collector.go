package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// heapFloor is the size up to which the heap may grow before it is collected.
// Go's own rule, twice what is live, collects a small heap many times a second
// under load: at 4 MiB that was a twentieth of all CPU (docs/performance.md). From
// half the floor on, Go's rule holds.
const heapFloor = 16 << 20 // octets

// tuneCollector keeps the floor until stop is called, unless the operator has set
// GOGC. It works in the runtime's own rhythm: a cleanup after each collection plans
// the next.
func tuneCollector() (stop func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	current := 100
	var mu sync.Mutex
	stopped := false
	var plan func(int)
	plan = func(int) {
		mu.Lock()
		defer mu.Unlock()
		if stopped {
			return
		}
		metrics.Read(live)
		if percent := collectAt(live[0].Value.Uint64()); percent != current {
			current = percent
			debug.SetGCPercent(percent)
		}
		runtime.AddCleanup(new(sentinel), plan, 0)
	}
	plan(0)
	return func() {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
	}
}

// sentinel is garbage at once, so that the next collection runs its cleanup. It
// has a pointer, as tiny objects without one share their memory.
type sentinel struct{ _ *int }

// collectAt is the percentage of growth that brings a heap of live octets to
// the floor, in steps, as each change stops the world for a moment. Four times
// Go's smallest heap is the floor itself.
func collectAt(live uint64) int {
	const step = 50
	percent := 100 * (float64(heapFloor)/math.Max(float64(live), 1) - 1)
	return int(math.Min(math.Max(percent, 100), 400)) / step * step
}
