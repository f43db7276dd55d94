package tlsconf

import (
	"crypto"
	"crypto/x509"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Automatic keeps what popgate has of ACME's CAs as long as it runs: the
// certificates, the orders under way, and when to try again what failed. It
// outlives configurations, so that a reload neither orders anything twice nor
// makes a CA forget its patience. Each Source that has an ACME block is given
// the same one.
type Automatic struct {
	opts   AutomaticOptions
	log    hclog.Logger
	tokens *tokens
	lag    float64 // this process's place among replicas

	orders sync.WaitGroup // in flight

	mu      sync.Mutex
	current *authority    // of the Source that runs; nil: it has no ACME block
	retired []*authority  // those before, which may have something to write still
	changed chan struct{} // closed and replaced when something has changed
}

// AutomaticOptions is what an Automatic is made of. All may be left out.
type AutomaticOptions struct {
	Logger   hclog.Logger     // nil: nothing is logged
	Observer Observer         // nil: nothing is counted
	Now      func() time.Time // nil: time.Now

	// NewIssuer replaces autocert; Transport replaces the network beneath it.
	NewIssuer func(ACME) (Issuer, error)
	Transport func(roots *x509.CertPool) http.RoundTripper
}

// NewAutomatic returns an Automatic that knows nothing yet. Close ends it.
func NewAutomatic(opts AutomaticOptions) *Automatic {
	if opts.Observer == nil {
		opts.Observer = silent{}
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Transport == nil {
		opts.Transport = func(roots *x509.CertPool) http.RoundTripper { return NewTransport(roots) }
	}
	a := &Automatic{
		opts:    opts,
		log:     hclog.NewNullLogger(),
		tokens:  newTokens(opts.Now),
		lag:     rand.Float64(),
		changed: make(chan struct{}),
	}
	if opts.Logger != nil {
		a.log = opts.Logger.Named("acme")
	}
	return a
}

// Close calls off the orders under way and waits for their ends, which takes a
// few seconds at most. No Source that has it may run any more.
func (a *Automatic) Close() {
	a.mu.Lock()
	all := a.retired
	if a.current != nil {
		all = append(all, a.current)
	}
	a.mu.Unlock()
	for _, authority := range all {
		authority.stop()
	}
	a.orders.Wait()
	for _, authority := range all {
		authority.tidy() // one may have been issued at the last moment
	}
}

// inForce returns the certificates of the CA in force, and whether that is the
// one of directory.
func (a *Automatic) inForce(directory string) (pairs map[string]*pair, same bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current == nil {
		return nil, false
	}
	return a.current.pairs(), a.current.acme.Directory == directory
}

// follow makes acme what is in force, with what was found in its cache; nil for
// none. Another CA's state is dropped, and its orders are called off; its
// certificates are served until the new one has issued its own.
func (a *Automatic) follow(acme *ACME, found *inventory) *authority {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.current
	if before != nil && (acme == nil || before.acme.Directory != acme.Directory) {
		before.stop()
		found = found.with(before.pairs())
		a.retired = append(a.retired, before)
		before, a.current = nil, nil
	}
	if acme == nil {
		return nil
	}
	if before == nil {
		before = a.revive(acme.Directory)
	}
	before.use(*acme, found)
	a.current = before
	return before
}

// revive returns what is known of a CA that was in force before, or of a new one;
// a.mu is held.
func (a *Automatic) revive(directory string) *authority {
	i := slices.IndexFunc(a.retired, func(r *authority) bool { return r.acme.Directory == directory })
	if i < 0 {
		return newAuthority(a)
	}
	again := a.retired[i]
	a.retired = slices.Delete(a.retired, i, i+1)
	again.resume()
	return again
}

// tidyRetired writes what CAs that aren't in force any more have left behind.
func (a *Automatic) tidyRetired() {
	a.mu.Lock()
	retired := slices.Clone(a.retired)
	a.mu.Unlock()
	for _, authority := range retired {
		authority.tidy()
	}
}

// issuer returns what orders certificates for acme with an account.
func (a *Automatic) issuer(acme ACME, account crypto.Signer) (Issuer, error) {
	if a.opts.NewIssuer != nil {
		return a.opts.NewIssuer(acme)
	}
	return &autocertIssuer{
		directory: acme.Directory, email: acme.Email, eab: acme.EAB, account: account,
		transport: a.opts.Transport(acme.Roots), tokens: a.tokens, shared: acme.Cache, now: a.opts.Now,
	}, nil
}

// changes returns a channel that is closed at the next change.
func (a *Automatic) changes() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.changed
}

// announce tells of a change.
func (a *Automatic) announce() {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.changed)
	a.changed = make(chan struct{})
}
