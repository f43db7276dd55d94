package relay

import (
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Stream is one side of a session: a TLS client, or a backend.
type Stream interface {
	net.Conn
	// CloseWrite tells the peer that nothing more will come.
	CloseWrite() error
}

// Options of a relay. The durations must be positive.
type Options struct {
	// Client is the TLS connection, or for tests anything that can be
	// closed for writing.
	Client Stream
	// Beneath is the transport that Client writes to.
	Beneath *Conn
	// Backend is the plain connection to the maildrop's server.
	Backend Stream

	// FromClient was read from the client before the relay began and goes
	// to the backend first; FromBackend likewise the other way.
	FromClient, FromBackend []byte

	// Idle is how long both directions may be silent. RFC 1939 §3 asks for
	// at least 10 minutes.
	Idle time.Duration
	// Quit is how long a backend may be silent after a QUIT.
	Quit time.Duration
	// HalfClosed is how long a backend may be silent after the client has
	// ended its stream without a QUIT.
	HalfClosed time.Duration

	// ReadOnly lets only commands through that change nothing in the
	// maildrop (STAT, LIST, UIDL, RETR, TOP, NOOP, RSET, CAPA, QUIT). To any
	// other line popgate answers -ERR by itself, when it is its turn. False:
	// commands are not looked at.
	ReadOnly bool

	// Observer is told of commands and status lines. Nil: nobody is, and
	// nothing is looked at.
	Observer Observer

	// Done is called once, when both connections are closed and both
	// goroutines are about to end.
	Done func(Result)
}

// Session is a relay under way.
type Session struct {
	opts    Options
	client  Stream
	beneath *Conn
	backend Stream
	start   time.Time

	gate    gate
	lines   lines    // the gate, or before it the filter of a read-only session
	speaker *speaker // of a read-only session; nil: the client is written to directly

	observer *observer // nil: nobody is told anything

	fromClient, fromBackend atomic.Int64
	heard                   atomic.Int64 // last traffic, ns since start
	quitAt                  atomic.Int64 // when a QUIT went out, ns since start; 0: none did
	quitLast                atomic.Bool  // the last line sent was a QUIT
	inLine                  atomic.Bool  // the backend may have got a part of a line only
	halfClosed              atomic.Bool  // the client has ended its stream
	writing                 atomic.Bool  // a write to the client is under way
	deaf                    atomic.Bool  // writing to the client has failed
	backendReset            atomic.Bool  // writing to the backend has met its RST
	backendGone             atomic.Bool  // the backend has ended; drop what the client still says
	expired                 atomic.Bool  // draining is over for this session

	// turn makes "no QUIT is out, so cut" and "not cut, so send the QUIT"
	// exclude each other. It guards changes of cutting, quitAt and inLine.
	turn    sync.Mutex
	cutting atomic.Bool // both sides are being closed: nothing more goes up

	watch watch
	left  atomic.Int32 // goroutines under way
	end   atomic.Int32 // an End, first come
	fault atomic.Pointer[error]
}

// Start begins to relay and returns at once.
func Start(opts Options) *Session {
	s := &Session{
		opts:    opts,
		client:  opts.Client,
		beneath: opts.Beneath,
		backend: opts.Backend,
		start:   time.Now(),
	}
	s.lines = &s.gate
	s.observer = newObserver(opts.Observer, opts.ReadOnly)
	if opts.ReadOnly {
		s.readOnly()
	}
	if err := s.beneath.begin(); err != nil {
		// Its reader and its writer will meet the same trouble.
		_ = s.beneath.Close()
	}
	s.left.Store(2)
	s.watch.begin(s)
	go s.run(s.up)
	go s.run(s.down)
	return s
}

// readOnly puts the filter before the backend and the speaker before the client.
func (s *Session) readOnly() {
	owed := newOwed()
	s.speaker = newSpeaker(s.client, owed)
	// No command has gone out that it could be the answer to.
	s.speaker.astray = len(s.opts.FromBackend) > 0
	s.lines = &filter{gate: &s.gate, owed: owed}
}

// Bytes returns the octets relayed so far, without TLS and without popgate's
// own refusals and what they answer.
func (s *Session) Bytes() (fromClient, fromBackend int64) {
	return s.fromClient.Load(), s.fromBackend.Load()
}

// Expire ends the session as far as it may be ended: at once, without a QUIT,
// or, if a QUIT is on its way, when the backend has answered it or
// Options.Quit after it was sent.
func (s *Session) Expire() {
	s.expired.Store(true)
	s.watch.wake()
}

// run is one direction. The last one to leave accounts for the session.
func (s *Session) run(direction func()) {
	defer func() {
		if cause := recover(); cause != nil {
			err := fmt.Errorf("panic in relay: %v\n%s", cause, debug.Stack())
			s.fault.Store(&err)
			s.cut(EndFault)
		}
		if s.left.Add(-1) == 0 {
			s.finish()
		}
	}()
	direction()
}

// finish closes what is still open and reports.
func (s *Session) finish() {
	s.watch.stop()
	_ = s.beneath.Close()
	s.hangUp()
	result := Result{End: End(s.end.Load()), Quit: s.quitAt.Load() != 0}
	result.FromClient, result.FromBackend = s.Bytes()
	if err := s.fault.Load(); err != nil {
		result.Err = *err
	}
	s.opts.Done(result)
}

// cut ends both sides at once, without a QUIT (RFC 1939 §6: a session that
// ends any other way than by QUIT removes nothing), and without a word to the
// client (§3).
func (s *Session) cut(end End) {
	s.turn.Lock()
	s.cutting.Store(true)
	s.turn.Unlock()
	s.sever(end)
}

// cutSilent is cut for a limit that was judged when quitAt was at. If a QUIT has
// gone out since, another limit holds, and nothing happens.
func (s *Session) cutSilent(at int64, end End) bool {
	s.turn.Lock()
	if s.quitAt.Load() != at {
		s.turn.Unlock()
		return false
	}
	s.cutting.Store(true)
	s.turn.Unlock()
	s.sever(end)
	return true
}

// sever closes both connections.
func (s *Session) sever(end End) {
	s.ended(end)
	s.hangUp()
	if end.orderly() && !s.writing.Load() {
		// RFC 8446 §6.1: close_notify before the end. The deadline frees
		// a reader that is stuck in a write, which would hold TLS's lock;
		// tls.Conn sets another, of 5 s, for the close_notify itself.
		_ = s.beneath.SetWriteDeadline(time.Now().Add(noticeTime))
		_ = s.client.CloseWrite()
	}
	_ = s.beneath.Close()
}

// hangUp closes the backend's connection. A FIN would end a line that is out in
// part for servers that read with fgets; a RST does not.
func (s *Session) hangUp() {
	if s.inLine.Load() {
		_ = discard(s.backend)
		return
	}
	_ = s.backend.Close()
}

// noticeTime is what a write that is stuck at the end still gets.
const noticeTime = time.Second

// ended records why the session ends; the first reason counts.
func (s *Session) ended(end End) { s.end.CompareAndSwap(int32(EndUnknown), int32(end)) }

// touch notes traffic, in either direction.
func (s *Session) touch() { s.heard.Store(s.now()) }

// now is the time since start, never 0.
func (s *Session) now() int64 { return int64(time.Since(s.start)) + 1 }
