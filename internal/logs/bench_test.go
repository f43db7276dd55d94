package logs

import (
	"context"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

// BenchmarkWrite: what a line costs whoever logs it, and the goroutine that
// writes it to a target without costs. None is dropped.
func BenchmarkWrite(b *testing.B) {
	line := []byte(strings.Repeat("x", 299) + "\n")
	w := NewWriter(io.Discard, WriterOptions{})
	b.ReportAllocs()
	b.SetBytes(int64(len(line)))
	for i := 0; b.Loop(); i++ {
		_, _ = w.Write(line)
		for i%100 == 99 && w.waiting() > keep/4 {
			runtime.Gosched()
		}
	}
	_ = w.Close(context.Background())
	if w.Dropped() > 0 {
		b.Errorf("%d lines dropped", w.Dropped())
	}
}

// waiting is how many octets are queued.
func (w *Writer) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.used
}

// BenchmarkWriteBlocked: likewise, when there is no room.
func BenchmarkWriteBlocked(b *testing.B) {
	line := []byte(strings.Repeat("x", 299) + "\n")
	w, to := blocked(b, WriterOptions{Limit: 1000})
	b.ReportAllocs()
	for b.Loop() {
		_, _ = w.Write(line)
	}
	close(to.gate)
	_ = w.Close(context.Background())
}

// BenchmarkExclude: what sampling adds to a line.
func BenchmarkExclude(b *testing.B) {
	args := []any{"session", "x-1", "error", "refused", "backend", "east"}
	for _, level := range []hclog.Level{hclog.Info, hclog.Warn} {
		b.Run(level.String(), func(b *testing.B) {
			s := NewSampler(SamplerOptions{})
			b.ReportAllocs()
			for b.Loop() {
				s.Exclude(level, "backend is down", args...)
			}
		})
	}
}
