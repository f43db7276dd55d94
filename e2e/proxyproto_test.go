package e2e

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// headerV1 is the PROXY protocol header, version 1, of a connection from this client.
func headerV1(client netip.AddrPort) string {
	family, server := "TCP4", "192.0.2.1"
	if client.Addr().Is6() {
		family, server = "TCP6", "2001:db8::1"
	}
	return fmt.Sprintf("PROXY %s %s %s %d 995\r\n", family, client.Addr(), server, client.Port())
}

// headerV2 is the same in version 2.
func headerV2(client netip.AddrPort) string {
	family, server := byte(0x11), netip.MustParseAddr("192.0.2.1")
	if client.Addr().Is6() {
		family, server = 0x21, netip.MustParseAddr("2001:db8::1")
	}
	body := append(client.Addr().AsSlice(), server.AsSlice()...)
	body = binary.BigEndian.AppendUint16(body, client.Port())
	body = binary.BigEndian.AppendUint16(body, 995)
	header := append([]byte("\r\n\r\n\x00\r\nQUIT\n"), 0x21, family)
	return string(append(binary.BigEndian.AppendUint16(header, uint16(len(body))), body...))
}

// localV2 is the header of a connection that the balancer made for itself, such as a health check.
const localV2 = "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"

// startBehindBalancer runs popgate with two backends: one for clients at documentation addresses, one for the rest.
// Each has a mailbox for joe; they are told apart by their numbers of mails, 1 and 2.
func startBehindBalancer(t *testing.T, from, timeouts string) (*popgate, account) {
	t.Helper()
	known, rest := startBuiltin(t), startBuiltin(t)
	joe := known.mailbox(t, "joe", threeMails()[:1])
	rest.fill(t, joe, threeMails()[:2])
	return startPopgate(t, settings{
		listener: fmt.Sprintf("proxy_protocol {\n    from = [%q]\n  }", from),
		timeouts: timeouts,
		backends: backend("known", known.port()) + backend("rest", rest.port()) + `
route "known" {
  when    = client.ip == "192.0.2.7" || client.ip == "2001:db8::7"
  backend = "known"
}
route "rest" {
  backend = "rest"
}
`}), joe
}

// TestPROXYHeaderNamesTheClient: a header from a listed network, before TLS and before STLS, says who the client is.
func TestPROXYHeaderNamesTheClient(t *testing.T) {
	t.Parallel()
	p, joe := startBehindBalancer(t, "127.0.0.0/8", "")
	for name, test := range map[string]struct {
		header string
		mails  int
	}{
		"v1 IPv4":       {headerV1(netip.MustParseAddrPort("192.0.2.7:4711")), 1},
		"v1 IPv6":       {headerV1(netip.MustParseAddrPort("[2001:db8::7]:4711")), 1},
		"v2 IPv4":       {headerV2(netip.MustParseAddrPort("192.0.2.7:4711")), 1},
		"v2 IPv6":       {headerV2(netip.MustParseAddrPort("[2001:db8::7]:4711")), 1},
		"v2 other":      {headerV2(netip.MustParseAddrPort("198.51.100.7:4711")), 2},
		"v2 of its own": {localV2, 2},
	} {
		for _, e := range []endpoint{p.implicit, p.starttls} {
			t.Run(name+"/"+string(e.security), func(t *testing.T) {
				w := connect(t, e)
				w.raw(test.header)
				w.open(e)
				if answer := w.login(joe); !strings.HasPrefix(answer, "+OK") {
					t.Fatal(answer)
				}
				if got := len(w.fetch()); got != test.mails {
					t.Errorf("the session reached the backend with %d mails, want that with %d", got, test.mails)
				}
			})
		}
	}
}

// TestPROXYHeaderIsDemanded: without a header, or with half of one, a listed network gets no greeting.
func TestPROXYHeaderIsDemanded(t *testing.T) {
	t.Parallel()
	p, _ := startBehindBalancer(t, "127.0.0.0/8", `handshake = "500ms"`)
	if err := connect(t, p.implicit).tryTLS(p.implicit, &tls.Config{}); err == nil {
		t.Error("TLS without a header worked")
	}
	for _, header := range []string{
		"", "USER joe\r\n", "PROXY TCP4 192.0.2.7", "PROXY TCP4 x y 1 2\r\n", localV2[:len(localV2)-1],
	} {
		w := connect(t, p.starttls)
		w.raw(header)
		if rest := w.end(); rest != "" {
			t.Errorf("after %q came %q", header, rest)
		}
	}
}

// TestPROXYHeaderFromStrangers: who isn't listed can't claim an address, and is closed for trying.
func TestPROXYHeaderFromStrangers(t *testing.T) {
	t.Parallel()
	p, joe := startBehindBalancer(t, "192.0.2.0/24", "")
	for _, header := range []string{
		headerV1(netip.MustParseAddrPort("192.0.2.7:4711")), headerV2(netip.MustParseAddrPort("192.0.2.7:4711")),
	} {
		w := connect(t, p.starttls)
		w.greeting()
		w.raw(header)
		if rest := w.end(); strings.Contains(rest, "+OK") || strings.Count(rest, "\n") > 1 {
			t.Errorf("a stranger's header %q was answered %q", header, rest)
		}
		w = connect(t, p.implicit)
		w.raw(header)
		if err := w.tryTLS(p.implicit, &tls.Config{}); err == nil {
			t.Errorf("TLS after a stranger's header %q worked", header)
		}
	}
	if got := p.log.lines("192.0.2.7"); len(got) != 0 {
		t.Errorf("a stranger's header was believed: %q", got)
	}
	w := dial(t, p.implicit)
	if answer := w.login(joe); !strings.HasPrefix(answer, "+OK") {
		t.Fatalf("a direct client: %q", answer)
	}
	if got := len(w.fetch()); got != 2 {
		t.Errorf("a direct client reached the backend with %d mails, want that with 2", got)
	}
}
