package authz

import (
	"context"
	"net/netip"
	"sync"
)

// tally counts sessions by something that they have in common, against a limit
// for each. It holds open sessions only, so Limits.Connections bounds it.
type tally[K comparable] struct {
	name  string
	stage Stage
	kind  Kind
	// key is what a session is counted by, and how many there may be with it;
	// below 0: it isn't counted.
	key func(s *Subject, l *Limits) (key K, most int)

	mu   sync.Mutex
	open map[K]int
}

// uncounted is a limit that is none.
const uncounted = -1

func newTally[K comparable](name string, stage Stage, kind Kind, key func(*Subject, *Limits) (K, int)) Check {
	return &tally[K]{name: name, stage: stage, kind: kind, key: key, open: make(map[K]int)}
}

// newPerListener counts the sessions of listeners that have a limit of their own.
func newPerListener(g *Guard) Check {
	return newTally(perListener, Accept, Capacity, func(s *Subject, _ *Limits) (string, int) {
		return s.Listener, limitOr(g.RulesOf(s).Listeners[s.Listener].Connections, uncounted)
	})
}

func newBeforeLoginPerListener(g *Guard) Check {
	return newTally(beforeLoginPerListener, Accept, Capacity, func(s *Subject, _ *Limits) (string, int) {
		return s.Listener, limitOr(g.RulesOf(s).Listeners[s.Listener].ConnectionsBeforeLogin, uncounted)
	})
}

// newPerAddress counts the sessions of clients.
func newPerAddress(*Guard) Check {
	return newTally(connectionsPerIP, Address, Refused, func(s *Subject, l *Limits) (netip.Addr, int) {
		if l.exempts(s) {
			return netip.Addr{}, uncounted
		}
		return l.client(s), l.ConnectionsPerIP
	})
}

// newPerTenant counts the sessions of tenants' users who are logged in; see
// newPerUser.
func newPerTenant(*Guard) Check {
	return newTally(connectionsPerTenant, Accepted, Refused, func(s *Subject, l *Limits) (string, int) {
		if s.Tenant == "" || l.ConnectionsPerTenant == 0 {
			return "", uncounted
		}
		return s.Tenant, l.ConnectionsPerTenant
	})
}

// newPerUser counts the sessions of users who are logged in. It is asked when the
// backend has taken the password: guesses on their way must not take the
// owner's places.
func newPerUser(*Guard) Check {
	return newTally(connectionsPerUser, Accepted, Refused, func(s *Subject, l *Limits) (string, int) {
		if l.ConnectionsPerUser == 0 {
			return "", uncounted
		}
		return s.User, l.ConnectionsPerUser
	})
}

func limitOr(limit *int, otherwise int) int {
	if limit == nil {
		return otherwise
	}
	return *limit
}

func (c *tally[K]) Name() string { return c.name }

func (c *tally[K]) Stage() Stage { return c.stage }

func (c *tally[K]) Take(_ context.Context, s *Subject, limits *Limits) (func(), *Denial) {
	key, most := c.key(s, limits)
	if most < 0 {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[key] >= most {
		return nil, &Denial{Check: c.name, Kind: c.kind}
	}
	c.open[key]++
	return func() { c.giveBack(key) }, nil
}

func (c *tally[K]) giveBack(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[key]--; c.open[key] <= 0 {
		delete(c.open, key)
	}
}

func (c *tally[K]) Look(_ context.Context, s *Subject, limits *Limits) Finding {
	key, most := c.key(s, limits)
	if most < 0 {
		return Finding{Check: c.name, Verdict: Unlimited}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return foundCount(c.name, c.open[key], most)
}
