package relay

import (
	"sync"
	"time"
)

// looks is how often, within a limit, the watch looks at a session.
const looks = 4

// watch ends a session that is silent for too long. It looks a few times
// within a limit instead of moving a deadline at every read.
type watch struct {
	s *Session

	mu    sync.Mutex
	queue int // octets in the client's send queue at the last look

	expireBy int64 // ns since start; 0: no QUIT was out when the session expired
	timer    *time.Timer
	stopped  bool
}

func (w *watch) begin(s *Session) {
	w.s = s
	w.mu.Lock()
	defer w.mu.Unlock()
	limit, _ := s.limit()
	w.timer = time.AfterFunc(limit/looks, w.look)
}

// wake makes the watch look now.
func (w *watch) wake() { w.again(0) }

// adjust plans the next look anew: another limit is in force.
func (w *watch) adjust() {
	if w.s.expired.Load() {
		return // Expire's own time is running
	}
	limit, _ := w.s.limit()
	w.again(limit / looks)
}

func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.timer.Stop()
}

func (w *watch) again(after time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.stopped {
		w.timer.Reset(after)
	}
}

// look ends the session or plans the next look.
func (w *watch) look() {
	s := w.s
	if w.shrunk() {
		s.touch()
	}
	if s.expired.Load() {
		s.expire(w)
		return
	}
	at := s.quitAt.Load()
	limit, end := s.limit()
	left := limit - time.Duration(s.now()-s.heard.Load())
	if left <= 0 {
		if s.cutSilent(at, end) {
			return
		}
		left = limit // a QUIT has just gone out
	}
	w.again(min(left, limit/looks))
}

// shrunk reports whether the client has taken some of what waits for it since
// the last look. A slow reader is not silent: its system acknowledges what it
// reads, long before the write that filled the queue returns, and long after
// the last one has.
func (w *watch) shrunk() bool {
	queue, ok := sendQueue(w.s.beneath.Conn)
	w.mu.Lock()
	defer w.mu.Unlock()
	shrunk := ok && queue < w.queue
	w.queue = queue
	return shrunk
}

// limit returns the silence that is allowed now, and the end if it lasts.
// RFC 1939 §6 and rule 10 of the design: once a QUIT is out nothing shorter
// than Options.Quit cuts the session.
func (s *Session) limit() (time.Duration, End) {
	quit := s.quitAt.Load() != 0
	switch {
	case quit && (s.halfClosed.Load() || s.quitLast.Load()) && !s.writing.Load():
		return s.opts.Quit, EndQuitTimeout
	case quit:
		return max(s.opts.Quit, s.opts.Idle), EndIdle
	case s.halfClosed.Load() && !s.writing.Load():
		return s.opts.HalfClosed, EndHalfClosed
	}
	return s.opts.Idle, EndIdle
}

// expire cuts the session, or waits for the answer to the QUIT that was out
// when it was first called; later ones give no more time.
func (s *Session) expire(w *watch) {
	at := s.quitAt.Load()
	w.mu.Lock()
	if w.expireBy == 0 && at != 0 {
		w.expireBy = at + int64(s.opts.Quit)
	}
	left := time.Duration(w.expireBy - s.now())
	w.mu.Unlock()
	if left > 0 {
		w.again(left)
		return
	}
	if !s.cutSilent(at, EndDrained) {
		w.again(0)
	}
}
