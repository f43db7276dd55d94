package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/http"
	"testing"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// The tests in this file prove the means of the others: that Pebble issues to a client that is in order, and that what
// is counted in its log is what happened. popgate has no part in them.

// stranger is an ACME client within the test.
type stranger struct {
	*autocert.Manager
	ca *pebble
}

// newStranger makes a client of the CA, with the binding if there is one. Its account and its certificates go when it
// goes.
func newStranger(t testing.TB, ca *pebble, binding *acme.ExternalAccountBinding) stranger {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: trust(t, ca.caFile())}
	t.Cleanup(transport.CloseIdleConnections)
	return stranger{ca: ca, Manager: &autocert.Manager{
		Prompt: autocert.AcceptTOS,
		Client: &acme.Client{
			DirectoryURL: ca.directory(),
			HTTPClient:   &http.Client{Transport: transport},
		},
		ExternalAccountBinding: binding,
	}}
}

// answerHTTP answers HTTP-01 for it until the test ends.
func (s stranger) answerHTTP(t testing.TB) {
	t.Helper()
	serve(t, s.ca.http, func(l net.Listener) *http.Server {
		server := &http.Server{Handler: s.HTTPHandler(nil)}
		go server.Serve(l)
		return server
	})
}

// answerTLS answers TLS-ALPN-01 for it until the test ends.
func (s stranger) answerTLS(t testing.TB) {
	t.Helper()
	serve(t, s.ca.https, func(l net.Listener) *http.Server {
		// A server of HTTP does all that is needed: it does handshakes.
		server := &http.Server{TLSConfig: s.TLSConfig(), TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){
			acme.ALPNProto: func(*http.Server, *tls.Conn, http.Handler) {},
		}}
		go server.ServeTLS(l, "", "")
		return server
	})
}

func serve(t testing.TB, port int, begin func(net.Listener) *http.Server) {
	t.Helper()
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		t.Fatal(err)
	}
	server := begin(l)
	t.Cleanup(func() { server.Close() })
}

// order gets a certificate for the name.
func (s stranger) order(name string) (*tls.Certificate, error) {
	return s.GetCertificate(&tls.ClientHelloInfo{
		ServerName:        name,
		CipherSuites:      []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		SupportedCurves:   []tls.CurveID{tls.CurveP256},
		SignatureSchemes:  []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
		SupportedVersions: []uint16{tls.VersionTLS12},
	})
}

// must gets it and fails the test unless it leads to Pebble's root.
func (s stranger) must(t testing.TB, name string) {
	t.Helper()
	cert, err := s.order(name)
	if err != nil {
		t.Fatal(err)
	}
	var state tls.ConnectionState
	for _, der := range cert.Certificate {
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		state.PeerCertificates = append(state.PeerCertificates, parsed)
	}
	if err := verified(state, trust(t, s.ca.roots()).RootCAs, name); err != nil {
		t.Error(err)
	}
}

// TestPebbleCountsValidations: each kind of validation is counted as what it is, and as failed if it failed.
func TestPebbleCountsValidations(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer func(stranger, testing.TB)
		did    record
	}{
		"TLS-ALPN-01": {stranger.answerTLS, record{accounts: 1, orders: 1, certificates: 1, alpn: 1, valid: 1}},
		// Without port 443 autocert burns an order before it tries HTTP-01.
		"HTTP-01": {stranger.answerHTTP, record{
			accounts: 1, orders: 2, certificates: 1, alpn: 1, http: 1, valid: 1, failed: 1,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ca := startPebble(t, pebbleOptions{strict: true})
			client := newStranger(t, ca, nil)
			test.answer(client, t)
			client.must(t, "pop.example.com")
			ca.did(t, test.did)
		})
	}
}

// TestPebbleComesBack: a CA that was stopped is at its old address, believed by its old and new roots.
func TestPebbleComesBack(t *testing.T) {
	t.Parallel()
	ca := startPebble(t, pebbleOptions{down: true})
	if _, err := newStranger(t, ca, nil).order("pop.example.com"); err == nil {
		t.Fatal("a CA that isn't there gave a certificate")
	}
	for range 2 {
		ca.start(t)
		t.Run("up", func(t *testing.T) {
			client := newStranger(t, ca, nil)
			client.answerTLS(t)
			client.must(t, "pop.example.com")
		})
		ca.stop()
	}
	ca.did(t, record{accounts: 2, orders: 2, certificates: 2, alpn: 2, valid: 2})
}

// TestPebbleWantsAccountKeys: with external account binding, only a client that has a key gets in.
func TestPebbleWantsAccountKeys(t *testing.T) {
	t.Parallel()
	id, key := newAccountKey()
	ca := startPebble(t, pebbleOptions{accountKeys: map[string]string{id: key}})
	if _, err := newStranger(t, ca, nil).order("pop.example.com"); err == nil {
		t.Error("a client without a key got a certificate")
	}
	bytes, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	client := newStranger(t, ca, &acme.ExternalAccountBinding{KID: id, Key: bytes})
	client.answerTLS(t)
	client.must(t, "pop.example.com")
	ca.did(t, record{accounts: 1, orders: 1, certificates: 1, alpn: 1, valid: 1})
}

// TestGateHoldsConnections: nothing passes a closed gate, and all that waited passes an open one.
func TestGateHoldsConnections(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	g := startGate(t, b.port())
	w := connect(t, endpoint{port: g.port()})
	g.wait(t)
	b.mu.Lock()
	got := len(b.conns)
	b.mu.Unlock()
	if got != 0 {
		t.Error("a connection came through a closed gate")
	}
	g.open()
	w.greeting()
	w.ok("QUIT")
}
