package proxy_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"popgate/internal/poptest"
)

// noticing is a transport that knows whether TCP has ended: tls.Conn gives
// io.EOF for a close_notify as for a FIN.
type noticing struct {
	net.Conn
	ended bool
}

func (n *noticing) Read(p []byte) (int, error) {
	count, err := n.Conn.Read(p)
	n.ended = n.ended || err != nil
	return count, err
}

// Fault B10: a backend is reset in a message that its client takes slowly, and it
// is the client's next command that meets the reset. What the client has is not
// all, so there is no close_notify behind it.
func TestResetMetByCommand(t *testing.T) {
	part := strings.Repeat("0123456789 abcdefghijklmnopqrst\r\n", 1<<10)
	moved := make(chan int, 10000)
	conns := make(chan net.Conn, 1)
	address, ended := flow(t, func(w io.Writer) error {
		conns <- w.(net.Conn)
		for {
			n, err := io.WriteString(w, part)
			if err != nil {
				return err
			}
			moved <- n
		}
	})
	s := newStand(t, address)
	defer s.close()
	under, err := s.raw()
	if err != nil {
		t.Fatal(err)
	}
	defer under.Close()
	wire := &noticing{Conn: under}
	m := newMail(under, wire, s.tls)
	err = m.ask("", "+OK")
	err = errors.Join(err, m.login("joe", "sesame"), m.writeAll("RETR 1\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	backend := <-conns
	sent := untilQuiet(moved) // every buffer on the way is full
	if err := poptest.RST(backend); err != nil {
		t.Fatal(err)
	}
	if <-ended == nil {
		t.Error("the backend was not interrupted")
	}
	if err := m.writeAll("NOOP\r\n"); err != nil {
		t.Fatal(err)
	}
	untilQuiet(nil) // the command has met the reset
	got, err := io.Copy(io.Discard, m.in)
	if int(got) >= sent {
		t.Fatalf("the client got %d octets of %d: nothing was missing", got, sent)
	}
	if err == nil && !wire.ended {
		t.Errorf("the client got %d octets of %d and an orderly end", got, sent)
	}
	_ = under.Close()
	s.log.await(t, sessionLine, 1)
	if !strings.Contains(s.log.String(), `"end":"backend_lost"`) {
		t.Errorf("the log does not say that the backend was lost:\n%s", s.log)
	}
}
