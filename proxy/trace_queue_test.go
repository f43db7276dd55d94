package proxy

import (
	"context"
	"errors"
	"io"
	"testing"
)

// A session that has ended is told whole, though popgate shuts down at that moment.
func TestTraceAtTheEndOfAll(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	tr := newTrace(TraceOptions{User: "joe"}, 1)
	tr.add(TraceEvent{Text: "one"})
	cancel()
	if _, err := tr.next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("while the session goes on: %v", err)
	}
	tr.finish(TraceEvent{Text: "two"})
	for _, want := range []string{"one", "two"} {
		if e, err := tr.next(ctx); e.Text != want || err != nil {
			t.Errorf("%+v, %v, want %s", e, err, want)
		}
	}
	if _, err := tr.next(ctx); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}
