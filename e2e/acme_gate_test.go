package e2e

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// gate stands before a server's port and holds connections back until it is opened, so that a test can look at what
// happens meanwhile.
type gate struct {
	listener net.Listener
	opened   chan struct{}
	open     func()
	arrived  chan struct{} // gets a value for the first connection that waits
	conns    sync.WaitGroup
}

// startGate puts a closed gate before the port until the test ends.
func startGate(t testing.TB, port int) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{listener: l, opened: make(chan struct{}), arrived: make(chan struct{}, 1)}
	g.open = sync.OnceFunc(func() { close(g.opened) })
	ended := make(chan struct{})
	g.conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			select {
			case g.arrived <- struct{}{}:
			default:
			}
			g.conns.Go(func() { g.pass(c, port, ended) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		close(ended)
		g.conns.Wait()
	})
	return g
}

// wait returns when a connection waits.
func (g *gate) wait(t testing.TB) {
	t.Helper()
	select {
	case <-g.arrived:
	case <-time.After(patience):
		t.Fatal("nobody comes to the gate")
	}
}

func (g *gate) port() int { return g.listener.Addr().(*net.TCPAddr).Port }

// pass connects one client with the server once the gate is open, until either leaves or the test ends.
func (g *gate) pass(client net.Conn, port int, ended <-chan struct{}) {
	defer client.Close()
	select {
	case <-g.opened:
	case <-ended:
		return
	}
	server, err := net.Dial("tcp", loopback(port))
	if err != nil {
		return
	}
	defer server.Close()
	done := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
		g.conns.Go(func() {
			io.Copy(pair[0], pair[1])
			done <- struct{}{}
		})
	}
	select {
	case <-done:
	case <-ended:
	}
}
