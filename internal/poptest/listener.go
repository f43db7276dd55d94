package poptest

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
)

// Listener is an in-memory net.Listener. Its connections are Pipes, made by
// Dial. Used in a synctest bubble it must be made there.
type Listener struct {
	addr netip.AddrPort

	mu      sync.Mutex
	changed sync.Cond
	backlog []*Conn
	faults  []error // what the next Accepts return instead
	closed  bool
}

// NewListener returns a Listener that says it is at addr.
func NewListener(addr netip.AddrPort) *Listener {
	l := &Listener{addr: addr}
	l.changed.L = &l.mu
	return l
}

// Dial connects from the given address and returns the client's end without
// waiting for Accept. After Close it fails with ECONNREFUSED.
func (l *Listener) Dial(from netip.AddrPort) (*Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, dialError(tcpAddr(l.addr), os.NewSyscallError("connect", syscall.ECONNREFUSED))
	}
	near, far := Pipe()
	near.SetAddrs(from, l.addr)
	l.backlog = append(l.backlog, far)
	l.changed.Broadcast()
	return near, nil
}

// Accept returns the server's end of the oldest connection that waits. After
// Close it fails with net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case l.closed:
			return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: tcpAddr(l.addr), Err: net.ErrClosed}
		case len(l.faults) > 0:
			err := l.faults[0]
			l.faults = l.faults[1:]
			return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: tcpAddr(l.addr), Err: err}
		case len(l.backlog) > 0:
			c := l.backlog[0]
			l.backlog = l.backlog[1:]
			return c, nil
		}
		l.changed.Wait()
	}
}

// FailAccept makes the next n Accepts fail with err, say
// os.NewSyscallError("accept4", syscall.EMFILE); an Accept that waits is the
// first of them.
func (l *Listener) FailAccept(n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range n {
		l.faults = append(l.faults, err)
	}
	l.changed.Broadcast()
}

// Close stops accepting; connections that nobody accepted are reset.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return &net.OpError{Op: "close", Net: "tcp", Addr: tcpAddr(l.addr), Err: net.ErrClosed}
	}
	l.closed = true
	for _, c := range l.backlog {
		c.Reset()
	}
	l.backlog = nil
	l.changed.Broadcast()
	return nil
}

// Addr is the listener's address, a *net.TCPAddr.
func (l *Listener) Addr() net.Addr { return tcpAddr(l.addr) }
