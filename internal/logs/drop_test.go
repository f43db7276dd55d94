package logs

import (
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// blocked returns a writer whose target holds on to the line "first".
func blocked(t testing.TB, opts WriterOptions) (*Writer, *target) {
	t.Helper()
	to := &target{gate: make(chan struct{}), entered: make(chan struct{}, 1000)}
	opts.Notice = notice
	w := NewWriter(to, opts)
	write(t, w, "first")
	<-to.entered
	return w, to
}

// TestBlockedTargetTakesNoMemory: and nobody who logs waits for it.
func TestBlockedTargetTakesNoMemory(t *testing.T) {
	const limit, lines = 1 << 20, 200_000
	w, to := blocked(t, WriterOptions{Limit: limit})
	line := []byte(strings.Repeat("x", 299) + "\n")
	before := heap()
	for range lines { // 60 MB
		_, _ = w.Write(line)
	}
	if grown := heap() - before; grown > 3*limit {
		t.Errorf("%d octets more are in use, for a queue of %d", grown, limit)
	}
	if least := uint64(lines - limit/len(line)); w.Dropped() < least {
		t.Errorf("%d lines dropped, want %d at least", w.Dropped(), least)
	}
	close(to.gate)
	closeWriter(t, w)
	if n := cap(w.filling.octets); n > keep {
		t.Errorf("%d octets are kept after the jam", n)
	}
}

// heap is how much memory is in use.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// TestGapIsTold: where lines are missing, the log says how many.
func TestGapIsTold(t *testing.T) {
	var told atomic.Int64
	// Room for four lines of one octet, each with its line feed, and the first one.
	limit := 6 + perLine + 4*(2+perLine)
	w, to := blocked(t, WriterOptions{Limit: limit, OnDrop: func(lines int) { told.Add(int64(lines)) }})
	write(t, w, "a", "b", "c", "d", "e", "f", "g")
	if w.Dropped() != 3 {
		t.Errorf("%d dropped, want 3", w.Dropped())
	}
	to.gate <- struct{}{} // first
	<-to.entered          // a to d, taken with what is missing behind them
	write(t, w, "h")      // still too full
	to.gate <- struct{}{} // a to d
	<-to.entered          // the gap behind them
	write(t, w, "i", "j")
	close(to.gate)
	closeWriter(t, w)

	want := []string{"first", "a", "b", "c", "d", "(3 dropped)", "(1 dropped)", "i", "j"}
	if got := to.lines(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if w.Dropped() != 4 || told.Load() != 4 {
		t.Errorf("%d dropped, %d told, want 4", w.Dropped(), told.Load())
	}
}

// TestGapIsToldWithoutAnotherLine: nobody has to log for it.
func TestGapIsToldWithoutAnotherLine(t *testing.T) {
	w, to := blocked(t, WriterOptions{Limit: 100})
	write(t, w, strings.Repeat("too long ", 20))
	to.gate <- struct{}{}
	<-to.entered // the notice, while nothing else happens
	close(to.gate)
	closeWriter(t, w)
	if got := to.lines(); !slices.Equal(got, []string{"first", "(1 dropped)"}) {
		t.Errorf("got %q", got)
	}
}

// TestGapsAreFew: a target that is too slow gets runs of lines, and not one
// line between two gaps.
func TestGapsAreFew(t *testing.T) {
	line := strings.Repeat("x", most/2-1) // two make a write
	w, to := blocked(t, WriterOptions{Limit: 100 * (most/2 + perLine)})
	for range 900 {
		write(t, w, line, line, line)
		to.gate <- struct{}{}
		<-to.entered
	}
	close(to.gate)
	closeWriter(t, w)
	gaps, lines := 0, 0
	for _, line := range to.lines() {
		if strings.HasPrefix(line, "(") {
			gaps++
		}
		lines++
	}
	if gaps == 0 || gaps > 1+lines/40 {
		t.Errorf("%d gaps in %d lines", gaps, lines)
	}
}
