package poptest

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// Network is a set of Listeners by address. Its DialContext takes the place
// of net.Dialer's. An address is any text, "10.0.0.5:110", "old.example:110"
// or "/run/pop3.sock"; it is found by that very text.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*Listener
	hooks     map[string]DialHook
	dials     map[string]int
	port      uint16
}

// DialHook decides about a connection before it is made. An error ends the
// dial; nil lets it go on. It may wait, as long as it heeds ctx.
type DialHook func(ctx context.Context, addr string) error

// NewNetwork returns a Network where nobody listens.
func NewNetwork() *Network {
	return &Network{
		listeners: map[string]*Listener{},
		hooks:     map[string]DialHook{},
		dials:     map[string]int{},
		port:      50000,
	}
}

// Listen puts a new Listener at addr, in the place of an earlier one. Where
// addr is no IP address with a port, the connections say 192.0.2.110:110.
func (n *Network) Listen(addr string) *Listener {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		at = netip.MustParseAddrPort("192.0.2.110:110")
	}
	l := NewListener(at)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listeners[addr] = l
	return l
}

// OnDial sets the hook for addr; nil removes it.
func (n *Network) OnDial(addr string, hook DialHook) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hooks[addr] = hook
}

// Dials says how often addr was dialled, with or without success.
func (n *Network) Dials(addr string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dials[addr]
}

// DialContext connects to addr from 127.0.0.1 and a port of its own. Where
// nobody listens it fails with ECONNREFUSED. The network's name counts for
// nothing.
func (n *Network) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	n.mu.Lock()
	n.dials[addr]++
	n.port++
	from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), n.port)
	l, hook := n.listeners[addr], n.hooks[addr]
	n.mu.Unlock()

	if hook != nil {
		if err := hook(ctx, addr); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, dialError(named(addr), err)
	}
	if l == nil {
		return nil, Refused(ctx, addr)
	}
	c, err := l.Dial(from)
	if err != nil {
		return nil, err // not c: a nil *Conn is no nil net.Conn
	}
	return c, nil
}

// Refused is a DialHook for a host that answers with RST.
func Refused(ctx context.Context, addr string) error {
	return dialError(named(addr), os.NewSyscallError("connect", syscall.ECONNREFUSED))
}

// BlackHole is a DialHook for a host that answers nothing: it waits until ctx
// ends or, as Linux does with its six SYN retries, gives up after 127 s.
func BlackHole(ctx context.Context, addr string) error {
	patience := time.NewTimer(127 * time.Second)
	defer patience.Stop()
	select {
	case <-ctx.Done():
		return dialError(named(addr), ctx.Err())
	case <-patience.C:
		return dialError(named(addr), os.NewSyscallError("connect", syscall.ETIMEDOUT))
	}
}

// dialError is err as net.Dialer would give it: a context's deadline is a
// timeout.
func dialError(to net.Addr, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		err = os.ErrDeadlineExceeded
	}
	return &net.OpError{Op: "dial", Net: "tcp", Addr: to, Err: err}
}

// named is an address that nobody has looked up.
type named string

func (named) Network() string  { return "tcp" }
func (a named) String() string { return string(a) }
