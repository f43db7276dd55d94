package acmetest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/acme"
)

// both runs a test on the real clock and in a bubble.
func both(t *testing.T, test func(t *testing.T)) {
	t.Run("real clock", test)
	t.Run("bubble", func(t *testing.T) { synctest.Test(t, test) })
}

// newClient is a client without account that does not wait for long, so that
// it can be used on the real clock, too.
func newClient(t *testing.T, ca *CA) *acme.Client {
	t.Helper()
	return &acme.Client{
		Key:          mustKey(t),
		DirectoryURL: ca.DirectoryURL(),
		HTTPClient:   &http.Client{Transport: ca},
		RetryBackoff: func(n int, _ *http.Request, _ *http.Response) time.Duration {
			return time.Duration(5-n) * time.Millisecond // 0 after four
		},
	}
}

// member is newClient with an account.
func member(t *testing.T, ca *CA) *acme.Client {
	t.Helper()
	client := newClient(t, ca)
	if _, err := client.Register(t.Context(), &acme.Account{}, acme.AcceptTOS); err != nil {
		t.Fatal(err)
	}
	return client
}

func mustKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func mustOrder(t *testing.T, client *acme.Client, names ...string) *acme.Order {
	t.Helper()
	o, err := client.AuthorizeOrder(t.Context(), acme.DomainIDs(names...))
	if err != nil {
		t.Fatal(err)
	}
	if o.Status != acme.StatusPending {
		t.Fatalf("a new order is %s", o.Status)
	}
	return o
}

// authorize answers a challenge of the given type for each of o's names.
func authorize(ctx context.Context, client *acme.Client, o *acme.Order, typ string) error {
	for _, url := range o.AuthzURLs {
		z, err := client.GetAuthorization(ctx, url)
		if err != nil {
			return err
		}
		ch := pick(z, typ)
		if ch == nil {
			return errors.New("no challenge of type " + typ)
		}
		if _, err := client.Accept(ctx, ch); err != nil {
			return err
		}
		if _, err := client.WaitAuthorization(ctx, url); err != nil {
			return err
		}
	}
	return nil
}

func pick(z *acme.Authorization, typ string) *acme.Challenge {
	for _, ch := range z.Challenges {
		if ch.Type == typ {
			return ch
		}
	}
	return nil
}

// request is a certificate request for names.
func request(t *testing.T, key crypto.Signer, names ...string) []byte {
	t.Helper()
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: names}, key)
	if err != nil {
		t.Fatal(err)
	}
	return csr
}

// obtain orders, authorizes by http-01 and finalizes.
func obtain(t *testing.T, client *acme.Client, key crypto.Signer, names ...string) ([]*x509.Certificate, error) {
	t.Helper()
	o := mustOrder(t, client, names...)
	if err := authorize(t.Context(), client, o, "http-01"); err != nil {
		return nil, err
	}
	if _, err := client.WaitOrder(t.Context(), o.URI); err != nil {
		return nil, err
	}
	ders, _, err := client.CreateCertFromOrder(t.Context(), o, request(t, key, names...), true)
	var chain []*x509.Certificate
	for _, der := range ders {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, cert)
	}
	return chain, err
}

// wantProblem fails unless err is the CA's problem of this type.
func wantProblem(t *testing.T, err error, typ string) {
	t.Helper()
	problem, ok := errors.AsType[*acme.Error](err)
	if !ok || problem.ProblemType != urn+typ {
		t.Errorf("error is %v, not %s", err, typ)
	}
}

// wantCount fails unless a number of the books is as expected.
func wantCount(t *testing.T, what string, got, want int) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %d, not %d", what, got, want)
	}
}

// wantIn fails unless text holds part.
func wantIn(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%q is not in %q", part, text)
	}
}
