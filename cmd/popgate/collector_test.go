package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

// TestCollectAt: a small heap may grow to the floor, by up to 400 %, and a large
// one by Go's own rule.
func TestCollectAt(t *testing.T) {
	for _, test := range []struct {
		live uint64 // octets
		want int    // percent
	}{
		{0, 400}, {1, 400}, {1 << 20, 400}, {3 << 20, 400},
		{heapFloor / 5, 400}, {heapFloor / 4, 300}, {heapFloor / 3, 200}, {heapFloor / 2, 100},
		{heapFloor, 100}, {1 << 30, 100}, {math.MaxUint64, 100},
	} {
		if got := collectAt(test.live); got != test.want {
			t.Errorf("%d octets live: %d %%, want %d %%", test.live, got, test.want)
		}
	}
}

// FuzzCollectAt: the percentage is one of a few steps, never below Go's own,
// goes down as the heap grows, and never leads beyond the floor unless Go's own
// does.
func FuzzCollectAt(f *testing.F) {
	for _, live := range []uint64{0, 1, 4 << 20, heapFloor / 2, heapFloor, math.MaxUint64} {
		f.Add(live, uint64(1<<20))
	}
	f.Fuzz(func(t *testing.T, live, more uint64) {
		percent := collectAt(live)
		if percent < 100 || percent > 400 || percent%50 != 0 {
			t.Fatalf("%d octets live: %d %%", live, percent)
		}
		if percent > 100 && live+live/100*uint64(percent) > heapFloor {
			t.Errorf("%d octets live: %d %% leads beyond the floor", live, percent)
		}
		if more <= math.MaxUint64-live && collectAt(live+more) > percent {
			t.Errorf("%d octets more than %d have more than %d %%", more, live, percent)
		}
	})
}

// gcPercent is the percentage in force.
func gcPercent() uint64 {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// TestCollectorHeedsGOGC: what the operator has set stays.
func TestCollectorHeedsGOGC(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(137))
	t.Setenv("GOGC", "137")
	defer tuneCollector()()
	runtime.GC()
	if got := gcPercent(); got != 137 {
		t.Errorf("%d %%, want 137 %%", got)
	}
}

// TestCollectorFollowsTheHeap: a heap that grows large has Go's own rule, and
// one that has shrunk again has not.
func TestCollectorFollowsTheHeap(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	t.Setenv("GOGC", "")
	defer tuneCollector()()
	large := make([]byte, 2*heapFloor)
	collectUntil(t, "100 %", func(percent uint64) bool { return percent == 100 })
	runtime.KeepAlive(large)
	large = nil
	collectUntil(t, "more than 100 %", func(percent uint64) bool { return percent > 100 })
}

// collectUntil collects garbage until the percentage is as wanted: its plan runs
// some time after each collection.
func collectUntil(t testing.TB, what string, wanted func(percent uint64) bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !wanted(gcPercent()); runtime.GC() {
		if time.Now().After(deadline) {
			t.Fatalf("%d %%, want %s", gcPercent(), what)
		}
	}
}
