package relay

import (
	"errors"
	"io"
	"time"
)

// down carries the backend's bytes to the client, until one of them ends.
func (s *Session) down() {
	defer s.hush() // wakes the other direction
	source := s.source()
	s.pass(s.opts.FromBackend)
	s.opts.FromBackend = nil
	for {
		buf, err := source.read()
		if len(buf) > 0 {
			s.touch()
			s.fromBackend.Add(int64(len(buf)))
			s.observer.backend(buf)
			if err == nil && s.quitLast.Load() && source.ended() {
				err = io.EOF
			}
			s.send(buf, err == io.EOF)
		}
		source.done()
		if err != nil {
			s.backendEnded(err)
			return
		}
	}
}

// pass sends what came with the login.
func (s *Session) pass(b []byte) {
	if len(b) > 0 {
		s.fromBackend.Add(int64(len(b)))
		s.observer.backend(b)
		s.send(b, false)
	}
}

// send writes to the client, unless it is gone; the last chunk takes the end of
// the stream along.
func (s *Session) send(b []byte, last bool) {
	if s.deaf.Load() {
		return
	}
	err := s.write(b, last)
	switch {
	case err == nil:
		return
	case errors.Is(err, errAstray):
		s.cut(EndProtocol)
		return
	}
	// A client that went away may have left commands and a QUIT behind, which
	// are still on their way up. Until the other direction has come to
	// their end, what the backend says is read and dropped.
	s.deaf.Store(true)
	s.hush()
	_ = s.client.SetReadDeadline(time.Now().Add(lingerTime))
	if s.halfClosed.Load() && s.quitAt.Load() == 0 {
		s.cut(EndClientLost)
	}
}

// hush lets no refusal be said any more, and none be waited for.
func (s *Session) hush() {
	if s.speaker != nil {
		s.speaker.owed.stop()
	}
}

// write writes to the client; all TLS records of b go out in one write.
func (s *Session) write(b []byte, last bool) error {
	to := io.Writer(s.client)
	if s.speaker != nil {
		s.speaker.take()
		defer s.speaker.give()
		to = s.speaker
	}
	envelope := envelopes.Get().(*[]byte)
	defer envelopes.Put(envelope)
	s.writing.Store(true)
	defer s.writing.Store(false)
	s.beneath.hold(*envelope)
	defer s.beneath.letGo()
	_, err := to.Write(b)
	if last && err == nil {
		// tls.Conn leaves a deadline behind that is over, as it expects
		// its close_notify to be the last that is written.
		err = errors.Join(s.client.CloseWrite(), s.beneath.SetWriteDeadline(time.Time{}))
	}
	if flushErr := s.beneath.release(last); err == nil {
		err = flushErr
	}
	if err == nil {
		s.touch() // before writing is over, as the limits depend on both
	}
	return err
}

// backendEnded passes the end on to the client and gives it a moment to close.
func (s *Session) backendEnded(err error) {
	if s.cutting.Load() {
		return
	}
	s.backendGone.Store(true)
	s.hangUp()
	quit := s.quitAt.Load() != 0
	if err == io.EOF && s.backendReset.Load() && !quit {
		// A write has met the backend's RST; after that a read meets an end
		// only, though what was on its way is lost.
		err = io.ErrUnexpectedEOF
	}
	switch {
	case quit && err == io.EOF:
		s.ended(EndQuit)
	case s.halfClosed.Load() && err == io.EOF:
		s.ended(EndClientClosed)
	case err == io.EOF:
		s.ended(EndBackendClosed)
	default:
		s.ended(EndBackendLost)
	}
	_ = s.beneath.SetWriteDeadline(time.Now().Add(noticeTime))
	if s.speaker != nil {
		// A refusal under way must not meet the FIN, and none may follow it.
		s.speaker.take()
		defer s.speaker.give()
		s.hush()
	}
	if err == io.EOF {
		_ = s.client.CloseWrite()
	}
	// Else no close_notify: the client must not take what it has for whole.
	_ = s.beneath.CloseWrite()
	_ = s.client.SetReadDeadline(time.Now().Add(lingerTime))
}

// source reads the backend's bytes. A read's buffer is valid until done.
type source interface {
	read() ([]byte, error)
	done()
	// ended reports, without waiting, whether nothing but the end follows.
	ended() bool
}

// plainSource holds its buffer while it waits.
type plainSource struct {
	from io.Reader
	buf  *[]byte
}

func (p *plainSource) read() ([]byte, error) {
	p.buf = chunks.Get().(*[]byte)
	n, err := p.from.Read(*p.buf)
	return (*p.buf)[:n], err
}

func (p *plainSource) ended() bool { return false }

func (p *plainSource) done() {
	if p.buf != nil {
		chunks.Put(p.buf)
		p.buf = nil
	}
}
