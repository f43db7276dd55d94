package poptest

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// DefaultBuffer is how many bytes a side of a new Pipe holds for its reader
// before the writer has to wait: as much as a small TCP receive window.
const DefaultBuffer = 64 << 10

// link is what the two ends of a pipe share: one lock and one condition,
// which is told of every change.
type link struct {
	mu      sync.Mutex
	changed sync.Cond
}

// wake tells every waiting Read and Write to look again.
func (l *link) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed.Broadcast()
}

// half is one direction of a pipe: the bytes that were written and not yet
// read. Its link's lock guards it.
type half struct {
	buf      []byte
	max      int   // bytes; a writer waits while buf is that long
	segments []int // lengths of the writes in buf, if they are to stay apart
	keep     bool  // keep the writes apart
	fin      bool  // no more will be written
}

// put takes as much of p as there is room for and says how much it was.
func (h *half) put(p []byte) int {
	n := min(len(p), max(h.max-len(h.buf), 0))
	if n == 0 {
		return 0
	}
	h.buf = append(h.buf, p[:n]...)
	if h.keep {
		h.segments = append(h.segments, n)
	}
	return n
}

// take moves waiting bytes into p, at most one segment's where they are kept.
func (h *half) take(p []byte) int {
	if len(h.segments) > 0 {
		p = p[:min(len(p), h.segments[0])]
	}
	n := copy(p, h.buf)
	h.buf = append(h.buf[:0], h.buf[n:]...)
	if len(h.segments) > 0 {
		if h.segments[0] -= n; h.segments[0] == 0 {
			h.segments = h.segments[1:]
		}
	}
	return n
}

// drop loses everything that waits.
func (h *half) drop() { h.buf, h.segments = nil, nil }

// Pipe returns the two ends of an in-memory TCP connection. Unlike net.Pipe
// it has a buffer in each direction (DefaultBuffer, see Conn.SetReadBuffer),
// half-close, reset and addresses. It has no SyscallConn. Used in a synctest
// bubble it must be made there.
func Pipe() (a, b *Conn) {
	l := &link{}
	l.changed.L = &l.mu
	ab, ba := &half{max: DefaultBuffer}, &half{max: DefaultBuffer}
	a = &Conn{link: l, rx: ba, tx: ab}
	b = &Conn{link: l, rx: ab, tx: ba}
	a.peer, b.peer = b, a
	a.SetAddrs(netip.MustParseAddrPort("192.0.2.1:40000"), netip.MustParseAddrPort("192.0.2.2:110"))
	return a, b
}

// deadline is a point in time after which one kind of operation fails.
type deadline struct {
	at    time.Time // zero: never
	timer *time.Timer
}

// set moves the deadline; l is woken at once and when it has come.
func (d *deadline) set(l *link, at time.Time) {
	d.stop()
	d.at = at
	if !at.IsZero() {
		d.timer = time.AfterFunc(time.Until(at), l.wake)
	}
	l.changed.Broadcast()
}

// stop ends the timer, if there is one.
func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}

// passed says whether the deadline has come.
func (d *deadline) passed() bool {
	return !d.at.IsZero() && !time.Now().Before(d.at)
}

// tcpAddr makes the net package's form of a.
func tcpAddr(a netip.AddrPort) net.Addr { return net.TCPAddrFromAddrPort(a) }
