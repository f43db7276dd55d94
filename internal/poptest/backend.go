package poptest

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Backend is a plain POP3 server that a test scripts. It keeps every byte that
// each of its connections received, and how it ended.
type Backend struct {
	ln    net.Listener
	serve func(*BackendConn)
	tasks sync.WaitGroup

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every new connection
	conns   []*BackendConn
	closed  bool
}

// NewBackend accepts connections from ln and gives each to serve, in a
// goroutine of its own; the connection is closed when serve returns. Without
// serve (nil) nothing is done with them: a transcript does. Close it at the
// end. Used in a synctest bubble it must be made there.
func NewBackend(ln net.Listener, serve func(*BackendConn)) *Backend {
	b := &Backend{ln: ln, serve: serve, changed: make(chan struct{})}
	b.tasks.Go(b.accept)
	return b
}

func (b *Backend) accept() {
	for {
		conn, err := b.ln.Accept()
		if err != nil {
			return
		}
		c := b.add(conn)
		if c != nil && b.serve != nil {
			b.tasks.Go(func() {
				defer c.Close()
				b.serve(c)
			})
		}
	}
}

// add books a new connection; nil if the backend was closed meanwhile.
func (b *Backend) add(conn net.Conn) *BackendConn {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		conn.Close()
		return nil
	}
	c := &BackendConn{Conn: conn, in: receive(conn, conn), since: time.Now()}
	b.conns = append(b.conns, c)
	close(b.changed)
	b.changed = make(chan struct{})
	return c
}

// Connections says how many connections there were so far.
func (b *Backend) Connections() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.conns)
}

// Conn returns the i-th connection, counted from 0.
func (b *Backend) Conn(i int) *BackendConn {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.conns[i]
}

// Received returns all that the i-th connection, counted from 0, has received.
func (b *Backend) Received(i int) []byte { return b.Conn(i).Received() }

// End says how the i-th connection, counted from 0, was ended by its client.
func (b *Backend) End(i int) End { return b.Conn(i).End() }

// Close closes the listener and all connections, and waits for the goroutines.
func (b *Backend) Close() error {
	err := b.ln.Close()
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.hangUp()
	b.tasks.Wait()
	return err
}

// hangUp closes all connections.
func (b *Backend) hangUp() {
	for _, c := range b.all() {
		c.Close()
	}
}

// take returns the next connection that no transcript has mentioned yet; nil
// if there is none within patience.
func (b *Backend) take(patience time.Duration) *BackendConn {
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		b.mu.Lock()
		changed := b.changed
		b.mu.Unlock()
		for _, c := range b.all() {
			if !c.mentioned.Swap(true) {
				return c
			}
		}
		select {
		case <-changed:
		case <-late.C:
			return nil
		}
	}
}

func (b *Backend) all() []*BackendConn {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]*BackendConn(nil), b.conns...)
}

// BackendConn is one connection of a Backend. Its Read must not be used: a
// goroutine receives all that comes.
type BackendConn struct {
	net.Conn
	in        *inbox
	since     time.Time
	mentioned atomic.Bool // by a transcript
}

// Line waits for the next line and returns it without its line ending; false
// if the client ended the connection before one was whole.
func (c *BackendConn) Line() (string, bool) {
	line, ok := c.in.line()
	line = bytes.TrimSuffix(line, []byte{'\n'})
	return string(bytes.TrimSuffix(line, []byte{'\r'})), ok
}

// Send writes text as it is.
func (c *BackendConn) Send(text string) error {
	_, err := c.Write([]byte(text))
	return err
}

// Received returns all that was received so far.
func (c *BackendConn) Received() []byte {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	return bytes.Clone(c.in.all)
}

// End says how the client ended the connection. A stream that ended before
// this side closed keeps its end.
func (c *BackendConn) End() End {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	return c.in.kind()
}

// AwaitEnd waits until the client has ended the connection, and says how.
func (c *BackendConn) AwaitEnd() End {
	c.in.await(forever, func() bool { return c.in.end != nil })
	return c.End()
}

// Hold stops receiving, so that the client finds its window full; with false
// it goes on.
func (c *BackendConn) Hold(on bool) { c.in.hold(on) }

// Close closes the connection and waits until all was received that will be.
func (c *BackendConn) Close() error {
	err := c.Conn.Close()
	c.in.finish()
	return err
}

// Answers returns a serve function for NewBackend: it sends the greeting, then
// answers every line by reply. Texts go out as they are, with the CRLFs that
// they hold. After more == false, or when the client ends, it hangs up.
func Answers(greeting string, reply func(line string) (answer string, more bool)) func(*BackendConn) {
	return func(c *BackendConn) {
		if c.Send(greeting) != nil {
			return
		}
		for {
			line, ok := c.Line()
			if !ok {
				return
			}
			answer, more := reply(line)
			if c.Send(answer) != nil || !more {
				return
			}
		}
	}
}
