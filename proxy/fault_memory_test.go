package proxy_test

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"net"
	"strings"
	"testing"

	"popgate/internal/poptest"
)

// flow is a backend whose RETR is answered by write, which may take long.
func flow(t *testing.T, write func(w io.Writer) error) (address string, ended chan error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended = make(chan error, 1)
	backend := poptest.NewBackend(ln, func(c *poptest.BackendConn) {
		if c.Send("+OK\r\n") != nil {
			return
		}
		for {
			line, ok := c.Line()
			switch {
			case !ok:
				return
			case line == "RETR 1":
				ended <- write(c.Conn)
			case c.Send("+OK\r\n") != nil, line == "QUIT":
				return
			}
		}
	})
	t.Cleanup(func() { _ = backend.Close() })
	return ln.Addr().String(), ended
}

// Faults B12 and B13: a message without an end, and a line of 300 MB, are
// streamed: memory stays flat, and every octet arrives.
func TestEndlessMessage(t *testing.T) {
	total := 300 << 20
	if raceEnabled {
		total = 50 << 20
	}
	for _, kind := range []struct{ name, unit string }{
		{"lines", "0123456789 abcdefghijklmnopqrstuvwxyz\r\n"},
		{"no line end", "0123456789 abcdefghijklmnopqrstuvwxyz.."},
	} {
		t.Run(kind.name, func(t *testing.T) {
			part := []byte(strings.Repeat(kind.unit, 1<<10))
			sent := sha256.New()
			address, ended := flow(t, func(w io.Writer) error {
				for n := 0; n < total; n += len(part) {
					sent.Write(part)
					if _, err := w.Write(part); err != nil {
						return err
					}
				}
				return nil
			})
			s := newStand(t, address)
			defer s.close()
			m, err := s.dial()
			if err == nil {
				defer m.under.Close()
				err = m.login("joe", "sesame")
			}
			if err == nil {
				_, err = io.WriteString(m, "RETR 1\r\n")
			}
			if err != nil {
				t.Fatal(err)
			}
			count := (total + len(part) - 1) / len(part) * len(part)
			got := sha256.New()
			grown, err := takes(m, got, count)
			if err != nil {
				t.Fatal(err)
			}
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if string(got.Sum(nil)) != string(sent.Sum(nil)) {
				t.Error("other octets arrived than were sent")
			}
			// Buffers come and go with the collector; a message does not.
			if grown > 4<<20 {
				t.Errorf("memory grew by %d octets", grown)
			}
			if err := m.asks("QUIT", "+OK"); err != nil {
				t.Error(err)
			}
		})
	}
}

// takes reads count octets and says by how much memory grew meanwhile.
func takes(m *mail, sum hash.Hash, count int) (grown int64, err error) {
	before := heap()
	const look = 16 << 20
	for count > 0 {
		n, err := io.CopyN(sum, m.in, int64(min(count, look)))
		if count -= int(n); err != nil {
			return grown, fmt.Errorf("%d octets are missing: %w", count, err)
		}
		grown = max(grown, heap()-before)
	}
	return grown, nil
}

// Fault D8: a client that stops reading in a message of 50 MB costs two buffers
// and stops the backend. When it resets, the backend is left without a QUIT;
// when it reads on, all is there.
func TestClientStopsReading(t *testing.T) {
	const total = 50 << 20
	for _, end := range []string{"reset", "reads on"} {
		t.Run(end, func(t *testing.T) {
			part := []byte(strings.Repeat("0123456789 abcdefghijklmnopqrst\r\n", 1<<10))
			moved := make(chan int, 1+total/len(part))
			address, ended := flow(t, func(w io.Writer) error {
				defer close(moved)
				for n := 0; n < total; n += len(part) {
					if _, err := w.Write(part); err != nil {
						return err
					}
					moved <- len(part)
				}
				return nil
			})
			s := newStand(t, address)
			defer s.close()
			m, err := s.dial()
			if err == nil {
				defer m.under.Close()
				err = m.login("joe", "sesame")
			}
			if err == nil {
				_, err = io.WriteString(m, "RETR 1\r\n")
			}
			if err != nil {
				t.Fatal(err)
			}
			<-moved // it flows
			before := heap()
			taken := untilQuiet(moved)
			if taken > 40<<20 {
				t.Errorf("%d octets were taken of a client that reads nothing", taken)
			}
			if grown := heap() - before; grown > 256<<10 {
				t.Errorf("memory grew by %d octets", grown)
			}
			if end == "reset" {
				_ = poptest.RST(m.under)
				if err := <-ended; err == nil {
					t.Error("the backend was not cut off")
				}
				s.log.await(t, `"end":"client_lost"`, 1)
				return
			}
			count := (total + len(part) - 1) / len(part) * len(part)
			if _, err := io.CopyN(io.Discard, m.in, int64(count)); err != nil {
				t.Error(err)
			}
			if err := m.asks("QUIT", "+OK"); err != nil {
				t.Error(err)
			}
		})
	}
}
