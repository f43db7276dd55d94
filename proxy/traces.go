package proxy

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
)

// maxTraces is how many traces there may be at once, whether they wait for their
// session or have one.
const maxTraces = 8

// traces are those under way. The zero value is ready.
type traces struct {
	// wanted counts those that wait. It is all that a session looks at
	// if there is none.
	wanted atomic.Int32

	mu      sync.Mutex
	open    int
	begun   uint64   // so far
	waiting []*trace // for their session
}

// begin returns a trace that waits for its session; nil: there are too many.
func (ts *traces) begin(wish TraceOptions) *trace {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.open == maxTraces {
		return nil
	}
	ts.begun++
	t := newTrace(wish, ts.begun)
	ts.open++
	ts.waiting = append(ts.waiting, t)
	ts.count()
	return t
}

// end ends a trace. Call it once.
func (ts *traces) end(t *trace) {
	t.close()
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.open--
	ts.waiting = slices.DeleteFunc(ts.waiting, func(other *trace) bool { return other == t })
	ts.count()
}

// resume has a trace wait again, unless it has ended.
func (ts *traces) resume(t *trace) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t.ended() {
		return // end has been called, or will be
	}
	ts.waiting = append(ts.waiting, t)
	ts.count()
}

// last is the number of the trace that has begun last.
func (ts *traces) last() uint64 {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return ts.begun
}

// claim returns the waiting traces, up to number last, of the user who has these
// names, and is at addr. They wait no longer: each follows one session.
func (ts *traces) claim(who names, addr netip.Addr, last uint64) (claimed []*trace) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.waiting = slices.DeleteFunc(ts.waiting, func(t *trace) bool {
		mine := t.number <= last && who.are(t.user) && t.wish.takes(addr)
		if mine {
			claimed = append(claimed, t)
		}
		return mine
	})
	ts.count()
	return claimed
}

// count needs the lock.
func (ts *traces) count() { ts.wanted.Store(int32(len(ts.waiting))) }
