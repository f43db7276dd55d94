package relay

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// Conn is a client's transport beneath TLS. It gathers the records that one
// tls.Conn.Write emits into one write to the socket, and remembers whether the
// peer has ended the stream. Outside the relay it passes everything through.
type Conn struct {
	net.Conn

	head  []byte // read already, to be read first; used by Read only
	ended atomic.Bool

	mu      sync.Mutex
	holding bool
	held    []byte
}

// NewConn returns a Conn over conn. The octets of head, which were read from
// conn already (behind a PROXY header), come first.
func NewConn(conn net.Conn, head []byte) *Conn {
	return &Conn{Conn: conn, head: head}
}

// Read reads from the head, then from the connection.
func (c *Conn) Read(p []byte) (int, error) {
	if len(c.head) > 0 {
		n := copy(p, c.head)
		c.head = c.head[n:]
		return n, nil
	}
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		c.ended.Store(true)
	}
	return n, err
}

// Ended reports whether a read has met the peer's FIN. tls.Conn returns io.EOF
// for a close_notify and for a FIN at a record border alike; only in the
// second case Ended is true.
func (c *Conn) Ended() bool { return c.ended.Load() }

// Write writes to the connection, or keeps p while the relay holds writes.
// The reading side writes too (KeyUpdate answers and alerts), hence the lock.
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.holding {
		return c.Conn.Write(p)
	}
	if len(c.held)+len(p) > cap(c.held) {
		if err := c.flush(); err != nil {
			return 0, err
		}
	}
	if len(p) > cap(c.held) {
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

// hold makes Write gather into buf, which is empty and has room.
func (c *Conn) hold(buf []byte) {
	c.mu.Lock()
	c.holding, c.held = true, buf
	c.mu.Unlock()
}

// release writes out what was gathered since hold, in order, and lets Write
// pass through again.
func (c *Conn) release() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.flush()
	c.holding, c.held = false, nil
	return err
}

func (c *Conn) flush() error {
	if len(c.held) == 0 {
		return nil
	}
	_, err := c.Conn.Write(c.held)
	c.held = c.held[:0]
	return err
}

// CloseWrite sends a FIN where the transport has one, and otherwise closes.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

// discard closes the connection with a RST where the transport has one, so
// that the peer sees an abort and not an end.
func discard(conn net.Conn) error {
	var err error
	if l, ok := conn.(interface{ SetLinger(int) error }); ok {
		err = l.SetLinger(0)
	}
	return errors.Join(err, conn.Close())
}
