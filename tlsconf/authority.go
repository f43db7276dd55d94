package tlsconf

import (
	"cmp"
	"context"
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
	dropped map[string]*pair // of hosts that were wanted before
	found   *inventory       // of the cache, for hosts that are wanted later
	flying  map[string]bool  // hosts with an order in flight, called off or not
	stopped bool             // no order is begun any more
	issues  uint64           // how often a certificate has changed

	answers   []string // types of challenges that can be answered
	preferred string   // the type that worked last

	pausedUntil time.Time
	pauseSaved  time.Time   // what the cache holds of it
	pause       *OrderError // why

	unread       int  // how often the account's key could not be read; of the worker alone
	cacheFailing bool // that the cache fails was logged
}

func newAuthority(a *Automatic) *authority {
	return &authority{Automatic: a, hosts: make(map[string]*host), dropped: make(map[string]*pair), flying: make(map[string]bool)}
}

// use makes acme what is in force.
func (a *authority) use(acme ACME, found *inventory) {
	a.mu.Lock()
	defer a.mu.Unlock()
	first := a.acme.Cache == nil
	a.acme, a.issuer, a.found = acme, nil, found
	if a.account == nil || found.account != nil && !found.isNew {
		a.account, a.accountUnsaved = found.account, found.isNew
	} else if found.isNew {
		a.accountUnsaved = true // the cache has lost it, or is another one
	}
	for _, h := range a.hosts {
		// A cache that lacks something is another one, or was emptied.
		h.unsaved = h.unsaved || h.pair != nil && !h.borrowed && found.pairs[h.name] == nil
		if found.failures[h.name] == nil {
			h.failuresSaved = 0
		}
	}
	if found.pause == nil {
		a.pauseSaved = time.Time{}
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

// accountReads is how often an account's key is looked for that can't be read,
// before another one does for this process.
const accountReads = 3

// ready makes what orders certificates, unless it is there. A key of the account
// that can't be read is looked for again; if that doesn't help, another one takes
// its place for this process, but never in the cache.
func (a *authority) ready() {
	a.mu.Lock()
	have, acme, account := a.issuer != nil, a.acme, a.account
	a.mu.Unlock()
	if have {
		return
	}
	isNew := false
	if account == nil {
		ctx, cancel := context.WithTimeout(context.Background(), cacheTimeout)
		defer cancel()
		var err error
		if account, isNew, err = readAccount(ctx, acme.Cache); account == nil {
			a.opts.Observer.CacheFailed("read_account")
			if a.unread++; a.unread < accountReads {
				return
			}
			a.log.Warn("the account's key can't be read, another one is used for now", "error", quoted(err.Error()))
			if account, err = newAccount(); err != nil {
				return
			}
		}
	}
	issuer, err := a.Automatic.issuer(acme, account)
	if err != nil {
		a.log.Error("certificates can't be ordered", "error", quoted(err.Error()))
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.account, a.issuer = account, issuer
	a.accountUnsaved = a.accountUnsaved || isNew
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

// resume lets orders begin again.
func (a *authority) resume() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = false
}

// want makes names the hosts that are to have a certificate. The orders of those
// that are not among them any more are called off.
func (a *authority) want(names []string) {
	defer a.announce()
	known := make(map[string]bool)
	for _, s := range a.states() {
		known[s.Name] = true
	}
	for _, c := range a.change(names) {
		if c.borrowed {
			a.log.Info("certificate of the CA before is served until this one has issued its own", "host", c.host, "not_after", c.notAfter)
		} else {
			a.log.Info("certificate loaded from the cache", "host", c.host, "not_after", c.notAfter)
		}
		a.opts.Observer.CertificateLoaded(SourceACME, c.host, c.notAfter)
	}
	for _, s := range a.states() {
		if s.Failures > 0 && s.NextTry.After(a.opts.Now()) && !known[s.Name] {
			a.log.Warn("host waits with its next order", "host", s.Name, "until", logged(s.NextTry), "failures", s.Failures,
				"problem", quoted(s.LastError.Type), "detail", quoted(s.LastError.Detail))
		}
	}
}

// validity is a host's certificate, as reports name it.
type validity struct {
	host     string
	notAfter time.Time
	borrowed bool
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
		h := &host{name: name, pair: cmp.Or(a.dropped[name], a.found.pairs[name]), lag: a.lag}
		delete(a.dropped, name)
		if lent := a.found.lent[name]; h.pair == nil && lent != nil {
			h.pair, h.borrowed = lent, true
		}
		if f := a.found.failures[name]; f != nil {
			h.recall(f, a.opts.Now())
		}
		if h.pair != nil {
			loaded = append(loaded, validity{name, h.pair.notAfter(), h.borrowed})
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
			a.dropped[name] = h.pair // should it be wanted again
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
	a.ready()
	a.tidy()
	now := a.opts.Now()
	for _, c := range a.expired(now) {
		a.log.Error("certificate has expired and is still served", "host", c.host, "not_after", c.notAfter)
		a.opts.Observer.CertificateExpired(SourceACME, c.host)
	}
	begun, next := a.begin(now)
	for _, o := range begun {
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
			found = append(found, validity{h.name, h.pair.notAfter(), h.borrowed})
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
		if a.flying[h.name] {
			continue // one that was called off has yet to end
		}
		if ripe && !h.urgent && now.Before(a.pausedUntil) {
			ripe, at = false, a.pausedUntil
		}
		if ripe {
			due = append(due, h)
		} else if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if len(a.answers) == 0 || a.issuer == nil || a.stopped {
		return nil, next // nothing could be validated, or ordered
	}
	slices.SortFunc(due, moreUrgent)
	for _, h := range due[:min(len(due), max(0, maxOrders-len(a.flying)))] {
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
