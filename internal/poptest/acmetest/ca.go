package acmetest

import (
	"context"
	"crypto/x509"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Options say what kind of CA [New] makes. The zero value is a CA that anybody
// may have an account with and that believes every challenge.
type Options struct {
	// Host is the CA's own host name. "" is ca.test.
	Host string
	// Lifetime is what lies between a certificate's NotBefore, which is one
	// hour before its order is finalized, and its NotAfter. 0 is 90 days.
	Lifetime time.Duration
	// Validate decides about a challenge that the client says is ready. typ is
	// "http-01", "tls-alpn-01" or "dns-01"; keyAuth is what the client must
	// show; ctx is that of the client's request, whose answer waits for
	// Validate. An error makes authorization and order invalid: a *Problem as
	// it is, any other one as "unauthorized". An error after the end of ctx is
	// no verdict: the challenge is pending again. nil believes everything.
	// Calls may overlap.
	Validate func(ctx context.Context, typ, host, token, keyAuth string) error
	// Challenges are the types that each authorization offers, in that order.
	// nil is http-01, tls-alpn-01, dns-01. For a wildcard it's always dns-01.
	Challenges []string
	// RequireEAB are the HMAC keys, by key id, of which a new account must
	// show one (external account binding). Empty: no binding is needed.
	RequireEAB map[string][]byte
	// WaitPolls is how many polls of an authorization (or of its challenge)
	// still show it pending after the challenge was accepted.
	WaitPolls int
	// IssuePolls is how many polls of an order still show it processing after
	// it was finalized.
	IssuePolls int
	// Latency is how long every request takes, faulty ones too. Deliberate:
	// requests for a nonce take none, because acme.Client makes them with a
	// mutex held that autocert's detached goroutine may want; in a bubble the
	// clock would then stand still.
	Latency time.Duration
}

// CA is an ACME certificate authority in memory. Its methods may be called at
// any time, from any goroutine.
type CA struct {
	opts      Options
	authority *authority

	mu         sync.Mutex
	ids        int
	nonces     map[string]bool
	accounts   map[string]*account // by id
	orders     map[string]*order
	authzs     map[string]*authz
	challenges map[string]*challenge
	books      books

	down        bool
	fault       func(stage, host string, req *http.Request) *Fault
	issue       func(csr *x509.CertificateRequest, template *x509.Certificate)
	wrongKey    bool
	rejectNonce int // every how many signed requests; 0 none
	signed      int // signed requests since rejectNonce was set
}

// New makes a CA with fresh keys; tb fails if that goes wrong. The CA has no
// end of its own and may still be called when tb is over.
func New(tb testing.TB, opts Options) *CA {
	tb.Helper()
	if opts.Host == "" {
		opts.Host = "ca.test"
	}
	if opts.Lifetime == 0 {
		opts.Lifetime = 90 * 24 * time.Hour
	}
	if opts.Challenges == nil {
		opts.Challenges = []string{"http-01", "tls-alpn-01", "dns-01"}
	}
	authority, err := newAuthority()
	if err != nil {
		tb.Fatalf("make a CA: %v", err)
	}
	return &CA{
		opts:       opts,
		authority:  authority,
		nonces:     make(map[string]bool),
		accounts:   make(map[string]*account),
		orders:     make(map[string]*order),
		authzs:     make(map[string]*authz),
		challenges: make(map[string]*challenge),
		books:      newBooks(),
	}
}

// DirectoryURL is where a client starts: https://ca.test/directory, or at
// Options.Host.
func (ca *CA) DirectoryURL() string { return "https://" + ca.opts.Host + "/directory" }

// Roots is what a client needs to trust in order to verify what the CA issues.
// The intermediate certificate is not among them; it comes with each chain.
func (ca *CA) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.authority.root)
	return pool
}

// SetIssue sets a function that may change each certificate before it is
// signed: another name, a NotAfter in the past. It is given the request, too.
// nil goes back to what was ordered.
func (ca *CA) SetIssue(f func(csr *x509.CertificateRequest, template *x509.Certificate)) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	ca.issue = f
}

// SetWrongKey lets certificates be issued for a key that is not the client's.
func (ca *CA) SetWrongKey(on bool) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	ca.wrongKey = on
}

// RejectNonces refuses every nth signed request from now on with badNonce,
// whatever its nonce. 0 stops that.
func (ca *CA) RejectNonces(n int) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	ca.rejectNonce, ca.signed = n, 0
}
