// Package load is the generator: a POP3 client over crypto/tls that repeats a
// fixed number of operations over a fixed number of connections, checks every
// reply, and times each operation. It knows what the backend holds (package
// maildrop); it must not know which proxy it talks to. Start with Target,
// Sessions and Pool.
package load

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"sync"
	"sync/atomic"
	"time"

	"popgate/bench/internal/maildrop"
)

// Target is a proxy and how to log in through it.
type Target struct {
	Address  string // host:port, implicit TLS
	TLS      *tls.Config
	User     string
	Password string
	Messages []maildrop.Message // what the user's maildrop must hold
	// Resume: every TLS session must be resumed, and none otherwise; see
	// Resuming.
	Resume bool
}

// Resuming runs one session, and returns t for sessions that resume its TLS
// session.
func Resuming(ctx context.Context, t Target) (Target, error) {
	t.TLS = t.TLS.Clone()
	t.TLS.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	if _, err := Check(ctx, t); err != nil {
		return Target{}, err
	}
	t.Resume = true
	return t, nil
}

// opLimit bounds one operation, with its dial and handshake if it has one.
// Whatever takes longer is an error and ends the run.
const opLimit = 30 * time.Second

// TLSConfig is the client's side of every connection: TLS 1.3, the named
// key exchanges and no other, full handshakes only.
func TLSConfig(roots *x509.CertPool, serverName string, exchanges ...tls.CurveID) *tls.Config {
	return &tls.Config{
		RootCAs:          roots,
		ServerName:       serverName,
		MinVersion:       tls.VersionTLS13,
		CurvePreferences: exchanges,
		// Deliberate: without a cache crypto/tls tells the server that it takes no tickets, and
		// Go's server would be spared a work that OpenSSL's does. Mail clients do take tickets.
		ClientSessionCache: forgetful{},
	}
}

// forgetful is a session cache that keeps nothing, so no session is resumed.
type forgetful struct{}

func (forgetful) Get(string) (*tls.ClientSessionState, bool) { return nil, false }
func (forgetful) Put(string, *tls.ClientSessionState)        {}

// each runs op so many times on so many workers and times every run. The
// first error stops all and is returned. op gets its worker's number.
func each(ctx context.Context, workers, times int, op func(ctx context.Context, worker int) error) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		wg        sync.WaitGroup
		next      atomic.Int64
		latencies = make([]time.Duration, times)
		start     = time.Now()
	)
	for w := range min(workers, times) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= times {
					return
				}
				began := time.Now()
				if err := op(ctx, w); err != nil {
					cancel(err)
					return
				}
				latencies[i] = time.Since(began)
			}
		})
	}
	wg.Wait()
	wall := time.Since(start)
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	return newResult(wall, latencies), nil
}
