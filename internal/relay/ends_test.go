package relay

import (
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"popgate/internal/poptest"
)

// end is what a test holds of a connection whose other end the relay has.
type end interface {
	Stream
	// Reset closes with a RST.
	Reset() error
}

// tcpEnd is an end of a loopback connection.
type tcpEnd struct{ *net.TCPConn }

func (e tcpEnd) Reset() error { return errors.Join(e.SetLinger(0), e.Close()) }

// tcpPair returns both ends of a loopback connection.
func tcpPair(t testing.TB) (near, far tcpEnd) {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	a, err := net.DialTCP("tcp", nil, listener.Addr().(*net.TCPAddr))
	if err != nil {
		t.Fatal(err)
	}
	b, err := listener.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	return tcpEnd{a}, tcpEnd{b}
}

// pipeEnd is an end of an in-memory connection. Like a socket's, its Close
// turns into a reset once SetLinger(0) was called.
type pipeEnd struct {
	*poptest.Conn
	abort atomic.Bool
}

func (e *pipeEnd) SetLinger(sec int) error {
	e.abort.Store(sec == 0)
	return nil
}

func (e *pipeEnd) Close() error {
	if e.abort.Load() {
		return e.Reset()
	}
	return e.Conn.Close()
}

// pipePair returns both ends of an in-memory connection.
func pipePair() (near, far *pipeEnd) {
	a, b := poptest.Pipe()
	return &pipeEnd{Conn: a}, &pipeEnd{Conn: b}
}

// tlsEnd is a mail client's end. Its CloseWrite sends a close_notify and
// nothing else.
type tlsEnd struct {
	*tls.Conn
	transport end
}

func (e tlsEnd) Reset() error { return e.transport.Reset() }

// tlsPair puts TLS over a connection: the mail client's end, and the relay's.
func tlsPair(t testing.TB, k kind, near end, wire, far *Conn) (client tlsEnd, server *tls.Conn) {
	t.Helper()
	ca := poptest.NewCA(t)
	server = tls.Server(far, &tls.Config{
		Certificates:                []tls.Certificate{ca.Issue("pop.example")},
		DynamicRecordSizingDisabled: true,
		// A ticket that the client hasn't read turns its Close into a RST.
		SessionTicketsDisabled: true,
	})
	conn := tls.Client(wire, &tls.Config{
		RootCAs: ca.Pool(), ServerName: "pop.example",
		MinVersion: k.tls, MaxVersion: k.tls, KeyLogWriter: k.keyLog,
	})
	_ = wire.begin() // the test's own side lets nothing wait
	done := make(chan error, 1)
	go func() { done <- conn.Handshake() }()
	// The server's last words wait for its next Read.
	if err := errors.Join(server.Handshake(), far.sendWaiting(), <-done); err != nil {
		t.Fatal(err)
	}
	return tlsEnd{conn, near}, server
}
