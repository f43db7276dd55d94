package proxy_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"popgate/internal/poptest"
	"popgate/proxy"
)

// hallAddress is a hall's first listener, as configured.
const hallAddress = "192.0.2.25:995"

// hall is a stand on an in-memory network, for virtual time.
type hall struct {
	*stand
	network *poptest.Network
	backend *poptest.Backend // at 192.0.2.110:110

	mu        sync.Mutex
	listeners map[string]*poptest.Listener
	clients   uint16
}

// newHall starts a server before a backend that serve plays.
func newHall(tb testing.TB, serve func(*poptest.BackendConn), tweaks ...func(*plan)) *hall {
	tb.Helper()
	const at = "192.0.2.110:110"
	h := &hall{network: poptest.NewNetwork(), listeners: make(map[string]*poptest.Listener)}
	h.backend = poptest.NewBackend(h.network.Listen(at), serve)
	mine := func(p *plan) {
		p.settings.Listeners = []proxy.Listener{{Name: "pop3s", Address: hallAddress}}
		p.settings.Timeouts.FailureDelay = 3 * time.Second
		p.server.Dial, p.server.Listen = h.network.DialContext, h.listen
	}
	h.stand = newStand(tb, at, append([]func(*plan){mine}, tweaks...)...)
	h.connect = func() (net.Conn, error) { return h.dialTo(hallAddress) }
	return h
}

// listen opens a listener; at 192.0.2.99 there is no such address.
func (h *hall) listen(_ context.Context, address string) (net.Listener, error) {
	if netip.MustParseAddrPort(address).Addr() == netip.MustParseAddr("192.0.2.99") {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Err: &net.AddrError{Err: "no such address", Addr: address}}
	}
	ln := h.network.Listen(address)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listeners[address] = ln
	return ln, nil
}

// dialTo connects to one of the listeners.
func (h *hall) dialTo(address string) (net.Conn, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clients++
	conn, err := h.listeners[address].Dial(netip.AddrPortFrom(netip.MustParseAddr("198.51.100.7"), 40000+h.clients))
	if err != nil {
		return nil, err // not conn: a nil *Conn is no nil net.Conn
	}
	return conn, nil
}

// close ends the server first, so that backends see how it does.
func (h *hall) close() {
	h.tb.Helper()
	h.stand.close()
	_ = h.backend.Close()
}

// eventLog is a log that tests can read and wait for.
type eventLog struct {
	mu      sync.Mutex
	changed sync.Cond
	buf     bytes.Buffer
}

func newEventLog() *eventLog {
	l := new(eventLog)
	l.changed.L = &l.mu
	return l
}

func (l *eventLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed.Broadcast()
	return l.buf.Write(p)
}

func (l *eventLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// await waits until text is there n times.
func (l *eventLog) await(tb testing.TB, text string, n int) {
	tb.Helper()
	late := false
	limit := time.AfterFunc(patience, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		late = true
		l.changed.Broadcast()
	})
	defer limit.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	for bytes.Count(l.buf.Bytes(), []byte(text)) < n {
		if late {
			tb.Fatalf("the log does not hold %q %d times:\n%s", text, n, l.buf.Bytes())
		}
		l.changed.Wait()
	}
}

// sessionLine is in the log once for each session that has ended.
const sessionLine = `"@message":"session"`

// untilQuiet adds up what comes until nothing has come for a while: real
// sockets don't say that they are full.
func untilQuiet(moved <-chan int) (sum int) {
	quiet := time.NewTimer(300 * time.Millisecond)
	defer quiet.Stop()
	for {
		select {
		case n, more := <-moved:
			if !more {
				return sum
			}
			sum += n
			quiet.Reset(300 * time.Millisecond)
		case <-quiet.C:
			return sum
		}
	}
}

// readAll reads to the end.
func readAll(r io.Reader) (string, error) {
	got, err := io.ReadAll(r)
	return string(got), err
}
