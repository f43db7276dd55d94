package relay

import (
	"io"
	"time"
)

// down carries the backend's bytes to the client, until one of them ends.
func (s *Session) down() {
	source := s.source()
	deaf := !s.pass(s.opts.FromBackend)
	s.opts.FromBackend = nil
	for {
		buf, err := source.read()
		if len(buf) > 0 {
			s.touch()
			s.fromBackend.Add(int64(len(buf)))
			deaf = deaf || s.send(buf) != nil
		}
		source.done()
		switch {
		case err != nil:
			s.backendEnded(err)
			return
		case deaf && s.quitAt.Load() == 0:
			s.cut(EndClientLost)
			return
		}
		// A client that went away after its QUIT: the backend's output is
		// read and dropped, so that it gets to that QUIT and carries it out.
	}
}

// pass sends what came with the login.
func (s *Session) pass(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	s.fromBackend.Add(int64(len(b)))
	return s.send(b) == nil
}

// send writes to the client; all TLS records of b go out in one write.
func (s *Session) send(b []byte) error {
	envelope := envelopes.Get().(*[]byte)
	defer envelopes.Put(envelope)
	s.writing.Store(true)
	s.beneath.hold(*envelope)
	_, err := s.client.Write(b)
	if flushErr := s.beneath.release(); err == nil {
		err = flushErr
	}
	s.writing.Store(false)
	if err == nil {
		s.touch()
	}
	return err
}

// backendEnded passes the end on to the client and gives it a moment to close.
func (s *Session) backendEnded(err error) {
	s.backendGone.Store(true)
	_ = s.backend.Close()
	switch {
	case s.quitAt.Load() != 0:
		s.ended(EndQuit)
	case err == io.EOF:
		s.ended(EndBackendClosed)
	default:
		s.ended(EndBackendLost)
	}
	_ = s.beneath.SetWriteDeadline(time.Now().Add(noticeTime))
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

func (p *plainSource) done() {
	if p.buf != nil {
		chunks.Put(p.buf)
		p.buf = nil
	}
}
