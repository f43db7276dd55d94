package main

import (
	"math"
	"testing"
)

// TestSessionsIn: a session for each 256 KiB of what Go can use.
func TestSessionsIn(t *testing.T) {
	const enough = 1 << 30
	for _, test := range []struct {
		memory uint64
		want   int
	}{
		{0, enough}, {1, 1}, {sessionMemory, 1}, {2 * sessionMemory, 2}, {192 << 20, 768}, {1 << 30, 4096}, {math.MaxUint64, enough},
	} {
		if got := sessionsIn(test.memory); got != test.want {
			t.Errorf("%d octets: %d sessions, want %d", test.memory, got, test.want)
		}
	}
}

// FuzzUsable: a limited data segment never becomes an unlimited one, nor more
// than there is.
func FuzzUsable(f *testing.F) {
	for _, n := range []uint64{0, 1, mappedMemory, mappedMemory + 1, 256 << 20, math.MaxInt64, math.MaxUint64} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, segment uint64) {
		got := usable(segment)
		if got == 0 || got > segment && got != sessionMemory {
			t.Errorf("of %d octets %d can be used", segment, got)
		}
		if more := segment + 1; more != 0 && usable(more) < got {
			t.Errorf("an octet more than %d makes fewer usable", segment)
		}
	})
}
