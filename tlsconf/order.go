package tlsconf

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// order is one try to get a certificate for a host.
type order struct {
	authority *authority
	host      *host
	issuer    Issuer
	cache     Cache
	directory string
	types     []string // of challenges, to be tried one after the other
	renewal   bool
	urgent    bool
	// ctx is done when it is called off. Deliberate: stored, as an order is one
	// call that is made a moment later, by another goroutine.
	ctx context.Context
}

// newOrder makes the order for a host, which is due; the authority's lock is
// held.
func (a *authority) newOrder(h *host) *order {
	o := &order{
		authority: a, host: h, issuer: a.issuer, cache: a.acme.Cache, directory: a.acme.Directory,
		types: a.types(h), renewal: h.pair != nil && !h.borrowed, urgent: h.urgent,
	}
	// Its end is called for by the host's, by Close, or by run.
	o.ctx, h.cancel = context.WithCancel(context.Background())
	h.urgent = false
	a.flying[h.name] = true
	return o
}

// types are the challenges to try for a host, in that order. The first try may
// use all of them; once the host could not be validated, a try uses one of them,
// so that it is one order.
func (a *authority) types(h *host) []string {
	types := slices.Clone(a.answers)
	if i := slices.Index(types, a.preferred); i > 0 {
		types[0], types[i] = types[i], types[0]
	}
	if h.unvalidated > 0 && !h.urgent {
		i := h.unvalidated % len(types)
		types = types[i : i+1]
	}
	return types
}

// run makes the order and notes what became of it.
func (o *order) run() {
	p, challenge, err := o.other(), "", error(nil)
	if p == nil {
		p, challenge, err = o.issue()
	}
	o.authority.end(o, p, challenge, err)
	o.authority.announce()
}

// other is a certificate that somebody else has put into the cache meanwhile,
// such as another replica or `popgate cert renew`; nil: there is none that is
// any better than an order.
func (o *order) other() *pair {
	if o.urgent {
		return nil
	}
	ctx, cancel := context.WithTimeout(o.ctx, cacheTimeout)
	defer cancel()
	p, err := readCertificate(ctx, o.cache, o.host.name)
	if err != nil || !o.authority.opts.Now().Before(renewalDue(o.host.name, p.cert.Leaf)) {
		return nil
	}
	return p
}

// note writes down that an order begins, as if it had failed already: a process
// that is ended again and again before the CA has answered must not order each
// time. What becomes of the order takes its place.
func (o *order) note() {
	ctx, cancel := context.WithTimeout(o.ctx, cacheTimeout)
	defer cancel()
	a, h := o.authority, o.host
	a.mu.Lock()
	h.failuresSaved = unknown
	now := a.opts.Now()
	wait := interrupted
	if h.failures > 0 {
		wait = backoff(h.failures+1, 0)
	}
	record := failure{Failures: h.failures + 1, At: now.UTC(), NextTry: now.Add(wait).UTC(),
		Type: ProblemInternal, Detail: "popgate ended before the CA had answered"}
	a.mu.Unlock()
	// If the cache fails, that is said where it is tidied.
	_ = writeFailure(ctx, o.cache, h.name+failureSuffix, record)
}

// issue orders by one type of challenge after the other, as long as it was the
// validation that failed.
func (o *order) issue() (p *pair, challenge string, err error) {
	o.note()
	var first *OrderError
	for i, challenge := range o.types {
		o.authority.log.Info("certificate ordered", "host", o.host.name, "challenge", challenge, "renewal", o.renewal, "directory", o.directory)
		o.authority.opts.Observer.CertificateOrdered()
		cert, failed := o.issuer.Issue(o.ctx, o.host.name, challenge)
		if failed == nil {
			if err := fits(cert); err != nil {
				return nil, challenge, err
			}
			p = newPair(cert)
			return p, challenge, o.usable(p)
		}
		err = failed
		var why *OrderError
		if !errors.As(failed, &why) || !why.Validation {
			break
		}
		if i+1 < len(o.types) {
			o.authority.log.Warn("host not validated by one challenge, the other is tried", "host", o.host.name,
				"challenge", challenge, "problem", quoted(why.Type), "detail", quoted(why.Detail))
			o.authority.opts.Observer.CertificateOrderFailed(problemLabel(why.Type), o.authority.opts.Now())
		}
		if first != nil {
			// Which of the two ports was meant to work is not known here.
			both := *first
			both.Detail = fmt.Sprintf("%s; by %s: %s: %s", first.Detail, challenge, why.Type, why.Detail)
			err = &both
		}
		first = why
	}
	return nil, "", err
}

