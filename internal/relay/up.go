package relay

import (
	"errors"
	"io"
	"syscall"
	"time"
)

// up carries the client's lines to the backend, until one of them ends.
func (s *Session) up() {
	for {
		if s.deaf.Load() {
			// Only what is there already is of interest.
			_ = s.client.SetReadDeadline(time.Now().Add(lingerTime))
		}
		room := s.lines.room()
		n, err := s.read(room)
		s.observer.client(room[:n])
		s.lines.add(n)
		if n > 0 {
			s.touch()
			if s.deliver() != nil || s.refuse() != nil {
				// What the backend said before it went is still to be
				// relayed: its reader sees the end, not this one.
				s.ignoreClient()
				return
			}
		}
		if err != nil {
			s.clientEnded(err)
			return
		}
	}
}

// lines takes the client's octets and lets those go on that may: the gate, or
// the filter of a read-only session.
type lines interface {
	// room is where the next octets are to be read; it is never empty
	// after ready and clear.
	room() []byte
	// add tells that n octets were put into room.
	add(n int)
	// ready returns the octets that may go on, and whether a QUIT line is
	// among them and is the last of them. Call clear once they are gone.
	ready() (out []byte, quit, last bool)
	clear()
	// unfinished reports whether the stream stands inside a line, and
	// whether a part of that line is let through already.
	unfinished() (inLine, sent bool)
}

// read takes what came with the login first, then reads the client.
func (s *Session) read(p []byte) (int, error) {
	if len(s.opts.FromClient) > 0 {
		n := copy(p, s.opts.FromClient)
		s.opts.FromClient = s.opts.FromClient[n:]
		return n, nil
	}
	s.opts.FromClient = nil
	return s.client.Read(p)
}

// deliver sends the whole lines that are there.
func (s *Session) deliver() error {
	out, quit, last := s.lines.ready()
	if len(out) == 0 {
		return nil
	}
	before, beforeLast := s.quitAt.Load(), s.quitLast.Load()
	if !s.claim(quit, last) {
		return errCut
	}
	n, err := s.backend.Write(out)
	s.fromClient.Add(int64(n))
	if err != nil && n == 0 {
		s.unclaim(before, beforeLast)
	}
	if err != nil {
		// EPIPE is a backend that has ended in order, ECONNRESET one that
		// has not; the next read would not tell any more.
		s.backendReset.Store(errors.Is(err, syscall.ECONNRESET))
		return err
	}
	_, sent := s.lines.unfinished()
	s.settle(sent)
	s.lines.clear()
	s.touch()
	if last {
		s.watch.adjust()
	}
	return nil
}

// refuse says the refusals that no answer of the backend's will take along.
// Behind the lines that may go on: no client's slowness holds up a QUIT.
func (s *Session) refuse() error {
	switch {
	case s.speaker == nil:
		return nil
	case s.backendGone.Load():
		return errCut
	case s.speaker.owed.due():
		s.send(nil, false)
	}
	return nil
}

// errCut is a session that is being closed by the other direction or a limit.
var errCut = errors.New("the session is cut")

// claim notes what is about to go out, unless the session is being cut. Before
// the write: from then on the lines may be acted upon, and a part of one may be
// all that gets there.
func (s *Session) claim(quit, last bool) bool {
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.cutting.Load() {
		return false
	}
	if quit {
		s.quitAt.Store(s.now())
	}
	s.quitLast.Store(last)
	s.inLine.Store(true)
	return true
}

// unclaim takes back what was noted of lines that did not go out.
func (s *Session) unclaim(quitAt int64, quitLast bool) {
	s.turn.Lock()
	s.quitAt.Store(quitAt)
	s.quitLast.Store(quitLast)
	s.turn.Unlock()
}

// settle notes whether the backend is left inside a line.
func (s *Session) settle(inLine bool) {
	s.turn.Lock()
	s.inLine.Store(inLine)
	s.turn.Unlock()
}

// clientEnded ends the session, or leaves it to the backend to end it.
func (s *Session) clientEnded(err error) {
	if s.backendGone.Load() {
		return
	}
	quit := s.quitAt.Load() != 0
	inLine, _ := s.lines.unfinished()
	switch {
	case quit:
		// A QUIT that went out is carried through, whatever the client
		// does next. Deliberate: no FIN to the backend, which might take
		// it for an abort; it closes by itself after QUIT (RFC 1939 §6).
		s.halfClose()
	case err != io.EOF || s.deaf.Load():
		// Once a write has met the client's RST, a read meets an end only.
		s.cut(EndClientLost)
	case inLine:
		s.cut(EndUnfinished)
	default:
		// The client may still read: half-close, not close.
		s.halfClose()
		_ = s.backend.CloseWrite()
		if s.deaf.Load() {
			s.cut(EndClientLost)
		}
	}
}

// halfClose notes the client's end, from which a shorter silence counts. That begins
// first: else the watch, which may look at any moment, could take the silence before
// it for one behind it.
func (s *Session) halfClose() {
	s.touch()
	s.halfClosed.Store(true)
	s.watch.adjust()
}

// lingerTime is how long a client may take to close after the backend has.
const lingerTime = 5 * time.Second

// ignoreClient reads and drops until the client ends. Closing a socket with
// unread data sends a RST, and a RST can destroy the backend's last words on
// their way to the client.
func (s *Session) ignoreClient() {
	var sink [gateSize]byte
	for {
		if _, err := s.client.Read(sink[:]); err != nil {
			if !s.backendGone.Load() && s.quitAt.Load() == 0 {
				s.cut(EndClientLost)
			}
			return
		}
	}
}
