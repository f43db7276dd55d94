package logs

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"
)

// TestLinesStayWholeAndInOrder: whoever logs at the same time.
func TestLinesStayWholeAndInOrder(t *testing.T) {
	const writers, each = 20, 500
	to := &target{}
	w := NewWriter(to, WriterOptions{Limit: 16 << 20})
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for j := range each {
				write(t, w, fmt.Sprintf("%d %d %s.", i, j, strings.Repeat("x", j%200)))
			}
		})
	}
	all.Wait()
	closeWriter(t, w)

	next := make([]int, writers)
	for _, line := range to.lines() {
		var i, j int
		if _, err := fmt.Sscanf(line, "%d %d", &i, &j); err != nil || line != fmt.Sprintf("%d %d %s.", i, j, strings.Repeat("x", j%200)) {
			t.Fatalf("not a line that was written: %q", line)
		}
		if j != next[i] {
			t.Fatalf("line %d of writer %d where its line %d was due", j, i, next[i])
		}
		next[i]++
	}
	if slices.Min(next) != each || w.Dropped() != 0 {
		t.Errorf("got of each writer %v, dropped %d", next, w.Dropped())
	}
}

// TestLineIsWrittenAtOnce: a line doesn't wait for the next one.
func TestLineIsWrittenAtOnce(t *testing.T) {
	to := &target{entered: make(chan struct{})}
	w := NewWriter(to, WriterOptions{})
	for range 3 {
		write(t, w, "line")
		<-to.entered
	}
	closeWriter(t, w)
}

// TestLinesShareAWrite: what waits meanwhile goes out together, as far as a
// pipe takes it whole.
func TestLinesShareAWrite(t *testing.T) {
	to := &target{gate: make(chan struct{}), entered: make(chan struct{}, 100)}
	w := NewWriter(to, WriterOptions{})
	write(t, w, "first")
	<-to.entered
	for range 90 {
		write(t, w, strings.Repeat("x", 99)) // 9,000 octets
	}
	write(t, w, strings.Repeat("y", 2*most))
	close(to.gate)
	closeWriter(t, w)
	if to.calls != 1+3+1 || len(to.lines()) != 92 {
		t.Errorf("%d writes for %d lines", to.calls, len(to.lines()))
	}
}

// TestLineFeedIsAdded: two lines are never one.
func TestLineFeedIsAdded(t *testing.T) {
	to := &target{}
	w := NewWriter(to, WriterOptions{})
	for _, part := range []string{"a", "", "b\n", "c"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Errorf("Write: %d, %v", n, err)
		}
	}
	closeWriter(t, w)
	if got := to.lines(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("got %q", got)
	}
}

// TestNoticeLooksLikeTheLog: the line about missing ones is of the log's format.
func TestNoticeLooksLikeTheLog(t *testing.T) {
	for _, json := range []bool{false, true} {
		var want strings.Builder
		hclog.New(&hclog.LoggerOptions{Name: "popgate", JSONFormat: json, Output: &want}).Warn("log lines dropped", "lines", 7)
		render := Notice("popgate", json)
		render(1)
		got := string(render(7))
		if without(got) != without(want.String()) || strings.Count(got, "\n") != 1 {
			t.Errorf("got %q, want but for the time %q", got, want.String())
		}
	}
}

// without takes the time out of a line of the log.
func without(line string) string {
	if before, after, found := strings.Cut(line, `"@timestamp":"`); found {
		_, after, _ = strings.Cut(after, `"`)
		return before + after
	}
	_, rest, _ := strings.Cut(line, " ")
	return rest
}
