package logs

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestCloseGivesUp: a blocked target doesn't hold up the end, and what is left
// is said.
func TestCloseGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, to := blocked(t, WriterOptions{})
		write(t, w, "a", "b")
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := w.Close(ctx)
		if err == nil || !errors.Is(err, context.DeadlineExceeded) || err.Error() != "close log: 3 lines left: context deadline exceeded" {
			t.Errorf("Close: %v", err)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %v", took)
		}
		write(t, w, "c")
		close(to.gate)
		synctest.Wait()
		// The write under way ends as it may; nothing follows.
		if got := to.lines(); !slices.Equal(got, []string{"first"}) {
			t.Errorf("got %q", got)
		}
	})
}

// TestCloseWaits: a target that is only slow gets all lines.
func TestCloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, to := blocked(t, WriterOptions{})
		write(t, w, "a", "b")
		time.AfterFunc(time.Second, func() { close(to.gate) })
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := w.Close(ctx); err != nil {
			t.Error(err)
		}
		if got := to.lines(); !slices.Equal(got, []string{"first", "a", "b"}) {
			t.Errorf("got %q", got)
		}
	})
}

// TestWriteAfterClose: it goes nowhere but into the count.
func TestWriteAfterClose(t *testing.T) {
	to := &target{}
	w := NewWriter(to, WriterOptions{Notice: notice})
	write(t, w, "a")
	closeWriter(t, w)
	write(t, w, "b", "c")
	closeWriter(t, w)
	if got := to.lines(); !slices.Equal(got, []string{"a"}) || w.Dropped() != 2 {
		t.Errorf("got %q, dropped %d", got, w.Dropped())
	}
}
