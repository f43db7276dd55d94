package logs

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what should be there at once.
const patience = 30 * time.Second

// target is where a test's log goes.
type target struct {
	gate    chan struct{}                     // if not nil, a write waits to receive from it
	entered chan struct{}                     // if not nil, a write that begins sends to it
	take    func(call, size int) (int, error) // how much of a write is taken; nil: all

	mu    sync.Mutex
	calls int
	got   bytes.Buffer
}

func (g *target) Write(p []byte) (int, error) {
	if g.entered != nil {
		g.entered <- struct{}{}
	}
	if g.gate != nil {
		<-g.gate
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	n, err := len(p), error(nil)
	if g.take != nil {
		n, err = g.take(g.calls, len(p))
	}
	g.calls++
	g.got.Write(p[:n])
	return n, err
}

// lines are what the target has got so far, without line feeds.
func (g *target) lines() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	text := strings.TrimSuffix(g.got.String(), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// notice is short, for tests to compare.
func notice(lines int) []byte { return fmt.Appendf(nil, "(%d dropped)\n", lines) }

// write writes lines.
func write(t testing.TB, w *Writer, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if n, err := w.Write([]byte(line + "\n")); n != len(line)+1 || err != nil {
			t.Errorf("Write: %d, %v", n, err)
		}
	}
}

// closeWriter closes a writer whose target isn't blocked.
func closeWriter(t testing.TB, w *Writer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.Close(ctx); err != nil {
		t.Error(err)
	}
}
