package proxy

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"popgate/internal/route"
)

const (
	maxTraceEvents = 10_000
	maxTraceText   = 500 // octets
	// traceQueue is how many events may wait for a reader.
	traceQueue = 256
)

// trace is one call of [Server.Trace]: a session fills its queue, and the caller
// empties it.
type trace struct {
	wish   TraceOptions
	user   string        // folded
	number uint64        // in the order of their beginnings
	wake   chan struct{} // has room for one: there may be something to read

	mu      sync.Mutex
	session string // its id; "": none yet
	tried   bool   // it has had credentials for the user
	queue   []TraceEvent
	dropped int         // events that came since the queue was full
	told    int         // events that were read
	last    *TraceEvent // comes behind all others
	over    bool        // nothing is taken any more
}

func newTrace(wish TraceOptions, number uint64) *trace {
	return &trace{wish: wish, user: route.Fold(wish.User), number: number, wake: make(chan struct{}, 1)}
}

// follow notes which session it is.
func (t *trace) follow(session string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.session = session
}

// try notes that the session has credentials for the user.
func (t *trace) try() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tried = true
}

// leave reports whether a session that is over, or is somebody else's, wasn't the
// one that was waited for, and forgets it then.
func (t *trace) leave() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tried || t.over {
		return false
	}
	t.session = ""
	return true
}

// followed returns the id of the session; "" if there has been none.
func (t *trace) followed() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.session
}

// add takes an event and never waits. It reports whether anybody still wants one.
func (t *trace) add(e TraceEvent) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.over:
		return false
	case t.dropped > 0, len(t.queue) == traceQueue:
		// Once one is missing, those up to the next look of the reader
		// are too: the gap is in one place, and has a size.
		t.dropped++
	default:
		t.queue = append(t.queue, e)
	}
	t.rouse()
	return true
}

// finish takes the last event, which isn't left out.
func (t *trace) finish(e TraceEvent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over {
		t.last, t.over = &e, true
		t.rouse()
	}
}

// close takes nothing any more.
func (t *trace) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
}

// ended reports whether nothing is taken any more.
func (t *trace) ended() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.over
}

// rouse wakes the reader. It needs the lock.
func (t *trace) rouse() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// next waits for the next event. Its errors: io.EOF behind the last one, and that
// of ctx, unless all that will come is there.
func (t *trace) next(ctx context.Context) (TraceEvent, error) {
	for {
		// What a session that has ended has left is told in any case: popgate
		// may be shutting down, which ends both.
		if err := ctx.Err(); err != nil && !t.ended() {
			return TraceEvent{}, err
		}
		e, ok, over := t.take()
		switch {
		case ok:
			return e, nil
		case over:
			return TraceEvent{}, io.EOF
		}
		select {
		case <-t.wake:
		case <-ctx.Done():
		}
	}
}

// take returns the next event, if there is one, and whether there will be none.
func (t *trace) take() (e TraceEvent, ok, over bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case len(t.queue) > 0:
		e = t.queue[0]
		t.queue = slices.Delete(t.queue, 0, 1)
	case t.dropped > 0:
		e = t.note(fmt.Sprintf("%d events are left out: they came faster than they were read", t.dropped))
		t.dropped = 0
	case t.last != nil:
		e, t.last = *t.last, nil
	default:
		return TraceEvent{}, false, t.over
	}
	t.told++
	if t.told == maxTraceEvents && !(t.over && len(t.queue) == 0 && t.last == nil) {
		e = t.note(fmt.Sprintf("the trace ends here, with its event number %d; the session goes on", t.told))
		t.queue, t.dropped, t.last, t.over = nil, 0, nil, true
	}
	return e, true, false
}

// note is an event about the trace itself.
func (t *trace) note(text string) TraceEvent {
	return TraceEvent{Time: time.Now(), Session: t.session, From: "note", Text: text}
}
