package e2e

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestOrdersAreNotForTheAsking: a thousand clients at once that ask for a host whose order is under way are refused
// without a wait, and there is no second order. It runs beside no other test: popgate's last words have a second to get out.
func TestOrdersAreNotForTheAsking(t *testing.T) {
	ca := startPebble(t, pebbleOptions{})
	g := startGate(t, ca.acme)
	s := newSite(t, ca, acmeHost)
	s.directory = directoryAt(g.port())
	s.start(t)
	g.wait(t)
	options := s.client(t, acmeHost)
	var clients sync.WaitGroup
	errs := make(chan error, 1000)
	for range cap(errs) {
		clients.Go(func() {
			_, err := greet(s.port, options)
			errs <- err
		})
	}
	clients.Wait()
	close(errs)
	for err := range errs {
		if !unrecognized(err) {
			t.Fatalf("handshake before there is a certificate: %v, want unrecognized_name", err)
		}
	}
	g.open()
	s.obtains(t, acmeHost)
	s.reads(t, s.at(acmeHost, s.port))
	s.ordersNoMore(t, 1)
}

// TestStrangeNamesCostNothing: names that popgate doesn't serve are refused; 5,000 of them lead to no order and take up
// no memory.
func TestStrangeNamesCostNothing(t *testing.T) {
	t.Parallel()
	ca := startPebble(t, pebbleOptions{})
	s := newSite(t, ca, acmeHost)
	s.start(t)
	s.obtains(t, acmeHost)
	options := s.client(t, acmeHost)
	ask := func(from, to int) {
		t.Helper()
		var clients sync.WaitGroup
		for worker := range 8 {
			clients.Go(func() {
				for i := from + worker; i < to; i += 8 {
					asking := options.Clone()
					asking.ServerName = fmt.Sprintf("pop%d.stranger%d.example", i, i%7)
					if _, err := greet(s.port, asking); !unrecognized(err) {
						t.Errorf("handshake for %s: %v, want unrecognized_name", asking.ServerName, err)
						return
					}
				}
			})
		}
		clients.Wait()
	}
	// The first ones bring the program to its working size.
	ask(0, 500)
	before := memory(t, s.process)
	ask(500, 5500)
	if grown := memory(t, s.process) - before; grown >= 32<<20 {
		t.Errorf("5,000 names took %d KiB", grown>>10)
	}
	s.reads(t, s.at(acmeHost, s.port))
	s.ordersNoMore(t, 1)
}

// memory returns how much of the machine's memory a process holds, in bytes; 0 where that can't be known.
func memory(t testing.TB, p *process) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	var all, resident int
	if _, err := fmt.Sscan(string(status), &all, &resident); err != nil {
		t.Fatalf("%q: %v", status, err)
	}
	return resident * os.Getpagesize()
}

// TestOddHellosCostNoOrder: clients that autocert would order an RSA certificate for, and clients without a name, are
// served with what there is.
func TestOddHellosCostNoOrder(t *testing.T) {
	t.Parallel()
	ca := startPebble(t, pebbleOptions{})
	s := newSite(t, ca, acmeHost)
	s.start(t)
	s.obtains(t, acmeHost)
	for name, change := range map[string]func(*tls.Config){
		"TLS 1.2":          func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
		"TLS 1.3 only":     func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 },
		"without P-256":    func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519} },
		"only P-384":       func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP384} },
		"without ALPN":     func(c *tls.Config) { c.NextProtos = nil },
		"in capitals":      func(c *tls.Config) { c.ServerName = strings.ToUpper(c.ServerName) },
		"without a name":   nameless,
		"nameless TLS 1.2": func(c *tls.Config) { nameless(c); c.MaxVersion = tls.VersionTLS12 },
	} {
		options := s.client(t, acmeHost)
		change(options)
		if _, err := greet(s.port, options); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// No certificate of ours is good for this client, so it is refused; there's no order for its sake.
	rsa := s.client(t, acmeHost)
	rsa.MaxVersion, rsa.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	if _, err := greet(s.port, rsa); err == nil {
		t.Error("a client that takes RSA only got an ECDSA certificate")
	}
	s.ordersNoMore(t, 1)
}

