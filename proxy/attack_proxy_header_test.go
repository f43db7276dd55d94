package proxy_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"popgate/authz"
	"popgate/internal/poptest"
)

// loopback is every network that a client of a stand comes from.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// prefixed puts a head before the first octets that are written, in one
// segment with them.
type prefixed struct {
	net.Conn
	head string
}

func (p *prefixed) Write(b []byte) (int, error) {
	head := p.head
	p.head = ""
	n, err := p.Conn.Write(append([]byte(head), b...))
	return max(n-len(head), 0), err
}

const (
	headerV1 = "PROXY TCP4 192.0.2.55 192.0.2.25 8080 995\r\n"
	headerV2 = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x37\xc0\x00\x02\x19\x1f\x90\x03\xe3"
)

// Attack P3: what comes behind a header in one segment with it is the TLS hello,
// not an octet more or less, for both versions and with much behind the
// addresses.
func TestHeaderAndHelloInOneSegment(t *testing.T) {
	_, address := serveDemo(t, 1)
	long := headerV2[:14] + "\x0f\xff" + headerV2[16:] + strings.Repeat("\x04\x00\x00", 1361)
	for name, head := range map[string]string{"version 1": headerV1, "version 2": headerV2, "4,095 octets": long} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t, address, func(p *plan) { p.settings.Listeners[0].ProxyFrom = loopback })
			defer s.close()
			under, err := s.raw()
			if err != nil {
				t.Fatal(err)
			}
			defer under.Close()
			m := newMail(under, &prefixed{under, head}, s.tls)
			err = m.ask("", "+OK")
			if err == nil {
				err = m.login("user0", "sesame")
			}
			if err == nil {
				err = m.asks("STAT", "+OK", "QUIT", "+OK")
			}
			if err != nil {
				t.Fatal(err)
			}
			_ = under.Close()
			s.log.await(t, `"client":"192.0.2.55:8080"`, 1)
		})
	}
}

// Attack P2: a header of version 2 may be split anywhere. (One of version 1 may
// not, says the library: its sender has to send it at once.)
func TestHeaderSplitAtEveryOffset(t *testing.T) {
	_, address := serveDemo(t, 1)
	s := newStand(t, address, func(p *plan) {
		p.settings.Listeners[0].ProxyFrom = loopback
		p.settings.Listeners[0].StartTLS = true
	})
	defer s.close()
	for at := range len(headerV2) {
		under, err := s.raw()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := poptest.SplitAt(under, at).Write([]byte(headerV2 + "NOOP\r\nQUIT\r\n")); err != nil {
			t.Error(err)
		}
		want := "+OK pop.example.com POP3 ready\r\n+OK\r\n+OK bye\r\n"
		if got, err := readAll(under); err != nil || got != want {
			t.Errorf("split at %d: %q, %v", at, got, err)
		}
		_ = under.Close()
	}
}

// Attacks P1 and P2, the common rule: whatever is wrong with headers, nothing is
// left of their sessions, and the next good one works.
func TestBrokenHeadersLeaveNothing(t *testing.T) {
	_, address := serveDemo(t, 1)
	s := newStand(t, address, func(p *plan) {
		p.settings.Listeners[0].ProxyFrom = loopback
		p.rules.Limits = authz.Limits{Connections: 1, ConnectionsPerIP: 1, ConnectionsBeforeLogin: 1}
	})
	defer s.close()
	broken := []string{
		"PROXY\r\n", "PROXY TCP4 1 2 3 4\r\n", "PROXY TCP4 " + strings.Repeat("1", 10000), "GET / HTTP/1.1\r\n\r\n",
		"PROXY TCP4 192.0.2.55 192.0.2.25 8080 995\n", headerV2[:13] + "\x31\x00\x0c", headerV2[:14] + "\xff\xff",
		headerV2[:14] + "\x00\x04\xc0\x00\x02\x37", headerV1 + headerV1, headerV2 + headerV2,
	}
	for i, head := range broken {
		under, err := s.raw()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = under.Write([]byte(head)) // it may be cut off in the middle
		if got, _ := readAll(under); got != "" && got[0] != 0x15 {
			t.Errorf("%q was answered %q", head, got)
		}
		_ = under.Close()
		s.log.await(t, sessionLine, i+1)
	}
	under, err := s.raw()
	if err != nil {
		t.Fatal(err)
	}
	defer under.Close()
	m := newMail(under, &prefixed{under, headerV1}, s.tls)
	if err := m.asks("", "+OK pop.example.com", "QUIT", "+OK bye"); err != nil {
		t.Error(err)
	}
}
