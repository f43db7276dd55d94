package poptest

import (
	"errors"
	"fmt"
	"net"
	"slices"
)

// ErrCut is what a Write returns that a CutWrite connection didn't make whole.
var ErrCut = errors.New("connection cut by the test")

// wrapped passes on what net.Conn's method set would hide.
type wrapped struct{ net.Conn }

// CloseWrite half-closes the connection beneath, if it can.
func (w wrapped) CloseWrite() error { return FIN(w.Conn) }

// Reset resets the connection beneath, if it can.
func (w wrapped) Reset() error { return RST(w.Conn) }

// FIN half-closes c: CloseWrite, which a *tls.Conn does with close_notify.
func FIN(c net.Conn) error {
	half, ok := c.(interface{ CloseWrite() error })
	if !ok {
		return fmt.Errorf("half-close %T: %w", c, errors.ErrUnsupported)
	}
	return half.CloseWrite()
}

// RST resets c: Reset, or Close without lingering on a *net.TCPConn.
func RST(c net.Conn) error {
	switch c := c.(type) {
	case interface{ Reset() error }:
		return c.Reset()
	case *net.TCPConn:
		return errors.Join(c.SetLinger(0), c.Close())
	}
	return fmt.Errorf("reset %T: %w", c, errors.ErrUnsupported)
}

// SplitEvery returns c with its writes cut into segments of n bytes (n < 1
// counts as 1), counted from the first byte on. The reader of a Pipe sees each
// segment alone; that of a real socket may see several together. One Write at
// a time.
func SplitEvery(c net.Conn, n int) net.Conn {
	n = max(n, 1)
	return newSplit(c, func(at int) int { return at + n - at%n })
}

// SplitAt is SplitEvery with segments that end at the given offsets, counted
// from the first byte that is written.
func SplitAt(c net.Conn, offsets ...int) net.Conn {
	offsets = slices.Sorted(slices.Values(offsets))
	return newSplit(c, func(at int) int {
		for _, offset := range offsets {
			if offset > at {
				return offset
			}
		}
		return -1
	})
}

// split is the connection of SplitEvery and SplitAt.
type split struct {
	wrapped
	border func(at int) int // the first border behind offset at, -1 for none
	at     int              // bytes written so far
}

func newSplit(c net.Conn, border func(int) int) net.Conn {
	if k, ok := c.(interface{ KeepSegments() }); ok {
		k.KeepSegments()
	}
	return &split{wrapped: wrapped{c}, border: border}
}

// Write writes p segment by segment.
func (s *split) Write(p []byte) (int, error) {
	done := 0
	for {
		end := len(p)
		if b := s.border(s.at); b >= 0 {
			end = min(end, done+b-s.at)
		}
		n, err := s.Conn.Write(p[done:end])
		done, s.at = done+n, s.at+n
		if err != nil || done == len(p) {
			return done, err
		}
	}
}

// CutWrite returns c with an end after n written bytes: as soon as the n-th
// byte is written (for 0: at the first Write) how is called, once, and what is
// written later is lost with ErrCut. how is mostly FIN or RST of c or of a
// connection below it.
func CutWrite(c net.Conn, n int, how func() error) net.Conn {
	return &cutWrite{wrapped: wrapped{c}, cut: cut{left: n, how: how}}
}

// CutRead is CutWrite for the other direction: how is called as soon as n
// bytes were read (for 0: at the first Read). Reads go on if c still gives
// anything.
func CutRead(c net.Conn, n int, how func() error) net.Conn {
	return &cutRead{wrapped: wrapped{c}, cut: cut{left: n, how: how}}
}

// cut counts one direction's bytes.
type cut struct {
	left int
	done bool
	how  func() error
}

// pass counts n bytes and cuts if they were the last.
func (c *cut) pass(n int) error {
	c.left -= n
	if c.left > 0 || c.done {
		return nil
	}
	c.done = true
	return c.how()
}

type cutWrite struct {
	wrapped
	cut
}

// Write writes what may still pass of p.
func (c *cutWrite) Write(p []byte) (int, error) {
	if c.done {
		return 0, ErrCut
	}
	var n int
	var err error
	if may := min(len(p), c.left); may > 0 {
		n, err = c.Conn.Write(p[:may])
	}
	if cutting := c.pass(n); cutting != nil {
		return n, errors.Join(err, cutting)
	}
	if err == nil && n < len(p) {
		err = ErrCut
	}
	return n, err
}

type cutRead struct {
	wrapped
	cut
}

// Read reads no further than the cut, until it has happened.
func (c *cutRead) Read(p []byte) (int, error) {
	if !c.done && c.left <= 0 {
		if err := c.pass(0); err != nil {
			return 0, err
		}
	}
	if !c.done && len(p) > c.left {
		p = p[:c.left]
	}
	n, err := c.Conn.Read(p)
	if cutting := c.pass(n); cutting != nil {
		return n, errors.Join(err, cutting)
	}
	return n, err // as it is: callers compare with io.EOF by ==
}
