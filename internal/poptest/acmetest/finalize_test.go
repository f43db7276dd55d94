package acmetest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"testing"
	"time"

	"golang.org/x/crypto/acme"
)

// TestRequest: only a certificate request that fits the order is taken. One
// that doesn't leaves the order as it is.
func TestRequest(t *testing.T) {
	ca := New(t, Options{})
	client := member(t, ca)
	o := mustOrder(t, client, "pop.example.com", "mail.example.com")
	if err := authorize(t.Context(), client, o, "http-01"); err != nil {
		t.Fatal(err)
	}
	key := mustKey(t)
	broken := request(t, key, "pop.example.com", "mail.example.com")
	broken[len(broken)-1] ^= 1
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	bigCurve, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		csr     []byte
		problem string
	}{
		"rubbish":        {[]byte("rubbish"), "badCSR"},
		"signature":      {broken, "badCSR"},
		"too few":        {request(t, key, "pop.example.com"), "badCSR"},
		"too many":       {request(t, key, "pop.example.com", "mail.example.com", "www.example.com"), "badCSR"},
		"another":        {request(t, key, "pop.example.com", "www.example.com"), "badCSR"},
		"account's key":  {request(t, client.Key, "pop.example.com", "mail.example.com"), "badCSR"},
		"Ed25519":        {request(t, edKey, "pop.example.com", "mail.example.com"), "badPublicKey"},
		"RSA, 1024 bits": {request(t, short, "pop.example.com", "mail.example.com"), "badPublicKey"},
		"P-521":          {request(t, bigCurve, "pop.example.com", "mail.example.com"), "badPublicKey"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := client.CreateCertFromOrder(t.Context(), o, tt.csr, true)
			wantProblem(t, err, tt.problem)
		})
	}
	wantCount(t, "issued", len(ca.Issued()), 0)
	good := request(t, key, "mail.example.com", "POP.example.com")
	if _, _, err := client.CreateCertFromOrder(t.Context(), o, good, true); err != nil {
		t.Error(err)
	}
}

// TestWrongGoods: SetIssue and SetWrongKey spoil what is issued, and stop when
// told to.
func TestWrongGoods(t *testing.T) {
	both(t, func(t *testing.T) {
		ca := New(t, Options{})
		client := member(t, ca)
		key := mustKey(t)
		issue := func() *x509.Certificate {
			t.Helper()
			chain, err := obtain(t, client, key, "pop.example.com")
			if err != nil {
				t.Fatal(err)
			}
			return chain[0]
		}
		ca.SetIssue(func(csr *x509.CertificateRequest, template *x509.Certificate) {
			template.DNSNames = []string{"not." + csr.DNSNames[0]}
		})
		if err := issue().VerifyHostname("not.pop.example.com"); err != nil {
			t.Error(err)
		}
		ca.SetIssue(func(_ *x509.CertificateRequest, template *x509.Certificate) {
			template.NotBefore, template.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
		})
		if cert := issue(); !cert.NotAfter.Before(time.Now()) {
			t.Errorf("valid until %s", cert.NotAfter)
		}
		ca.SetIssue(nil)
		ca.SetWrongKey(true)
		if key.PublicKey.Equal(issue().PublicKey) {
			t.Error("issued for the right key")
		}
		ca.SetWrongKey(false)
		cert := issue()
		if !key.PublicKey.Equal(cert.PublicKey) || cert.VerifyHostname("pop.example.com") != nil || cert.NotAfter.Before(time.Now()) {
			t.Error("what is issued is still wrong")
		}
		if issued := ca.Issued(); len(issued) != 4 || !issued[3].Equal(cert) {
			t.Errorf("issued %d", len(issued))
		}
	})
}

// TestRSARequest: a certificate may have an RSA key.
func TestRSARequest(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var signer crypto.Signer = key
	chain, err := obtain(t, member(t, New(t, Options{})), signer, "pop.example.com")
	if err != nil || !key.PublicKey.Equal(chain[0].PublicKey) {
		t.Error(err)
	}
}

// TestSharedAccount: two clients with one account see the same order.
func TestSharedAccount(t *testing.T) {
	ca := New(t, Options{})
	first := member(t, ca)
	o := mustOrder(t, first, "pop.example.com")
	second := newClient(t, ca)
	second.Key = first.Key
	if now, err := second.GetOrder(t.Context(), o.URI); err != nil || now.Status != acme.StatusPending {
		t.Errorf("order is %v, %v", now, err)
	}
}
