//go:build unix

package handover

import (
	"bufio"
	"encoding/json"
	"errors"
	"iter"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// pair is both ends of a talk, of which the old one has a process that it can end.
func pair(t *testing.T) (*Successor, *Predecessor) {
	t.Helper()
	p, err := newPipes()
	if err != nil {
		t.Fatal(err)
	}
	_ = p.theirErrors.Close()
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	before := &Predecessor{in: bufio.NewReader(p.theirIn), inEnd: p.theirIn, out: p.theirOut}
	next := &Successor{
		process: cmd.Process, in: bufio.NewReader(p.in), inEnd: p.in, out: p.out, last: newLastLine(p.errors),
		ended: make(chan struct{}), left: make(chan struct{}),
	}
	go func() {
		defer close(next.ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		before.Close()
		_ = cmd.Process.Kill()
		<-next.ended
		next.hangUp()
	})
	return next, before
}

// gone tells whether the process has ended.
func gone(s *Successor) bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// TestMemory: the next process learns all parts, in order, more than a pipe holds,
// before it may serve; the old one knows that it does, and hangs up behind that.
func TestMemory(t *testing.T) {
	next, before := pair(t)
	var parts []any
	for i := range 1000 {
		parts = append(parts, strings.Repeat("x", i))
	}
	told := make(chan error, 1)
	go func() {
		err := next.Wait(t.Context())
		if err == nil {
			err = next.Serve(slices.Values(parts))
		}
		told <- err
	}()
	var heard []any
	err := before.Ready(func(part json.RawMessage) {
		var text string
		if err := json.Unmarshal(part, &text); err != nil {
			t.Error(err)
		}
		heard = append(heard, text)
	})
	if err != nil || !slices.Equal(heard, parts) {
		t.Errorf("%d of %d parts are heard, or others; %v", len(heard), len(parts), err)
	}
	if len(told) > 0 {
		t.Error("it counts as serving before it says so")
	}
	left := make(chan struct{})
	go func() {
		defer close(left)
		before.Serving()
	}()
	if err := <-told; err != nil {
		t.Error(err)
	}
	select {
	case <-left:
		t.Error("it speaks for the service before the old one has hung up")
	default:
	}
	next.Leave()
	<-left
	if gone(next) {
		t.Error("it was ended")
	}
}

// TestServeFails: a process that doesn't take the last steps holds the old one up for a
// while only, and is ended, so that it can't serve later.
func TestServeFails(t *testing.T) {
	endless := iter.Seq[any](func(yield func(any) bool) {
		for yield(strings.Repeat("x", 1<<10)) {
		}
	})
	for name, test := range map[string]struct {
		memory iter.Seq[any]
		next   func(*Successor, *Predecessor)
		want   string
	}{
		"doesn't listen": {endless, func(*Successor, *Predecessor) {}, errIdle.Error()},
		"doesn't answer": {slices.Values([]any{1}), func(_ *Successor, before *Predecessor) {
			_, _ = before.in.ReadBytes('\n') // what to learn
			_, _ = before.in.ReadBytes('\n') // that it may serve
		}, errIdle.Error()},
		"hangs up": {endless, func(_ *Successor, before *Predecessor) { before.Close() }, errSilent.Error()},
		"ends, but its child has the pipe": {slices.Values([]any{1}), func(next *Successor, _ *Predecessor) {
			_ = next.process.Kill()
		}, errSilent.Error()},
		"fails": {slices.Values([]any{1}), func(_ *Successor, before *Predecessor) {
			before.Fail(strings.Repeat("x", maxRefusal-1) + "ä" + strings.Repeat("x", 100))
		}, strings.Repeat("x", maxRefusal-1) + "\uFFFD"},
		"says something else": {slices.Values([]any{1}), func(_ *Successor, before *Predecessor) {
			before.Fail("")
		}, errNoise.Error()},
		"says noise": {slices.Values([]any{1}), func(_ *Successor, before *Predecessor) {
			_, _ = before.out.WriteString("nonsense\n")
		}, errNoise.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next, before := pair(t)
			if err := say(before.out, answer{Ready: true}); err != nil {
				t.Fatal(err)
			}
			if err := next.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			told := make(chan error, 1)
			go func() { told <- next.Serve(test.memory) }()
			test.next(next, before)
			select {
			case err := <-told:
				if err == nil || !strings.HasPrefix(err.Error(), test.want) || len(err.Error()) > len(test.want)+100 {
					t.Errorf("%v, want %q", err, test.want)
				}
			case <-time.After(10 * tellLimit):
				t.Fatal("the old process is held up")
			}
			if !gone(next) {
				t.Error("it wasn't ended")
			}
		})
	}
}

// TestMemoryCut: what was heard before the old process died counts, and the new one
// serves.
func TestMemoryCut(t *testing.T) {
	next, before := pair(t)
	go func() {
		defer next.hangUp()
		if err := next.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		_ = say(next.out, order[any]{Learn: 1})
		_, _ = next.out.WriteString(`{"learn":`)
	}()
	var heard []string
	if err := before.Ready(func(part json.RawMessage) { heard = append(heard, string(part)) }); err != nil {
		t.Error(err)
	}
	if !slices.Equal(heard, []string{"1"}) {
		t.Errorf("heard %q", heard)
	}
	before.Serving() // to nobody
}

// TestReadyRefused: what isn't an order lets nobody serve.
func TestReadyRefused(t *testing.T) {
	next, before := pair(t)
	if _, err := next.out.WriteString("nonsense\n"); err != nil {
		t.Fatal(err)
	}
	if err := before.Ready(func(json.RawMessage) {}); !errors.Is(err, errNoise) {
		t.Error(err)
	}
}
