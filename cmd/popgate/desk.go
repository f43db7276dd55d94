package main

import (
	"context"
	"encoding/hex"
	"errors"
	"sync/atomic"
	"time"

	"popgate/internal/admin"
	"popgate/tlsconf"
)

// certificateDesk tells operators of certificates, and takes their wishes.
type certificateDesk struct {
	current   *atomic.Pointer[tlsconf.Source]
	automatic *tlsconf.Automatic
}

// List returns all certificates.
func (d *certificateDesk) List() []admin.Certificate {
	source := d.current.Load()
	if source == nil {
		return nil
	}
	now := time.Now()
	var list []admin.Certificate
	for _, c := range source.Certificates() {
		list = append(list, shown(c, now))
	}
	return list
}

// Renew orders a host's certificate.
func (d *certificateDesk) Renew(ctx context.Context, host string) (admin.Certificate, error) {
	_, err := d.automatic.Renew(ctx, host)
	if err != nil {
		return admin.Certificate{}, d.explain(host, err)
	}
	for _, c := range d.List() {
		if c.Source == admin.SourceACME && c.Name == tlsconf.FoldHost(host) {
			return c, nil
		}
	}
	return admin.Certificate{}, admin.ErrUnknownHost // dropped by a reload just now
}

// Probe makes a probe for a host.
func (d *certificateDesk) Probe(host string) (admin.Probe, error) {
	p, err := d.automatic.Probe(host)
	if err != nil {
		return admin.Probe{}, d.explain(host, err)
	}
	return admin.Probe{
		HTTPPath: p.HTTPPath, HTTPBody: p.HTTPBody,
		TLSALPNHash: hex.EncodeToString(p.Certificate[:]), Expires: p.Expires,
	}, nil
}

// explain makes errors of tlsconf those of the admin interface.
func (d *certificateDesk) explain(host string, err error) error {
	var paused *tlsconf.PausedError
	var order *tlsconf.OrderError
	switch {
	case errors.Is(err, tlsconf.ErrUnknownHost) && d.fromFile(host), errors.Is(err, tlsconf.ErrNotAutomatic):
		return admin.ErrNotAutomatic
	case errors.Is(err, tlsconf.ErrUnknownHost):
		return admin.ErrUnknownHost
	case errors.Is(err, tlsconf.ErrStopped):
		return admin.ErrShuttingDown
	case errors.As(err, &paused):
		return &admin.PausedError{Until: paused.Until}
	case errors.As(err, &order):
		return &admin.OrderError{Type: order.Type, Detail: order.Detail, Err: err}
	}
	return err
}

// fromFile tells whether a host's certificate is kept in files.
func (d *certificateDesk) fromFile(host string) bool {
	source := d.current.Load()
	return source != nil && source.CoveredByFile(host)
}

// shown is a certificate as operators see it.
func shown(c tlsconf.Certificate, now time.Time) admin.Certificate {
	out := admin.Certificate{Name: c.Name, Source: c.Source, Names: c.Names, Issuer: c.Issuer, State: stateOf(c, now)}
	if !c.NotAfter.IsZero() {
		days := int(c.NotAfter.Sub(now) / (24 * time.Hour))
		if c.NotAfter.Before(now) {
			days-- // -1 from the first second on
		}
		out.NotBefore, out.NotAfter, out.DaysLeft = moment(c.NotBefore), moment(c.NotAfter), &days
	}
	if c.LastError != nil {
		out.LastError = &admin.Problem{Detail: c.LastError.Error()}
	}
	if h := c.ACME; h != nil {
		out.NextTry, out.LastSuccess = moment(h.NextTry), moment(h.LastSuccess)
		if h.LastError != nil {
			out.LastError = &admin.Problem{Time: moment(h.LastFailure), Type: h.LastError.Type, Detail: h.LastError.Detail}
		}
	}
	return out
}

// moment is a time to show; nil where there is none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}

// stateOf says in a word how a certificate is. When half of the time for its
// renewal is over, something is wrong.
func stateOf(c tlsconf.Certificate, now time.Time) string {
	switch {
	case c.NotAfter.IsZero() && c.ACME != nil && c.ACME.Ordering:
		return admin.StateOrdering
	case c.NotAfter.IsZero():
		return admin.StateMissing
	case now.After(c.NotAfter):
		return admin.StateExpired
	case c.NotAfter.Sub(now) < tlsconf.RenewalWindow(c.NotBefore, c.NotAfter)/2:
		return admin.StateExpiring
	}
	return admin.StateValid
}
