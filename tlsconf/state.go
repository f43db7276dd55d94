package tlsconf

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// HostState is what there is to know of a host whose certificate comes from a
// CA.
type HostState struct {
	Name string

	// Of the certificate that is served; zero where there is none.
	Issuer              string
	NotBefore, NotAfter time.Time

	Ordering    bool        // an order is under way
	Failures    int         // in a row
	LastError   *OrderError // of the last order, if that failed
	LastFailure time.Time
	LastSuccess time.Time // in this process; zero: none
	NextTry     time.Time // when the next order is due; it may have to wait for others
	PausedUntil time.Time // no order for any host before; zero or past: none is held up
}

// state describes h; the authority's lock is held.
func (a *authority) state(h *host) HostState {
	s := HostState{
		Name: h.name, Ordering: h.cancel != nil, Failures: h.failures, LastError: h.lastError,
		LastFailure: h.lastFailure, LastSuccess: h.lastSuccess, PausedUntil: a.pausedUntil,
	}
	if leaf := h.leaf(); leaf != nil {
		s.Issuer, s.NotBefore, s.NotAfter = issuerOf(leaf), leaf.NotBefore, leaf.NotAfter
	}
	if s.NextTry = h.nextTry(); s.NextTry.Before(a.pausedUntil) {
		s.NextTry = a.pausedUntil
	}
	return s
}

// states describes all hosts, by name.
func (a *authority) states() []HostState {
	a.mu.Lock()
	defer a.mu.Unlock()
	states := make([]HostState, 0, len(a.hosts))
	for _, name := range slices.Sorted(maps.Keys(a.hosts)) {
		states = append(states, a.state(a.hosts[name]))
	}
	return states
}

// issuerOf names who signed a certificate.
func issuerOf(leaf *x509.Certificate) string {
	if leaf.Issuer.CommonName != "" {
		return leaf.Issuer.CommonName
	}
	return leaf.Issuer.String()
}

// The errors of Renew and Probe, beside an *OrderError.
var (
	// ErrUnknownHost is a name that no certificate is ordered for.
	ErrUnknownHost = errors.New("no certificate is ordered for this host")
	// ErrNotAutomatic: there is no ACME block, or the host's certificate comes
	// from a file.
	ErrNotAutomatic = errors.New("this host's certificate does not come from a CA")
	// ErrStopped: popgate is going away, or the host was dropped meanwhile.
	ErrStopped = errors.New("the order was called off")
)

// PausedError is a CA's wish not to get orders now.
type PausedError struct {
	Until time.Time
	Why   *OrderError
}

// Error says how long.
func (e *PausedError) Error() string {
	return fmt.Sprintf("the CA has asked to wait until %s: %v", e.Until.UTC().Format(time.RFC3339), e.Why)
}

// Unwrap returns what the CA said.
func (e *PausedError) Unwrap() error { return e.Why }

// Renew orders a new certificate for a host at once, whether or not it is due,
// and waits for the end of the order, or of the one under way. It heeds what a
// CA asked for, but not popgate's own back-off.
func (a *Automatic) Renew(ctx context.Context, name string) (HostState, error) {
	a.mu.Lock()
	current := a.current
	a.mu.Unlock()
	if current == nil {
		return HostState{}, ErrNotAutomatic
	}
	h, ended, err := current.hasten(fold(name))
	if err != nil {
		return HostState{}, err
	}
	a.announce()
	select {
	case <-ctx.Done():
		return HostState{}, ctx.Err()
	case <-ended:
		return current.outcome(h)
	}
}

// hasten makes a host urgent. ended is closed when its order has ended.
func (a *authority) hasten(name string) (h *host, ended <-chan struct{}, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch h = a.hosts[name]; {
	case h == nil:
		return nil, nil, ErrUnknownHost
	case a.stopped:
		return nil, nil, ErrStopped
	case a.opts.Now().Before(a.pausedUntil):
		return nil, nil, &PausedError{Until: a.pausedUntil, Why: a.pause}
	}
	h.urgent = h.urgent || h.cancel == nil
	return h, h.end(), nil
}

// outcome is what became of the order that Renew has waited for.
func (a *authority) outcome(h *host) (HostState, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.hosts[h.name] != h || a.stopped:
		return HostState{}, ErrStopped
	case h.lastError != nil:
		return a.state(h), h.lastError
	}
	return a.state(h), nil
}
