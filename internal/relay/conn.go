package relay

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is a client's transport beneath TLS. It gathers what is written into few
// writes to the socket, and remembers whether the peer has ended the stream.
//
// Until the relay begins, writes wait for the next Read (or CloseWrite): what is
// said before an answer is awaited leaves together, such as TLS session tickets
// and the greeting. A write's error then comes with that Read. In the relay,
// the TLS records of one chunk leave together, and everything else at once.
type Conn struct {
	net.Conn

	head  []byte // read already, to be read first; used by Read only
	ended atomic.Bool
	begun atomic.Bool // the relay has begun

	// The reading side writes too: KeyUpdate answers and alerts.
	mu       sync.Mutex
	mode     mode
	patience time.Duration
	held     []byte  // not written yet
	err      error   // of a write; there is no second one after it
	own      *[]byte // what held is made of while waiting; from letters
}

type mode int

const (
	waiting mode = iota // until a Read
	passing             // at once
	holding             // until release
)

// NewConn returns a Conn over conn. The octets of head, which were read from
// conn already (behind a PROXY header), come first. Until the relay begins no
// write takes longer than patience.
func NewConn(conn net.Conn, head []byte, patience time.Duration) *Conn {
	return &Conn{Conn: conn, head: head, patience: patience}
}

// Read sends what waits, then reads from the head, then from the connection.
func (c *Conn) Read(p []byte) (int, error) {
	// Once the relay has begun the lock may be held by a write that does not
	// end before somebody reads.
	if !c.begun.Load() {
		if err := c.sendWaiting(); err != nil {
			return 0, err
		}
	}
	if len(c.head) > 0 {
		n := copy(p, c.head)
		if c.head = c.head[n:]; len(c.head) == 0 {
			c.head = nil
		}
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

// Write writes to the connection, or keeps p for later; see [Conn].
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mode == passing {
		return c.Conn.Write(p)
	}
	if c.mode == waiting && c.own == nil {
		c.own = letters.Get().(*[]byte)
		c.held = *c.own
	}
	if len(c.held)+len(p) > cap(c.held) {
		if err := c.flush(); err != nil {
			return 0, err
		}
	}
	if len(p) > cap(c.held) {
		return c.write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

// SetPatience changes how long a write may take until the relay begins.
func (c *Conn) SetPatience(d time.Duration) {
	c.mu.Lock()
	c.patience = d
	c.mu.Unlock()
}

// Flush sends what waits, for who goes on to wait for something else than this
// peer.
func (c *Conn) Flush() error { return c.sendWaiting() }

// sendWaiting sends what waits for a Read.
func (c *Conn) sendWaiting() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own == nil {
		return nil
	}
	err := c.flush()
	letters.Put(c.own)
	c.own, c.held = nil, nil
	return err
}

// LetThrough sends what waits and lets nothing wait any more, nor bounds what is
// written: for who talks to the peer without a relay.
func (c *Conn) LetThrough() error { return c.begin() }

// begin sends what waits and lets nothing wait any more: the relay has the
// connection, and its limits.
func (c *Conn) begin() error {
	err := c.sendWaiting()
	c.mu.Lock()
	c.mode = passing
	c.mu.Unlock()
	c.begun.Store(true)
	return errors.Join(err, c.SetWriteDeadline(time.Time{}))
}

// hold makes Write gather into buf, which is empty and has room.
func (c *Conn) hold(buf []byte) {
	c.mu.Lock()
	c.mode, c.held = holding, buf
	c.mu.Unlock()
}

// release writes out what was gathered since hold, in order.
// With last set, CloseWrite does too, and the FIN may leave together with it.
func (c *Conn) release(last bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if last {
		c.held = c.held[sendMore(c.Conn, c.held):]
	}
	err := c.flush()
	// Under the same lock: the reading side may be about to write.
	c.mode, c.held = passing, nil
	return err
}

// letGo ends hold where release did not come about.
func (c *Conn) letGo() {
	c.mu.Lock()
	c.mode, c.held = passing, nil
	c.mu.Unlock()
}

func (c *Conn) flush() error {
	if len(c.held) == 0 || c.err != nil {
		c.held = c.held[:0]
		return c.err
	}
	_, err := c.write(c.held)
	c.held = c.held[:0]
	return err
}

// write writes at once, within patience if the relay hasn't begun.
func (c *Conn) write(p []byte) (n int, err error) {
	if c.mode == waiting {
		if err := c.SetWriteDeadline(time.Now().Add(c.patience)); err != nil {
			return 0, err
		}
	}
	n, c.err = c.Conn.Write(p)
	return n, c.err
}

// CloseWrite sends what waits, and a FIN where the transport has one; otherwise
// it closes.
func (c *Conn) CloseWrite() error {
	err := c.sendWaiting()
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return errors.Join(err, half.CloseWrite())
	}
	return errors.Join(err, c.Close())
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
