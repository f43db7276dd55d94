package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"popgate/internal/poptest"
	"popgate/tlsconf"
)

// stranger is a web server that isn't popgate's.
func stranger(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// says is a handler with one answer.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Server", "nginx/1.0")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// mute is a server that takes connections, and closes them without a word.
func mute(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return taking(t, l, func(net.Conn) {})
}

// taking takes connections of l, one at a time, until the test ends. It returns
// l's address.
func taking(t testing.TB, l net.Listener, greet func(net.Conn)) string {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			greet(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

// secureStranger is a TLS server with a certificate and protocols of its own.
func secureStranger(t testing.TB, protocols ...string) string {
	t.Helper()
	ca := poptest.NewCA(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{ca.Issue("www.example.org")}, NextProtos: protocols,
	})
	if err != nil {
		t.Fatal(err)
	}
	return taking(t, l, func(conn net.Conn) { _ = conn.(*tls.Conn).Handshake() })
}

// TestCheckGatesOf: who answers where a CA would ask, and what to make of it.
func TestCheckGatesOf(t *testing.T) {
	const http01, alpn = " http-01 " + certHost, " tls-alpn-01 " + certHost
	at80, at443 := "192.0.2.10:80", "192.0.2.10:443"
	for _, test := range []struct {
		name    string
		spoil   func(t *testing.T, r *rig)
		written bool // the addresses are
		want    string
		says    []string // of the finding that isn't ok first
	}{
		{"all is well", func(*testing.T, *rig) {}, true, "ok" + http01 + ", ok" + alpn, nil},
		{"all addresses are well", func(_ *testing.T, r *rig) { r.lookUp = resolves(ours, ours6) }, true, "ok" + http01 + ", ok" + alpn, nil},

		{"web server", func(t *testing.T, r *rig) { r.ways[at80] = stranger(t, says(404, "<html>\x1b not here")) }, true,
			"fail" + http01 + ", ok" + alpn, []string{`at 192.0.2.10:80: "nginx/1.0", status 404 Not Found, "<html>\x1b not here"`, "pass the CA's question on"}},
		{"web server beside a default", func(t *testing.T, r *rig) { r.ways[at80] = stranger(t, says(404, "")) }, false,
			"warn" + http01 + ", ok" + alpn, []string{"with nothing in it", `or write http_address = "off"`}},
		{"web server with another answer", func(t *testing.T, r *rig) { r.ways[at80] = stranger(t, says(200, strings.Repeat("x", 9999))) }, true,
			"fail" + http01 + ", ok" + alpn, []string{"status 200 OK, \"" + strings.Repeat("x", maxSeen) + "\""}},
		{"right answer, wrong status", func(t *testing.T, r *rig) { r.ways[at80] = stranger(t, says(500, r.here.probe.HTTPBody)) }, true,
			"fail" + http01 + ", ok" + alpn, []string{"status 500"}},
		{"right answer, white space behind", func(t *testing.T, r *rig) { r.ways[at80] = stranger(t, says(200, r.here.probe.HTTPBody+"\r\n \n")) }, true,
			"ok" + http01 + ", ok" + alpn, nil},
		{"no HTTP", func(t *testing.T, r *rig) { r.ways[at80] = mute(t) }, true, "fail" + http01 + ", ok" + alpn, []string{"somebody else answers"}},
		{"redirection that leads back", func(t *testing.T, r *rig) {
			r.ways[at80] = stranger(t, func(w http.ResponseWriter, q *http.Request) {
				http.Redirect(w, q, "http://acme.example.com"+q.URL.Path, http.StatusMovedPermanently)
			})
			r.ways["acme.example.com:80"] = r.ways["127.0.0.1:80"]
		}, true, "ok" + http01 + ", ok" + alpn, nil},
		{"redirection to elsewhere", func(t *testing.T, r *rig) {
			r.ways[at80] = stranger(t, func(w http.ResponseWriter, q *http.Request) {
				http.Redirect(w, q, "http://www.example.org/home", http.StatusFound)
			})
			r.ways["www.example.org:80"] = stranger(t, says(200, "welcome"))
		}, true, "fail" + http01 + ", ok" + alpn, []string{`"welcome", after a redirection to "http://www.example.org/home"`}},
		{"redirection in a circle", func(t *testing.T, r *rig) {
			r.ways[at80] = stranger(t, func(w http.ResponseWriter, q *http.Request) {
				http.Redirect(w, q, "http://"+certHost+q.URL.Path, http.StatusFound)
			})
		}, true, "fail" + http01 + ", ok" + alpn, []string{"status 302"}},

		{"other certificate", func(t *testing.T, r *rig) { r.ways[at443] = secureStranger(t, tlsconf.ChallengeProtocol) }, true,
			"ok" + http01 + ", fail" + alpn, []string{`at 192.0.2.10:443: a certificate of "CN=popgate test CA" for "www.example.org"`}},
		{"other protocols", func(t *testing.T, r *rig) { r.ways[at443] = secureStranger(t, "h2") }, true,
			"ok" + http01 + ", fail" + alpn, []string{"no application protocol"}},
		{"no TLS", func(t *testing.T, r *rig) { r.ways[at443] = stranger(t, says(400, "")) }, true,
			"ok" + http01 + ", fail" + alpn, []string{"somebody else answers", "handshake"}},
		{"TLS broken off", func(t *testing.T, r *rig) { r.ways[at443] = mute(t) }, true, "ok" + http01 + ", fail" + alpn, []string{"somebody else answers"}},

		{"nobody at our address", func(_ *testing.T, r *rig) { r.ways[at80] = "" }, true,
			"fail" + http01 + ", ok" + alpn, []string{"no connection to 192.0.2.10:80, an address of this machine", "refused"}},
		{"nobody at loopback", func(_ *testing.T, r *rig) { r.lookUp = resolves(loopback); r.ways["127.0.0.1:443"] = "" }, true,
			"ok" + http01 + ", fail" + alpn, []string{"no connection to 127.0.0.1:443"}},
		{"nobody at the router's", func(_ *testing.T, r *rig) { r.lookUp = resolves(theirs) }, true,
			"warn" + http01 + ", warn" + alpn, []string{"no connection from here to 198.51.100.7:80", "a CA may get through all the same"}},
		{"one address leads elsewhere", func(t *testing.T, r *rig) {
			r.lookUp = resolves(ours, ours6)
			r.ways["[2001:db8::10]:80"] = stranger(t, says(404, ""))
		}, true, "fail" + http01 + ", ok" + alpn, []string{"at [2001:db8::10]:80"}},
		{"nothing works", func(t *testing.T, r *rig) { r.ways[at80], r.ways[at443] = stranger(t, says(404, "")), mute(t) }, false,
			"fail" + http01 + ", fail" + alpn, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, test.written)
			test.spoil(t, r)
			found := r.host(t.Context(), certHost)[1:]
			if got := verdicts(found); got != test.want {
				t.Errorf("got  %s\nwant %s\n%+v", got, test.want, found)
			}
			for _, f := range found {
				if f.Status != statusOK {
					wantFinding(t, found, verdict(f), test.says...)
					break
				}
			}
		})
	}
}

// TestCheckGatesClosed: an address that couldn't be opened is one finding, and
// none for each host.
func TestCheckGatesClosed(t *testing.T) {
	r := newRig(t, false)
	closed := *r.gates[0]
	closed.listener, closed.err = nil, fmt.Errorf("http_address: %w", syscall.EADDRINUSE)
	r.gates = gates{&closed, r.gates[1]}
	if got, want := verdicts(checkGates(r.gates)), "warn http_address, ok https_address"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := verdicts(r.host(t.Context(), certHost)), "ok name pop.example.com, ok tls-alpn-01 pop.example.com"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	r.gates[0].Written = true
	wantFinding(t, checkGates(r.gates), "fail http_address", "address already in use", "another program has it")
	r.gates[0].Written, r.gates[0].err = false, fmt.Errorf("http_address: %w", syscall.EACCES)
	wantFinding(t, checkGates(r.gates), "warn http_address", "permission denied", "CAP_NET_BIND_SERVICE")
}
