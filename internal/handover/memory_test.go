package handover

import (
	"bufio"
	"encoding/json"
	"iter"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// pair is both ends of a talk, of which the old one has a process that is ready.
func pair(t *testing.T) (*Successor, *Predecessor) {
	t.Helper()
	p, err := newPipes()
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range []*os.File{p.errors, p.theirErrors} {
		_ = end.Close()
	}
	before := &Predecessor{in: bufio.NewReader(p.theirIn), inEnd: p.theirIn, out: p.theirOut}
	t.Cleanup(before.Close)
	return &Successor{in: p.in, out: p.out}, before
}

// TestMemory: the next process learns all parts, in order, more than a pipe holds,
// and only once it may serve.
func TestMemory(t *testing.T) {
	next, before := pair(t)
	var parts []any
	for i := range 1000 {
		parts = append(parts, strings.Repeat("x", i))
	}
	told := make(chan error)
	go func() { told <- next.Serve(slices.Values(parts)) }()
	if err := before.Ready(); err != nil {
		t.Fatal(err)
	}
	var heard []any
	before.Memory(func(part json.RawMessage) {
		var text string
		if err := json.Unmarshal(part, &text); err != nil {
			t.Error(err)
		}
		heard = append(heard, text)
	})
	if !slices.Equal(heard, parts) {
		t.Errorf("%d of %d parts are heard, or others", len(heard), len(parts))
	}
	if err := <-told; err != nil {
		t.Error(err)
	}
}

// TestMemoryUnheard: a process that may serve and doesn't listen holds the old one up
// for a while only; it isn't ended.
func TestMemoryUnheard(t *testing.T) {
	endless := iter.Seq[any](func(yield func(any) bool) {
		for yield(strings.Repeat("x", 1<<10)) {
		}
	})
	for name, hear := range map[string]func(*Predecessor){
		"hangs":    func(*Predecessor) {},
		"hangs up": (*Predecessor).Close,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next, before := pair(t)
			told := make(chan error)
			go func() { told <- next.Serve(endless) }()
			if err := before.Ready(); err != nil {
				t.Fatal(err)
			}
			hear(before)
			select {
			case err := <-told:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(10 * tellLimit):
				t.Fatal("the old process is held up")
			}
		})
	}
}

// TestMemoryCut: what was heard before the old process died counts.
func TestMemoryCut(t *testing.T) {
	next, before := pair(t)
	if err := say(next.out, permission{Serve: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := next.out.WriteString("[1]\n[2"); err != nil {
		t.Fatal(err)
	}
	if err := before.Ready(); err != nil {
		t.Fatal(err)
	}
	next.hangUp()
	var heard []string
	before.Memory(func(part json.RawMessage) { heard = append(heard, string(part)) })
	if !slices.Equal(heard, []string{"[1]"}) {
		t.Errorf("heard %q", heard)
	}
}
