package acmetest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/acme"
)

// TestCertificate: from nothing to a certificate, with keys of both kinds, and
// what the books say afterwards.
func TestCertificate(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	both(t, func(t *testing.T) {
		ca := New(t, Options{})
		start := time.Now()
		for _, useRSA := range []bool{false, true} {
			client := newClient(t, ca)
			if useRSA {
				client.Key = rsaKey
			}
			if _, err := client.Register(t.Context(), &acme.Account{Contact: []string{"mailto:a@example.com"}}, acme.AcceptTOS); err != nil {
				t.Fatal(err)
			}
			key := mustKey(t)
			chain, err := obtain(t, client, key, "pop.example.com", "mail.example.com")
			if err != nil {
				t.Fatal(err)
			}
			verify(t, ca, chain, "pop.example.com", "mail.example.com")
			if !key.PublicKey.Equal(chain[0].PublicKey) {
				t.Error("certificate is for another key")
			}
			if life := chain[0].NotAfter.Sub(chain[0].NotBefore); life != 90*24*time.Hour {
				t.Errorf("certificate lives %s", life)
			}
			if before := start.Sub(chain[0].NotBefore); before < 59*time.Minute || before > 61*time.Minute {
				t.Errorf("certificate starts %s before now", before)
			}
		}
		wantCount(t, "accounts", ca.Accounts(), 2)
		wantCount(t, "contacts", len(ca.Contacts()), 2)
		wantCount(t, "orders", ca.Orders(""), 2)
		wantCount(t, "orders of mail", ca.Orders("mail.example.com"), 2)
		wantCount(t, "orders of another", ca.Orders("example.com"), 0)
		wantCount(t, "validated http-01", ca.Validated("http-01"), 4)
		wantCount(t, "validated", ca.Validated(""), 4)
		wantCount(t, "failed validations", ca.FailedValidations(), 0)
		wantCount(t, "issued", len(ca.Issued()), 2)
		wantCount(t, "newOrder requests", ca.Requests("order"), 2)
		wantCount(t, "finalize requests", ca.Requests("finalize"), 2)
		if times := ca.OrderTimes("pop.example.com"); len(times) != 2 || times[0].Before(start) {
			t.Errorf("order times %v", times)
		}
	})
}

// verify holds a chain against the roots, without any other help.
func verify(t *testing.T, ca *CA, chain []*x509.Certificate, names ...string) {
	t.Helper()
	if len(chain) != 2 {
		t.Fatalf("chain of %d", len(chain))
	}
	between := x509.NewCertPool()
	between.AddCert(chain[1])
	for _, name := range names {
		options := x509.VerifyOptions{DNSName: name, Roots: ca.Roots(), Intermediates: between, CurrentTime: time.Now()}
		if _, err := chain[0].Verify(options); err != nil {
			t.Error(err)
		}
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{Roots: New(t, Options{}).Roots(), Intermediates: between, CurrentTime: time.Now()}); err == nil {
		t.Error("another CA's roots verify the chain")
	}
}

// TestLifetime: what Options ask for, at a bubble's clock, and again a year on.
func TestLifetime(t *testing.T) {
	ca := New(t, Options{Lifetime: 6 * 24 * time.Hour}) // outside of the bubble
	synctest.Test(t, func(t *testing.T) {
		client := member(t, ca)
		for range 2 {
			chain, err := obtain(t, client, mustKey(t), "pop.example.com")
			if err != nil {
				t.Fatal(err)
			}
			verify(t, ca, chain, "pop.example.com")
			if !chain[0].NotAfter.Equal(time.Now().Add(6*24*time.Hour - time.Hour).Truncate(time.Second)) {
				t.Errorf("at %s issued until %s", time.Now(), chain[0].NotAfter)
			}
			time.Sleep(365 * 24 * time.Hour)
		}
	})
}

// TestPolls: authorization and order take as many polls as they are told to.
func TestPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := New(t, Options{WaitPolls: 3, IssuePolls: 2})
		client := member(t, ca)
		if _, err := obtain(t, client, mustKey(t), "pop.example.com"); err != nil {
			t.Fatal(err)
		}
		wantCount(t, "authorization polls", ca.Requests("authz"), 1+3+1)
		wantCount(t, "order polls", ca.Requests("order-poll"), 1+2+1)
	})
}

