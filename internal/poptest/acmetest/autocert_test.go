package acmetest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

const host = "pop.example.com"

// hello is a client that can do ECDSA.
func hello(name string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{ServerName: name, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
}

// manager is an autocert.Manager and a CA that asks it in earnest.
type manager struct {
	*autocert.Manager
	ca   *CA
	http http.Handler // nil: nobody on port 80
}

func newManager(t *testing.T, opts Options, useHTTP bool) *manager {
	t.Helper()
	m := new(manager)
	opts.Validate = m.validate
	m.ca = New(t, opts)
	m.Manager = &autocert.Manager{
		Prompt: autocert.AcceptTOS,
		Email:  "postmaster@example.com",
		Client: &acme.Client{DirectoryURL: m.ca.DirectoryURL(), HTTPClient: &http.Client{Transport: m.ca}},
	}
	if useHTTP {
		m.http = m.HTTPHandler(nil)
	}
	return m
}

func (m *manager) validate(ctx context.Context, typ, name, token, keyAuth string) error {
	switch typ {
	case "http-01":
		if m.http == nil {
			return &Problem{Type: "connection", Detail: "nobody listens on port 80"}
		}
		return CheckHTTP(m.http, name, token, keyAuth)
	case "tls-alpn-01":
		if m.http != nil { // this manager is asked on port 80 only
			return &Problem{Type: "connection", Detail: "nobody listens on port 443"}
		}
		cert, err := m.GetCertificate(&tls.ClientHelloInfo{ServerName: name, SupportedProtos: []string{acme.ALPNProto}})
		if err != nil {
			return err
		}
		return CheckALPN(cert.Certificate[0], name, keyAuth)
	}
	return errors.New("no such challenge")
}

// TestAutocert: autocert gets its certificate by either challenge.
func TestAutocert(t *testing.T) {
	for _, tt := range []struct {
		typ    string
		http   bool
		failed int
	}{
		{"tls-alpn-01", false, 0},
		{"http-01", true, 1}, // autocert tries TLS-ALPN-01 first
	} {
		t.Run(tt.typ, func(t *testing.T) {
			both(t, func(t *testing.T) {
				m := newManager(t, Options{}, tt.http)
				cert, err := m.GetCertificate(hello(host))
				if err != nil {
					t.Fatal(err)
				}
				between, err := x509.ParseCertificate(cert.Certificate[1])
				if err != nil {
					t.Fatal(err)
				}
				verify(t, m.ca, []*x509.Certificate{cert.Leaf, between}, host)
				wantCount(t, "validated", m.ca.Validated(tt.typ), 1)
				wantCount(t, "failed", m.ca.FailedValidations(), tt.failed)
				wantCount(t, "orders", m.ca.Orders(host), 1+tt.failed)
				if contacts := m.ca.Contacts(); len(contacts) != 1 || contacts[0] != "mailto:postmaster@example.com" {
					t.Errorf("contacts %q", contacts)
				}
			})
		})
	}
}

// striker removes a challenge type from authorizations, as popgate does with
// one that it can't answer.
type striker struct {
	next http.RoundTripper
	typ  string
}

func (s striker) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := s.next.RoundTrip(req)
	if err != nil || !strings.Contains(req.URL.Path, "/authz/") {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	body = bytes.ReplaceAll(body, []byte(`"`+s.typ+`"`), []byte(`"struck"`))
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// TestStruckChallenge: without TLS-ALPN-01 no validation fails.
func TestStruckChallenge(t *testing.T) {
	m := newManager(t, Options{}, true)
	m.Client.HTTPClient.Transport = striker{m.ca, "tls-alpn-01"}
	if _, err := m.GetCertificate(hello(host)); err != nil {
		t.Fatal(err)
	}
	wantCount(t, "validated", m.ca.Validated("http-01"), 1)
	wantCount(t, "failed", m.ca.FailedValidations(), 0)
	wantCount(t, "orders", m.ca.Orders(host), 1)
}

// TestAutocertSlowly: polls, latency and refused nonces cost virtual time only.
func TestAutocertSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Options{WaitPolls: 5, IssuePolls: 5, Latency: 200 * time.Millisecond}, false)
		m.ca.RejectNonces(4)
		start := time.Now()
		if _, err := m.GetCertificate(hello(host)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 10*time.Second || took > 2*time.Minute {
			t.Errorf("took %s", took)
		}
		time.Sleep(6 * time.Minute) // the detached goroutine: see doc.go
	})
}

// TestAutocertRenews: autocert's own timer orders again when two thirds of the
// lifetime are over, and fails for as long as the CA is down.
func TestAutocertRenews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Options{}, false)
		first, err := m.GetCertificate(hello(host))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * 24 * time.Hour)
		wantCount(t, "orders", m.ca.Orders(host), 1)
		before := m.ca.Requests("")
		m.ca.Down()
		time.Sleep(2 * 24 * time.Hour)
		synctest.Wait()
		wantCount(t, "orders while down", m.ca.Orders(host), 1)
		if tries := m.ca.Requests("") - before; tries < 20 {
			t.Errorf("%d tries", tries)
		}
		m.ca.Up()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		second, err := m.GetCertificate(hello(host))
		if err != nil || second.Leaf.Equal(first.Leaf) {
			t.Errorf("not renewed: %v", err)
		}
		if times := m.ca.OrderTimes(host); len(times) != 2 || times[1].Sub(times[0]) < 61*24*time.Hour {
			t.Errorf("order times %v", times)
		}
	})
}