// nameless makes a client that says no server name. It verifies the certificate all the same.
func nameless(c *tls.Config) {
	c.InsecureSkipVerify = true // what Go takes the name from is off, and this stands in for it
	roots, host := c.RootCAs, c.ServerName
	c.ServerName = ""
	c.VerifyConnection = func(state tls.ConnectionState) error { return verified(state, roots, host) }
}

// TestValidationHellosGetNoMail: a hello of a CA's validation gets an alert, and no session, unless a validation of that
// name is under way; whatever port it comes to.
func TestValidationHellosGetNoMail(t *testing.T) {
	t.Parallel()
	ca := startPebble(t, pebbleOptions{})
	s := newSite(t, ca, acmeHost)
	s.start(t)
	s.obtains(t, acmeHost)
	for _, port := range []int{s.port, ca.https} {
		for _, name := range []string{acmeHost, "pop.stranger.example", "e2e.example", ""} {
			_, err := greet(port, &tls.Config{
				ServerName: name, InsecureSkipVerify: true, NextProtos: []string{"acme-tls/1"},
			})
			// The client's way to say that an alert came, instead of an end or a session.
			var alert *net.OpError
			if !errors.As(err, &alert) || alert.Op != "remote error" {
				t.Errorf("acme-tls/1 for %q at port %d: %v, want an alert", name, port, err)
			}
		}
		// Who offers POP3 too is a mail client with odd habits. No other protocol opens a session.
		for _, other := range []string{"pop3", "http/1.1"} {
			options := s.client(t, acmeHost)
			options.NextProtos = []string{"acme-tls/1", other}
			if state, err := greet(port, options); err == nil && state.NegotiatedProtocol != "pop3" {
				t.Errorf("port %d speaks POP3 by the name of %q", port, state.NegotiatedProtocol)
			}
		}
	}
	s.ordersNoMore(t, 1)
}

// TestValidationIsForItsHostOnly: while a CA validates a host by TLS-ALPN-01, a hello of that kind for it gets the proof
// and no session, and one for another name gets nothing; nor do mail clients get the proof.
func TestValidationIsForItsHostOnly(t *testing.T) {
	t.Parallel()
	ca := startPebble(t, pebbleOptions{down: true})
	s := newSite(t, ca, acmeHost)
	s.http = false
	g := s.between(t, &ca.https)
	s.start(t)
	g.wait(t)
	asCA := &tls.Config{ServerName: acmeHost, InsecureSkipVerify: true, NextProtos: []string{"acme-tls/1"}}
	state, err := greet(s.httpsPort, asCA)
	proof := state.PeerCertificates
	if err != io.EOF || len(proof) != 1 || !slices.Equal(proof[0].DNSNames, []string{acmeHost}) {
		t.Errorf("acme-tls/1 for the host under validation: %v, want the proof and an end", err)
	}
	asCA.ServerName = "pop.stranger.example"
	if _, err := greet(s.httpsPort, asCA); !unrecognized(err) {
		t.Errorf("acme-tls/1 for another name: %v, want unrecognized_name", err)
	}
	for _, protocols := range [][]string{nil, {"pop3"}, {"acme-tls/1", "pop3"}} {
		client := &tls.Config{ServerName: acmeHost, InsecureSkipVerify: true, NextProtos: protocols}
		if _, err := greet(s.httpsPort, client); !unrecognized(err) {
			t.Errorf("a client with %q before there is a certificate: %v, want unrecognized_name", protocols, err)
		}
	}
	g.open()
	s.obtains(t, acmeHost)
	s.reads(t, s.at(acmeHost, s.httpsPort))
}
