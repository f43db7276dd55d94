package authz

import (
	"net/netip"
	"slices"
	"time"
)

// Rules are what a Guard enforces: one configuration. They are not changed once
// they are in force.
type Rules struct {
	Limits Limits
	// Listeners and Tenants have limits of their own, by name. A tenant's win
	// over a listener's, and both over Limits.
	Listeners map[string]Override
	Tenants   map[string]Tenant
	Blocking  Blocking
	// Policies are asked in order; a tenant's own come after them.
	Policies []Policy
	// Networks are the lists of addresses that policies can ask for; may be nil.
	Networks *Networks
}

// Limits are how much there may be of everything. Connections, ConnectionsPerIP
// and ConnectionsBeforeLogin refuse everybody if they are 0, so set them;
// elsewhere 0, or a Rate that is off, is no limit.
type Limits struct {
	// Connections is how many sessions there may be at once.
	Connections int
	// ConnectionsPerIP is how many of them one client may have.
	ConnectionsPerIP int
	// ConnectionsBeforeLogin is how many of them may not be logged in.
	ConnectionsBeforeLogin int
	// ConnectionsPerTenant is how many a tenant's users may have together,
	// ConnectionsPerUser how many one user may have. Only sessions that are logged
	// in count: guesses of others can't lock the owner out.
	ConnectionsPerTenant, ConnectionsPerUser int

	// ConnectionRate is how fast one client may connect.
	ConnectionRate Rate
	// LoginRatePerIP is how fast one client may try to log in, LoginRate how
	// fast as one user.
	LoginRatePerIP, LoginRate Rate
	// LoginRatePerUser is how fast a user may log in, from wherever. Only
	// logins that succeed count: guesses of others can't lock the owner out.
	LoginRatePerUser Rate

	// IPv4Prefix and IPv6Prefix are how many bits of an address make one
	// client. Zero: 32 and 64.
	IPv4Prefix, IPv6Prefix int
	// Exempt are networks to which nothing applies that counts or blocks
	// addresses.
	Exempt []netip.Prefix
}

// Override is what a listener or a tenant has instead of the Limits for all.
// Nil fields change nothing.
type Override struct {
	Connections, ConnectionsBeforeLogin  *int
	ConnectionsPerIP, ConnectionsPerUser *int

	ConnectionRate, LoginRatePerIP, LoginRate, LoginRatePerUser *Rate

	Exempt []netip.Prefix
}

// Tenant is what a tenant has of its own.
type Tenant struct {
	Override
	// Policies are for its users, after those for all.
	Policies []Policy
	// LoginDelay is the least time between two logins of a user (RFC 2449
	// §6.5); 0: none.
	LoginDelay time.Duration
}

// Blocking is what wrong passwords lead to.
type Blocking struct {
	// FailuresPerUser is how many different wrong passwords a client may try as
	// one user before the two together are blocked, FailuresPerIP how many as
	// any user before it is blocked altogether. 0: it never is. They fade over
	// Window.
	FailuresPerUser, FailuresPerIP int
	Window                         time.Duration
	// First is how long the first block is. Each further one is twice as long
	// as the last, up to Longest; after as long a time without a block it
	// begins anew.
	First, Longest time.Duration
	// Remember is how long a client that has logged in as a user stays welcome
	// as that user, though it is blocked.
	Remember time.Duration
	// Entries is how many addresses and users are remembered of each kind.
	// Zero: DefaultEntries.
	Entries int
}

// DefaultEntries is how much is remembered if nothing is said.
const DefaultEntries = 50_000

// apply changes l as o says. What is about connections in all is not: a listener
// and a tenant have counts of their own for that.
func (o *Override) apply(l *Limits) {
	set(&l.ConnectionsPerIP, o.ConnectionsPerIP)
	set(&l.ConnectionsPerUser, o.ConnectionsPerUser)
	set(&l.ConnectionRate, o.ConnectionRate)
	set(&l.LoginRatePerIP, o.LoginRatePerIP)
	set(&l.LoginRate, o.LoginRate)
	set(&l.LoginRatePerUser, o.LoginRatePerUser)
	if o.Exempt != nil {
		l.Exempt = o.Exempt
	}
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// limits are what applies to s.
func (r *Rules) limits(s *Subject) *Limits {
	listener, special := r.Listeners[s.Listener]
	tenant, known := r.Tenants[s.Tenant]
	l := r.Limits
	if special {
		listener.apply(&l)
	}
	if known {
		tenant.apply(&l)
		set(&l.ConnectionsPerTenant, tenant.Connections)
	}
	return &l
}

// client is what counts as one client of s.
func (l *Limits) client(s *Subject) netip.Addr {
	addr := s.Addr.Unmap().WithZone("")
	bits := l.IPv4Prefix
	if addr.Is6() {
		bits = l.IPv6Prefix
	}
	switch {
	case bits != 0:
	case addr.Is6():
		bits = 64 // one customer of a provider has that many at least
	default:
		return addr
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return addr
	}
	return prefix.Addr()
}

// exempts tells whether nothing applies to s that is about addresses.
func (l *Limits) exempts(s *Subject) bool {
	addr := s.Addr.Unmap().WithZone("")
	return slices.ContainsFunc(l.Exempt, func(p netip.Prefix) bool { return p.Contains(addr) })
}
