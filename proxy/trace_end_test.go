package proxy_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"popgate/internal/poptest"
	"popgate/proxy"
)

// A reader who never comes back holds nobody up.
func TestTraceOfASlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, poptest.Answers("+OK\r\n", choosy))
		defer h.close()
		enough, told := make(chan struct{}), ""
		done := make(chan error, 1)
		go func() {
			done <- h.server.Trace(t.Context(), proxy.TraceOptions{User: "joe"}, func(e proxy.TraceEvent) error {
				<-enough
				told += e.From + ": " + e.Text + "\n"
				return nil
			})
		}()
		h.log.await(t, "trace begins", 1)
		m := h.from(t, "198.51.100.7")
		m.chat(t, "USER joe", "PASS sesame")
		for range 1000 {
			m.chat(t, "NOOP")
		}
		_, _ = io.WriteString(m, "QUIT\r\n")
		m.rest(t)
		close(enough)
		if err := <-done; err != nil {
			t.Error(err)
		}
		lines := strings.Split(strings.TrimSuffix(told, "\n"), "\n")
		if len(lines) > 260 || !strings.Contains(told, " events are left out") || !strings.HasPrefix(lines[len(lines)-1], "note: the session ends: quit") {
			t.Errorf("%d events, the last ones %q", len(lines), lines[max(0, len(lines)-3):])
		}
	})
}

// Every way for a trace to end leaves room for the next one.
func TestTraceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, poptest.Answers("+OK\r\n", choosy))
		defer h.close()
		var readers []*reader
		for range 8 {
			readers = append(readers, h.trace(t, "ann"))
		}
		if err := h.server.Trace(t.Context(), proxy.TraceOptions{User: "ann"}, nil); !errors.Is(err, proxy.ErrTooManyTraces) {
			t.Errorf("a ninth trace: %v", err)
		}
		for _, r := range readers {
			r.stopped(t)
		}

		broken := errors.New("nobody reads")
		done := make(chan error, 1)
		go func() {
			done <- h.server.Trace(t.Context(), proxy.TraceOptions{User: "joe"}, func(proxy.TraceEvent) error { return broken })
		}()
		h.log.await(t, "trace begins", 9)
		m := h.from(t, "198.51.100.7")
		m.chat(t, "USER joe")
		if err := <-done; !errors.Is(err, broken) {
			t.Errorf("the trace ends with %v", err)
		}
		// The session has no trace any more, and goes on; a new trace waits for the next one.
		next := h.trace(t, "joe")
		m.chat(t, "PASS sesame", "STAT")
		_, _ = io.WriteString(m, "QUIT\r\n")
		m.rest(t)
		next.stopped(t)

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := h.server.Trace(ctx, proxy.TraceOptions{User: "joe"}, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("a trace without time: %v", err)
		}
	})
}

// A trace has 10,000 events at the most.
func TestTraceIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, poptest.Answers("+OK\r\n", choosy))
		defer h.close()
		r := h.trace(t, "joe")
		m := h.from(t, "198.51.100.7")
		m.chat(t, "USER joe", "PASS sesame")
		for range 5100 {
			m.chat(t, "NOOP")
			synctest.Wait()
		}
		told := r.ends(t)
		if n := strings.Count(told, "\n"); n != 10000 || !strings.HasSuffix(told, "the session goes on\n") {
			t.Errorf("%d events, at the end %q", n, told[len(told)-100:])
		}
		m.chat(t, "NOOP")
		_ = m.under.Close()
	})
}
