package poptest

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"
)

// toy is a server to play against. It knows a few verbs that behave, and some
// that misbehave in ways which a script must notice.
type toy struct {
	network *Network
	tls     *tls.Config
}

// serve answers one client until either side ends.
func (s toy) serve(raw net.Conn) {
	conn := raw
	defer func() { conn.Close() }()
	if s.tls != nil {
		t := tls.Server(raw, s.tls)
		if t.Handshake() != nil {
			return
		}
		conn = t
	}
	io.WriteString(conn, "+OK toy\r\n")
	var backend net.Conn
	defer func() {
		if backend != nil {
			backend.Close()
		}
	}()
	lines := bufio.NewReader(conn)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		verb, arg, _ := strings.Cut(strings.TrimSuffix(line, "\r\n"), " ")
		switch verb {
		case "ECHO":
			io.WriteString(conn, "+OK "+arg+"\r\n")
		case "SLOW":
			<-time.After(3 * time.Second)
			io.WriteString(conn, "-ERR slow\r\n")
		case "EXTRA":
			io.WriteString(conn, "+OK\r\nx")
		case "MUTE":
		case "QUIT":
			io.WriteString(conn, "+OK bye\r\n")
			return
		case "CUT":
			raw.Close()
			return
		case "RST":
			RST(raw)
			return
		case "DIAL":
			backend, err = s.network.DialContext(context.Background(), "tcp", arg)
			if err != nil {
				return
			}
		case "SEND": // to the backend, and nothing to the client
			io.WriteString(backend, arg+"\r\n")
		case "EARLY": // an answer before the backend has given it
			io.WriteString(conn, "+OK\r\n")
			io.WriteString(backend, arg+"\r\n")
		case "TAKE": // a line from the backend
			answer, _ := bufio.NewReaderSize(backend, 16).ReadString('\n')
			io.WriteString(conn, answer)
		case "HANGUP":
			backend.Close()
		case "DROP":
			RST(backend)
		case "TESTAMENT": // a QUIT that the client never sent
			io.Copy(io.Discard, lines)
			io.WriteString(backend, "QUIT\r\n")
			return
		}
	}
}

// stage builds toys that are connected to; stop ends them.
func (s toy) stage(clientTLS *tls.Config, backends map[string]*Backend) (stage Stage, stop func()) {
	ln := NewListener(netip.MustParseAddrPort("192.0.2.1:995"))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	connect := func() net.Conn {
		c, err := ln.Dial(netip.MustParseAddrPort("198.51.100.1:4000"))
		if err != nil {
			return nil
		}
		return c
	}
	return Stage{Connect: connect, TLS: clientTLS, Backends: backends}, func() { ln.Close(); <-done }
}
