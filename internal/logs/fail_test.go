package logs

import (
	"errors"
	"io"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
)

// TestTargetFails: a line that the target refuses is lost and told of, the next
// one is tried. What is there of a line ends before the next one begins.
func TestTargetFails(t *testing.T) {
	full := error(syscall.ENOSPC)
	for _, test := range []struct {
		name    string
		take    func(call, size int) (int, error)
		got     []string
		dropped uint64
	}{
		{"once", func(call, size int) (int, error) {
			if call == 1 {
				return 0, full
			}
			return size, nil
		}, []string{"first", "(1 dropped)", "b", "c"}, 1},
		{"in the middle of the second line", func(call, size int) (int, error) {
			if call == 1 {
				return len("a\n") + 1, io.ErrShortWrite
			}
			return size, nil
		}, []string{"first", "a", "b", "(1 dropped)", "c"}, 1},
		{"without an error", func(call, size int) (int, error) {
			if call == 1 {
				return len("a"), nil
			}
			return size, nil
		}, []string{"first", "a", "(1 dropped)", "b", "c"}, 1},
		{"with an error, but all is there", func(_, size int) (int, error) { return size, full },
			[]string{"first", "a", "b", "c"}, 0},
		{"for a while", func(call, size int) (int, error) {
			if call == 1 || call == 2 {
				return 0, full
			}
			return size, nil
		}, []string{"first", "(2 dropped)", "c"}, 2},
		{"inside the notice", func(call, size int) (int, error) {
			switch call {
			case 1:
				return 0, full
			case 2:
				return len("(1 dr"), full
			}
			return size, nil
		}, []string{"first", "(1 dr", "(2 dropped)", "c"}, 2},
		{"always", func(int, int) (int, error) { return 0, full }, nil, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			var told atomic.Int64
			w, to := blocked(t, WriterOptions{OnDrop: func(lines int) { told.Add(int64(lines)) }})
			to.take = test.take // before the gate opens, which is what orders the two
			write(t, w, "a", "b", "c")
			close(to.gate)
			closeWriter(t, w)
			if got := to.lines(); !slices.Equal(got, test.got) {
				t.Errorf("got %q, want %q", got, test.got)
			}
			if w.Dropped() != test.dropped || uint64(told.Load()) != test.dropped {
				t.Errorf("%d dropped, %d told, want %d", w.Dropped(), told.Load(), test.dropped)
			}
		})
	}
}

// TestEventsAreCountedAsOne: however many lines a bug's stack has.
func TestEventsAreCountedAsOne(t *testing.T) {
	w, to := blocked(t, WriterOptions{})
	to.take = func(call, size int) (int, error) {
		if call == 1 {
			return len("bug:\n  | a\n"), io.ErrShortWrite
		}
		return size, nil
	}
	write(t, w, "bug:\n  | a\n  | b", "next")
	close(to.gate)
	closeWriter(t, w)
	if got := to.lines(); !slices.Equal(got, []string{"first", "bug:", "  | a", "(1 dropped)", "next"}) {
		t.Errorf("got %q", got)
	}
}

// TestFullDevice: a disk without room, as the system has one for tests.
func TestFullDevice(t *testing.T) {
	device, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("this system has no /dev/full")
	} else if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	w := NewWriter(device, WriterOptions{})
	for range 1000 {
		write(t, w, "line")
	}
	closeWriter(t, w)
	if w.Dropped() != 1000 {
		t.Errorf("%d dropped, want all of 1000", w.Dropped())
	}
}
