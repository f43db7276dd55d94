//go:build unix

package relay

import (
	"io"
	"syscall"
)

// source takes a buffer only when there is something to read, where the
// backend is a real socket.
func (s *Session) source() source {
	if conn, ok := s.backend.(syscall.Conn); ok {
		if raw, err := conn.SyscallConn(); err == nil {
			f := &fastSource{raw: raw}
			f.try = f.tryRead
			return f
		}
	}
	return &plainSource{from: s.backend}
}

// fastSource reads from a descriptor when it is readable: an idle session
// holds no buffer.
type fastSource struct {
	raw syscall.RawConn
	try func(fd uintptr) bool // tryRead, made once

	buf *[]byte
	n   int
	err error
}

func (f *fastSource) read() ([]byte, error) {
	if err := f.raw.Read(f.try); err != nil {
		f.n = 0
		f.done()
		return nil, err
	}
	switch {
	case f.err != nil:
		return nil, f.err
	case f.n == 0:
		return nil, io.EOF
	}
	return (*f.buf)[:f.n], nil
}

// tryRead reads once; false: nothing there yet, wait.
func (f *fastSource) tryRead(fd uintptr) bool {
	if f.buf == nil {
		f.buf = chunks.Get().(*[]byte)
	}
	for {
		f.n, f.err = syscall.Read(int(fd), *f.buf)
		if f.err != syscall.EINTR {
			break
		}
	}
	if f.err == syscall.EAGAIN {
		f.done()
		return false
	}
	f.n = max(f.n, 0)
	return true
}

func (f *fastSource) done() {
	if f.buf != nil {
		chunks.Put(f.buf)
		f.buf = nil
	}
}

// ended peeks. It spares the last answer of a session a packet of its own: most
// servers have closed by the time that it is relayed.
func (f *fastSource) ended() bool {
	ended := false
	err := f.raw.Control(func(fd uintptr) {
		var one [1]byte
		n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		ended = n == 0 && err == nil
	})
	return ended && err == nil
}
