package tlsconf

import (
	"crypto"
	"slices"
	"sync"
	"time"
)

// maxOrders is how many orders are under way at once.
const maxOrders = 4

// authority is the state of one CA: an account, and a host for each name that
// is to have a certificate of it.
type authority struct {
	*Automatic

	mu      sync.Mutex
	acme    ACME
	issuer  Issuer
	account crypto.Signer
	// accountUnsaved: the cache doesn't hold the account's key.
	accountUnsaved bool

	hosts   map[string]*host // those wanted
	found   *inventory       // of the cache, for hosts that are wanted later
	flying  int              // orders in flight
	stopped bool             // no order is begun any more
	issues  uint64           // how often a certificate has changed

	answers   []string // types of challenges that can be answered
	preferred string   // the type that worked last

	pausedUntil time.Time
	pauseSaved  time.Time   // what the cache holds of it
	pause       *OrderError // why

	cacheFailing bool // that the cache fails was logged
}

func newAuthority(a *Automatic) *authority {
	return &authority{Automatic: a, hosts: make(map[string]*host)}
}

// use makes acme what is in force.
func (a *authority) use(acme ACME, issuer Issuer, found *inventory) {
	a.mu.Lock()
	defer a.mu.Unlock()
	first := a.account == nil
	a.acme, a.issuer, a.found = acme, issuer, found
	a.accountUnsaved = a.accountUnsaved || found.isNew
	a.account = found.account
	for _, h := range a.hosts {
		// A cache that lacks it is another one, or was emptied.
		h.unsaved = h.unsaved || h.pair != nil && !h.borrowed && found.pairs[h.name] == nil
	}
	if !first || found.pause == nil {
		return
	}
	a.pause = &OrderError{Type: found.pause.Type, Detail: found.pause.Detail}
	a.pausedUntil = found.pause.NextTry
	if latest := a.opts.Now().Add(maxRetryAfter); a.pausedUntil.After(latest) {
		a.pausedUntil = latest
	}
	a.pauseSaved = a.pausedUntil
}

// answer says which types of challenges can be answered from now on.
func (a *authority) answer(types []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answers = types
}

// stop calls off all orders and begins none any more.
func (a *authority) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = true
	for name, h := range a.hosts {
		h.callOff()
		a.opts.Observer.CertificateDropped(SourceACME, name)
	}
}

// want makes names the hosts that are to have a certificate. The orders of those
// that are not among them any more are called off.
func (a *authority) want(names []string) {
	defer a.announce()
	for _, c := range a.change(names) {
		a.log.Info("certificate loaded from the cache", "host", c.host, "not_after", c.notAfter)
		a.opts.Observer.CertificateLoaded(SourceACME, c.host, c.notAfter)
	}
}

// validity is a host's certificate, as reports name it.
type validity struct {
	host     string
	notAfter time.Time
}

// change does what want says, and returns the new hosts that have a certificate.
func (a *authority) change(names []string) (loaded []validity) {
	a.mu.Lock()
	defer a.mu.Unlock()
	wanted := make(map[string]bool, len(names))
	for _, name := range names {
		wanted[name] = true
		if a.hosts[name] != nil {
			continue
		}
		h := &host{name: name, pair: a.found.pairs[name], lag: a.lag}
		if lent := a.found.lent[name]; h.pair == nil && lent != nil {
			h.pair, h.borrowed = lent, true
		}
		if f := a.found.failures[name]; f != nil {
			h.recall(f, a.opts.Now())
		}
		if h.pair != nil && !h.borrowed {
			loaded = append(loaded, validity{name, h.pair.notAfter()})
		}
		a.hosts[name] = h
	}
	for name, h := range a.hosts {
		if wanted[name] {
			continue
		}
		h.callOff()
		delete(a.hosts, name)
		if h.pair != nil && !h.borrowed {
			a.found.pairs[name] = h.pair // should it be wanted again
		}
		a.opts.Observer.CertificateDropped(SourceACME, name)
	}
	return loaded
}

// version changes when a certificate does.
func (a *authority) version() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.issues
}

// pairs returns the certificates that are there, by host.
func (a *authority) pairs() map[string]*pair {
	a.mu.Lock()
	defer a.mu.Unlock()
	pairs := make(map[string]*pair, len(a.hosts))
	for name, h := range a.hosts {
		if h.pair != nil {
			pairs[name] = h.pair
		}
	}
	return pairs
}

// wants tells whether a folded name is one of the hosts.
func (a *authority) wants(name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.hosts[name] != nil
}

// work tidies the cache, begins the orders that are due, as many as may be under
// way, and returns when to look again; zero: when something has changed.
func (a *authority) work() (next time.Time) {
	a.tidy()
	now := a.opts.Now()
	for _, c := range a.expired(now) {
		a.log.Error("certificate has expired and is still served", "host", c.host, "not_after", c.notAfter)
		a.opts.Observer.CertificateExpired(SourceACME, c.host)
	}
	begun, next := a.begin(now)
	for _, o := range begun {
		a.log.Info("certificate ordered", "host", o.host.name, "challenge", o.types[0],
			"renewal", o.renewal, "directory", o.directory)
		a.opts.Observer.CertificateOrdered()
		a.orders.Go(o.run)
	}
	return next
}

// expired returns the hosts whose certificate has expired since the last call.
func (a *authority) expired(now time.Time) (found []validity) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, h := range a.hosts {
		if h.pair != nil && !h.expired && h.pair.expired(now) {
			h.expired = true
			found = append(found, validity{h.name, h.pair.notAfter()})
		}
	}
	return found
}

// begin makes the orders that are to be run now, and tells when the next ones
// are due.
func (a *authority) begin(now time.Time) (begun []*order, next time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var due []*host
	for _, h := range a.hosts {
		ripe, at := h.due(now)
		if ripe && !h.urgent && now.Before(a.pausedUntil) {
			ripe, at = false, a.pausedUntil
		}
		if ripe {
			due = append(due, h)
		} else if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if len(a.answers) == 0 || a.stopped {
		return nil, next // nothing could be validated
	}
	slices.SortFunc(due, moreUrgent)
	for _, h := range due[:min(len(due), max(0, maxOrders-a.flying))] {
		begun = append(begun, a.newOrder(h))
	}
	return begun, next
}

// moreUrgent puts first what an operator asked for, then hosts without a
// certificate, then those whose certificate ends first.
func moreUrgent(x, y *host) int {
	rank := func(h *host) time.Time {
		switch {
		case h.urgent:
			return time.Time{}
		case h.pair == nil:
			return time.Unix(0, 0)
		}
		return h.pair.notAfter()
	}
	return rank(x).Compare(rank(y))
}
