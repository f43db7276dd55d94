package admin

import (
	"net"
	"net/netip"
	"sync"
)

// limited is a listener whose connections each take one of a number of places.
// A connection for which there is none is closed at once: waiting for one
// would leave it to the clients when closing the listener ends Accept.
type limited struct {
	net.Listener
	places *places
}

func (l limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if placed := l.places.take(conn); placed != nil {
			return placed, nil
		}
		_ = conn.Close()
	}
}

// places are those of a listener's connections. Of one client over TCP there can
// be fewer: it must not take all of them from operators.
type places struct {
	all, each int            // how many there can be, and of one address; 0: no limit
	full      func(net.Conn) // told of a connection without a place
	strangers *connections   // where those over TCP are

	mu    sync.Mutex
	taken int
	from  map[netip.Addr]int
}

// take gives conn a place; nil: there is none.
func (p *places) take(conn net.Conn) *placed {
	addr := clientOf(conn)
	p.mu.Lock()
	ok := p.taken < p.all && (p.each == 0 || !addr.IsValid() || p.from[addr] < p.each)
	if ok {
		p.taken++
		if addr.IsValid() {
			p.from[addr]++
		}
	}
	p.mu.Unlock()
	if !ok {
		p.full(conn)
		return nil
	}
	c := &placed{Conn: conn}
	c.leave = sync.OnceFunc(func() {
		p.strangers.remove(c)
		p.giveBack(addr)
	})
	if conn.LocalAddr().Network() != "unix" {
		p.strangers.add(c)
	}
	return c
}

func (p *places) giveBack(addr netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	if !addr.IsValid() {
		return
	}
	if p.from[addr]--; p.from[addr] == 0 {
		delete(p.from, addr)
	}
}

// clientOf is where a connection over TCP comes from; else it is not valid.
func clientOf(conn net.Conn) netip.Addr {
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return oneClient(tcp.AddrPort().Addr())
	}
	return netip.Addr{}
}

// oneClient is the first address of what counts as one client: of IPv6 that is what
// everybody is given, a /64.
func oneClient(addr netip.Addr) netip.Addr {
	addr = addr.Unmap()
	if addr.Is6() && !addr.IsLoopback() {
		network, _ := addr.WithZone("").Prefix(64) // it has as many bits
		return network.Addr()
	}
	return addr
}

// placed is a connection that has a place.
type placed struct {
	net.Conn
	leave func()
}

func (c *placed) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// CloseWrite lets net/http end what it says before it closes: a client that
// still sends would otherwise lose the answer.
func (c *placed) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// connections are those that are open.
type connections struct {
	mu   sync.Mutex
	open map[*placed]fate
}

// fate is what becomes of a connection when all are closed.
type fate int

const (
	closes fate = iota
	waits       // until an answer is out
	doomed      // it has waited, and is to end with the answer
)

func (c *connections) add(conn *placed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = make(map[*placed]fate)
	}
	c.open[conn] = closes
}

func (c *connections) remove(conn *placed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, conn)
}

// spare lets a connection wait for its answer. Who gives that asks isDoomed before.
func (c *connections) spare(conn *placed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, open := c.open[conn]; open {
		c.open[conn] = waits
	}
}

// isDoomed ends the waiting, and tells whether the answer must be the last one.
func (c *connections) isDoomed(conn *placed) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, open := c.open[conn]
	if open {
		c.open[conn] = closes
	}
	return before == doomed
}

// closeAll closes them, but for those that wait.
func (c *connections) closeAll() {
	c.mu.Lock()
	open := make([]*placed, 0, len(c.open))
	for conn, fate := range c.open {
		if fate == closes {
			open = append(open, conn)
		} else {
			c.open[conn] = doomed
		}
	}
	c.mu.Unlock()
	for _, conn := range open {
		_ = conn.Close()
	}
}