// maxChain bounds a certificate and its chain, in octets. OpenSSL takes 100 KiB of
// handshake messages, Go 256 KiB.
const maxChain = 64 << 10

// fits refuses a chain that clients would not take.
func fits(cert tls.Certificate) error {
	size := 0
	for _, der := range cert.Certificate {
		size += len(der)
	}
	if size <= maxChain {
		return nil
	}
	return &OrderError{Type: ProblemCertificate,
		Detail: fmt.Sprintf("the certificate and its chain have %d octets, more than clients take", size)}
}

// usable refuses to be content with a certificate that is due to be renewed as
// soon as it has come, because of a wrong clock here or there: order would follow
// upon order.
func (o *order) usable(p *pair) error {
	leaf, now := p.cert.Leaf, o.authority.opts.Now()
	if now.Before(renewalDue(o.host.name, leaf)) {
		return nil
	}
	return &OrderError{Type: ProblemCertificate, Detail: fmt.Sprintf(
		"the certificate is valid from %s to %s, and this machine's clock says %s",
		leaf.NotBefore.UTC().Format(time.RFC3339), leaf.NotAfter.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))}
}

// end notes what became of an order, and says so.
func (a *authority) end(o *order, p *pair, challenge string, err error) {
	name := o.host.name
	state, wanted := a.settle(o, p, challenge, err)
	switch {
	case err != nil && !wanted:
		a.log.Info("certificate order called off", "host", name)
	case err != nil:
		a.reportFailure(state)
	case challenge == "":
		a.log.Info("certificate loaded from the cache", "host", name, "not_after", p.notAfter())
		a.opts.Observer.CertificateLoaded(SourceACME, name, p.notAfter())
	default:
		message := "certificate issued"
		if o.renewal {
			message = "certificate renewed"
		}
		a.log.Info(message, "host", name, "issuer", quoted(issuerOf(p.cert.Leaf)), "not_after", p.notAfter(), "challenge", challenge)
		a.opts.Observer.CertificateIssued(name, a.opts.Now(), p.notAfter(), o.renewal)
	}
}

// settle notes what became of an order, and tells whether that is of interest
// still: the host may have been dropped, or the order called off.
func (a *authority) settle(o *order, p *pair, challenge string, err error) (state HostState, wanted bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h, now := o.host, a.opts.Now()
	wanted = a.hosts[h.name] == h && o.ctx.Err() == nil
	delete(a.flying, h.name)
	h.cancel() // gives back what the context holds
	h.cancel = nil
	switch {
	case err == nil && challenge == "":
		a.issues++
		h.pair, h.unsaved, h.borrowed, h.expired = p, false, false, false
		h.failures, h.lastError, h.notBefore = 0, nil, time.Time{}
	case err == nil:
		a.issues++
		a.preferred = challenge
		h.succeeded(p, now)
	case wanted:
		if p != nil && (h.pair == nil || p.notAfter().After(h.pair.notAfter())) {
			// The clocks of clients may be right.
			a.issues++
			h.pair, h.unsaved, h.borrowed, h.expired = p, true, false, false
		}
		why := asOrderError(err)
		h.failed(why, now, rand.Float64())
		if until := now.Add(cmp.Or(why.RetryAfter, pauseWithoutWord)); why.Type == rateLimited && until.After(a.pausedUntil) {
			a.pause, a.pausedUntil = why, until
		}
	}
	if err != nil && !wanted {
		h.failuresSaved = h.failures // note's record stays
	}
	h.release()
	return a.state(h), wanted
}

// alarming is how little time a certificate has left when a failed renewal
// becomes something that a human must act on.
const alarming = 7 * 24 * time.Hour

// reportFailure says what went wrong with a host's last order.
func (a *authority) reportFailure(s HostState) {
	args := []any{"host", s.Name, "problem", quoted(s.LastError.Type), "detail", quoted(s.LastError.Detail),
		"failures", s.Failures, "next_try", logged(s.NextTry)}
	if s.LastError.Skew != 0 {
		args = append(args, "clock", skewText(s.LastError.Skew))
	}
	if !s.NotAfter.IsZero() {
		args = append(args, "not_after", s.NotAfter)
	}
	level := a.log.Warn
	if s.NotAfter.Sub(a.opts.Now()) < alarming {
		level = a.log.Error
	}
	level("certificate order failed", args...)
	if s.LastError.Type == rateLimited {
		a.log.Warn("all orders wait, as the CA has asked for", "until", logged(s.PausedUntil))
	}
	a.opts.Observer.CertificateOrderFailed(problemLabel(s.LastError.Type), s.LastFailure)
}
