package poptest

import (
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// Conn is one end of a Pipe. It behaves as a TCP connection on Linux with a
// network that takes no time: errors are *net.OpError with the errno that the
// kernel would give. All methods may be called from several goroutines.
type Conn struct {
	link *link
	peer *Conn
	rx   *half // what the peer wrote
	tx   *half // what this end wrote

	// All below is guarded by link.mu.
	local, remote   net.Addr
	readBy, writeBy deadline
	writing         bool // a Write is under way; another one waits its turn
	closed          bool // by this end
	reset           bool // by the peer, or because the peer's end lost data
}

// Read returns bytes that the peer wrote, then io.EOF after its CloseWrite or
// Close. After a reset it fails with ECONNRESET. A deadline that has passed
// comes before waiting bytes, as in package net.
func (c *Conn) Read(p []byte) (int, error) {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, c.failure("read", net.ErrClosed)
		case c.readBy.passed():
			return 0, c.failure("read", os.ErrDeadlineExceeded)
		case len(p) == 0:
			return 0, nil
		case len(c.rx.buf) > 0:
			n := c.rx.take(p)
			c.link.changed.Broadcast()
			return n, nil
		case c.reset:
			return 0, c.failure("read", os.NewSyscallError("read", syscall.ECONNRESET))
		case c.rx.fin:
			return 0, io.EOF
		}
		c.link.changed.Wait()
	}
}

// Write hands p to the peer and waits while its buffer is full. With an error
// it says how many bytes were taken before. It fails with EPIPE once this end
// has called CloseWrite or the peer has closed, with ECONNRESET after a reset.
// Writes of several goroutines don't mix.
func (c *Conn) Write(p []byte) (int, error) {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	for c.writing {
		if err := c.writeError(); err != nil {
			return 0, err
		}
		c.link.changed.Wait()
	}
	c.writing = true
	defer func() {
		c.writing = false
		c.link.changed.Broadcast()
	}()
	for n := 0; ; {
		if err := c.writeError(); err != nil {
			return n, err
		}
		if put := c.tx.put(p[n:]); put > 0 {
			n += put
			c.link.changed.Broadcast()
		}
		if n == len(p) {
			return n, nil
		}
		c.link.changed.Wait()
	}
}

// writeError says why nothing can be written now, nil if it can.
func (c *Conn) writeError() error {
	switch {
	case c.closed:
		return c.failure("write", net.ErrClosed)
	case c.writeBy.passed():
		return c.failure("write", os.ErrDeadlineExceeded)
	case c.reset:
		return c.failure("write", os.NewSyscallError("write", syscall.ECONNRESET))
	case c.tx.fin, c.peer.closed:
		return c.failure("write", os.NewSyscallError("write", syscall.EPIPE))
	}
	return nil
}

// CloseWrite sends a FIN: the peer reads what is on its way, then io.EOF.
func (c *Conn) CloseWrite() error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.closed {
		return c.failure("close", net.ErrClosed)
	}
	c.tx.fin = true
	c.link.changed.Broadcast()
	return nil
}

// Close ends both directions. As with TCP, bytes that this end hasn't read
// turn the FIN into a reset: the peer still reads what was written before,
// then gets ECONNRESET in place of io.EOF.
func (c *Conn) Close() error { return c.end(false) }

// Reset ends both directions with an RST. What the peer hasn't read is lost.
func (c *Conn) Reset() error { return c.end(true) }

func (c *Conn) end(rst bool) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.closed {
		return c.failure("close", net.ErrClosed)
	}
	c.closed = true
	c.readBy.stop()
	c.writeBy.stop()
	if rst || len(c.rx.buf) > 0 {
		c.peer.reset = true
	}
	if rst {
		c.tx.drop()
	}
	c.rx.drop()
	c.tx.fin = true
	c.link.changed.Broadcast()
	return nil
}

// LocalAddr is this end's address, a *net.TCPAddr.
func (c *Conn) LocalAddr() net.Addr {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	return c.local
}

// RemoteAddr is the peer's address, a *net.TCPAddr.
func (c *Conn) RemoteAddr() net.Addr {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	return c.remote
}

// SetAddrs names both ends: local is c's address, remote its peer's.
func (c *Conn) SetAddrs(local, remote netip.AddrPort) {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	c.local, c.remote = tcpAddr(local), tcpAddr(remote)
	c.peer.local, c.peer.remote = c.remote, c.local
}

// SetReadBuffer sets how many bytes may wait for this end's Read before the
// peer's Write blocks. Less than one byte counts as one.
func (c *Conn) SetReadBuffer(bytes int) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	c.rx.max = max(bytes, 1)
	c.link.changed.Broadcast()
	return nil
}

// KeepSegments keeps the writes of this end apart from now on: no Read of the
// peer returns bytes of two of them. Without it waiting bytes run together.
func (c *Conn) KeepSegments() {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	c.tx.keep = true
	if n := len(c.tx.buf); n > 0 && len(c.tx.segments) == 0 {
		c.tx.segments = []int{n}
	}
}

// SetDeadline sets both deadlines; the zero time means none.
func (c *Conn) SetDeadline(t time.Time) error { return c.setDeadlines(t, &c.readBy, &c.writeBy) }

// SetReadDeadline sets when Read fails with os.ErrDeadlineExceeded.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setDeadlines(t, &c.readBy) }

// SetWriteDeadline sets when Write fails with os.ErrDeadlineExceeded.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadlines(t, &c.writeBy) }

func (c *Conn) setDeadlines(t time.Time, which ...*deadline) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.closed {
		return c.failure("set", net.ErrClosed)
	}
	for _, d := range which {
		d.set(c.link, t)
	}
	return nil
}

// failure wraps err as package net does.
func (c *Conn) failure(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}