// TestOrderStates follows one order through RFC 8555 §7.1.6.
func TestOrderStates(t *testing.T) {
	ca := New(t, Options{IssuePolls: 1})
	client := member(t, ca)
	o := mustOrder(t, client, "pop.example.com")
	state := func(want string) *acme.Order {
		t.Helper()
		now, err := client.GetOrder(t.Context(), o.URI)
		if err != nil || now.Status != want {
			t.Fatalf("order is %v, %v, not %s", now, err, want)
		}
		return now
	}
	state(acme.StatusPending)
	csr := request(t, mustKey(t), "pop.example.com")
	_, _, err := client.CreateCertFromOrder(t.Context(), o, csr, true)
	wantProblem(t, err, "orderNotReady")
	if err := authorize(t.Context(), client, o, "dns-01"); err != nil {
		t.Fatal(err)
	}
	state(acme.StatusReady)
	stop, cancel := context.WithCancel(t.Context())
	ca.SetFault(func(stage, _ string, _ *http.Request) *Fault {
		if stage == "finalize" {
			cancel() // the answer stays away, the work is done
			return &Fault{Late: true, Hang: true}
		}
		return nil
	})
	if _, _, err := client.CreateCertFromOrder(stop, o, csr, true); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	ca.SetFault(nil)
	_, _, err = client.CreateCertFromOrder(t.Context(), o, csr, true)
	wantProblem(t, err, "orderNotReady")
	state(acme.StatusProcessing)
	done := state(acme.StatusValid)
	if chain, err := client.FetchCert(t.Context(), done.CertURL, true); err != nil || len(chain) != 2 {
		t.Errorf("chain of %d, %v", len(chain), err)
	}
	wantCount(t, "issued", len(ca.Issued()), 1)
}

// TestOrderExpires: an order left alone for a week is invalid.
func TestOrderExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := member(t, New(t, Options{}))
		o := mustOrder(t, client, "pop.example.com")
		time.Sleep(orderLife + time.Second)
		now, err := client.GetOrder(t.Context(), o.URI)
		if err != nil || now.Status != acme.StatusInvalid {
			t.Errorf("order is %v, %v", now, err)
		}
	})
}

// TestNames: which names may be ordered.
func TestNames(t *testing.T) {
	ca := New(t, Options{})
	client := member(t, ca)
	for name, good := range map[string]bool{
		"pop.example.com": true, "POP.Example.Com": true, "*.example.com": true, "xn--mller-kva.example": true,
		"": false, "localhost": false, "a..b": false, "a.b.": false, "-a.b": false, "a b.c": false,
		"192.0.2.1": false, "*.*.example.com": false, "ü.example": false,
	} {
		_, err := client.AuthorizeOrder(t.Context(), acme.DomainIDs(name))
		if good && err != nil {
			t.Errorf("%q: %v", name, err)
		} else if !good {
			wantProblem(t, err, "rejectedIdentifier")
		}
	}
	wantCount(t, "orders", ca.Orders(""), 4)
	wantCount(t, "orders of pop", ca.Orders("pop.example.com"), 2)
	_, err := client.AuthorizeOrder(t.Context(), acme.IPIDs("192.0.2.1"))
	wantProblem(t, err, "unsupportedIdentifier")
	_, err = client.AuthorizeOrder(t.Context(), nil)
	wantProblem(t, err, "malformed")
}

// TestServer: the same CA behind real HTTPS.
func TestServer(t *testing.T) {
	ca := New(t, Options{})
	server := httptest.NewTLSServer(ca)
	defer server.Close()
	client := newClient(t, ca)
	client.HTTPClient, client.DirectoryURL = server.Client(), server.URL+"/directory"
	if _, err := client.Register(t.Context(), &acme.Account{}, acme.AcceptTOS); err != nil {
		t.Fatal(err)
	}
	chain, err := obtain(t, client, mustKey(t), "pop.example.com")
	if err != nil {
		t.Fatal(err)
	}
	verify(t, ca, chain, "pop.example.com")
	ca.Down()
	if _, err := client.GetReg(t.Context(), ""); err == nil {
		t.Error("a CA that is down answers")
	}
}

// TestOtherHost: only the CA's own URLs lead to it.
func TestOtherHost(t *testing.T) {
	ca := New(t, Options{Host: "acme.example"})
	client := http.Client{Transport: ca}
	for url, want := range map[string]int{
		"https://acme.example/directory":   http.StatusOK,
		"https://acme.example/directory/1": http.StatusNotFound,
		"https://acme.example/":            http.StatusNotFound,
		"https://acme.example/new-nonce":   http.StatusNoContent,
		"https://acme.example/new-order":   http.StatusMethodNotAllowed,
		"https://acme.example/order/1":     http.StatusMethodNotAllowed,
		"http://acme.example/directory":    0,
		"https://ca.test/directory":        0,
	} {
		res, err := client.Get(url)
		if err != nil {
			if want != 0 {
				t.Errorf("%s: %v", url, err)
			}
			continue
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %s", url, res.Status)
		}
	}
	wantCount(t, "other requests", ca.Requests("other"), 2)
}
