package logs

import (
	"context"
	"fmt"
	"io"
	"sync"
)

// defaultLimit is how many octets a Writer queues by default.
const defaultLimit = 1 << 20

// WriterOptions are those of a Writer.
type WriterOptions struct {
	// Limit is how many octets are queued, bookkeeping (16 a line) included; 0: 1 MiB.
	// A longer line is never written. The memory taken can be twice that.
	Limit int

	// Notice makes the line that tells how many are missing where it stands,
	// with its line feed; nil: that of a nameless logger of text. See Notice.
	Notice func(lines int) []byte

	// OnDrop is told of lines that are lost, for a counter; nil: nobody is. It
	// runs where somebody logs: it must be quick and must not log.
	OnDrop func(lines int)
}

// Writer is an io.Writer that never lets its callers wait: it queues lines, and
// a goroutine of its own writes them to the target. What finds no room, or what
// the target refuses, is lost, and the log says so in that place.
type Writer struct {
	opts   WriterOptions
	target io.Writer
	wake   chan struct{} // holds one: there may be something to do
	done   chan struct{} // closed at the end of the goroutine

	mu        sync.Mutex
	filling   queue // what the goroutine hasn't taken yet
	used      int   // octets of all that is queued, with what the goroutine has taken
	count     int   // lines of it
	full      bool  // lines are dropped until half of the limit is free
	closed    bool
	abandoned bool // the goroutine ends as soon as the target lets it go
	dropped   uint64

	// Of the goroutine only.
	missing int    // lines lost before the next one, of which the log doesn't tell yet
	torn    bool   // the target took a part of a line last
	scratch []byte // for a notice and what follows it
}

// NewWriter starts a Writer, which Close ends.
func NewWriter(target io.Writer, opts WriterOptions) *Writer {
	if opts.Limit <= 0 {
		opts.Limit = defaultLimit
	}
	if opts.Notice == nil {
		opts.Notice = Notice("", false)
	}
	w := &Writer{opts: opts, target: target, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go w.run()
	return w
}

// Write queues p, one event of the log with its line feed, or drops it whole.
// It waits for nothing and always reports success: a logger could do nothing
// about an error.
func (w *Writer) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if !w.queue(p) {
		w.tell(1)
		return len(p), nil
	}
	w.poke()
	return len(p), nil
}

// queue reports whether there was room for a line.
func (w *Writer) queue(p []byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		w.dropped++
		return false
	}
	cost := lineCost(p)
	// Deliberate: once lines are dropped, more are until half of the queue is free.
	// A slow target then has a log with few gaps, not with one behind each line.
	if w.used+cost > w.opts.Limit || w.full && w.used > w.opts.Limit/2 {
		w.full = true
		w.filling.missed++
		w.dropped++
		return false
	}
	w.full = false
	w.filling.add(p)
	w.used += cost
	w.count++
	return true
}

// poke wakes the goroutine if it sleeps.
func (w *Writer) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *Writer) tell(lines int) {
	if w.opts.OnDrop != nil {
		w.opts.OnDrop(lines)
	}
}

// Dropped returns how many lines were lost so far: those without room, those
// that the target refused, and those written after Close.
func (w *Writer) Dropped() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dropped
}

// Close writes what is queued and ends the goroutine. Lines that come later are
// dropped. At the end of ctx it gives up, and its error says how many lines
// were left; the goroutine then ends when the target's Write returns.
func (w *Writer) Close(ctx context.Context) error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.poke()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.abandoned = true
	return fmt.Errorf("close log: %d lines left: %w", w.count, ctx.Err())
}
