package config

import (
	"net/netip"
	"time"
)

// Rate is how often something may happen: Count times at once, refilled evenly
// over Per. The zero value is no limit.
type Rate struct {
	// Count is 0, for no limit, or 1 to 1,000,000.
	Count int
	// Per is a second, a minute or an hour; 0 with a Count of 0.
	Per time.Duration
}

// Limits are the values of the limits block at the top. A [Listener] and a
// [Tenant] may have others for some of them; see [Override].
type Limits struct {
	// Connections is the most client connections at once; at least 1.
	Connections int
	// ConnectionsPerIP is the most of them from one address; at least 1.
	ConnectionsPerIP int
	// ConnectionsPerTenant is the most sessions of a tenant's users that are logged
	// in. 0: no limit.
	ConnectionsPerTenant int
	// ConnectionsPerUser is the most sessions of one user, likewise. 0: no limit.
	ConnectionsPerUser int
	// ConnectionsBeforeLogin is the most connections that aren't logged in yet; at
	// least 1.
	ConnectionsBeforeLogin int
	// ConnectionRate is for new connections of one address.
	ConnectionRate Rate
	// LoginRatePerIP is for the login attempts of one address.
	LoginRatePerIP Rate
	// LoginRatePerUser is for the successful logins of one user. Attempts that fail
	// don't count: whoever guesses would lock the user out.
	LoginRatePerUser Rate
	// LoginRate is for the login attempts of one address for one user.
	LoginRate Rate
	// IPv4Prefix and IPv6Prefix are how many bits make one address, wherever
	// addresses are counted or blocked: 8 to 32, and 16 to 128.
	IPv4Prefix, IPv6Prefix int
	// Exempt are the networks for whose addresses nothing is counted per address
	// and none is blocked. Who is listed can guess as fast as the limits per user
	// and the totals let it. Nil: none.
	Exempt []netip.Prefix
	// Errors is the number of bad commands that ends a session before login; at
	// least 1.
	Errors int
	// LoginAttempts is the number of failed logins that ends a session; at least 1.
	LoginAttempts int
}

// Override holds the words of a limits block in a listener or a tenant. Nil: not
// written, as in [Limits]. A tenant's win over a listener's, and those over the
// ones at the top; but Connections and ConnectionsBeforeLogin of a listener hold
// beside the totals, not instead of them. Bounds are those of Limits.
type Override struct {
	// Connections of a listener is the most on it; of a tenant, where 0 is no
	// limit, it is its ConnectionsPerTenant.
	Connections *int
	// ConnectionsPerUser stands in both.
	ConnectionsPerUser *int
	// LoginRatePerIP, LoginRatePerUser and LoginRate stand in both.
	LoginRatePerIP, LoginRatePerUser, LoginRate *Rate

	// ConnectionsPerIP and what is below are nil in a tenant.
	ConnectionsPerIP       *int
	ConnectionsBeforeLogin *int
	Errors, LoginAttempts  *int
	ConnectionRate         *Rate
	// Exempt replaces the list at the top. Empty, but not nil: nobody is exempt.
	Exempt []netip.Prefix
}

// Blocking is what wrong passwords lead to.
type Blocking struct {
	// FailuresPerUser is how many different wrong passwords one address may try for
	// one user before the two together are blocked. 0: they never are.
	FailuresPerUser int
	// FailuresPerIP is how many it may try for any users before it is blocked. 0:
	// it never is.
	FailuresPerIP int
	// Window is the time over which failures fade, evenly; at least a second.
	Window time.Duration
	// First is the length of the first block, at least a second; each further one
	// is twice as long as the one before, up to Longest, which is no shorter. After
	// as long a time as Longest without a block it begins anew.
	First, Longest time.Duration
	// Remember is how long an address that logged in as a user may go on to do so
	// though the address is blocked; at least a second.
	Remember time.Duration
	// Entries is the most entries of each table of addresses and users, 1,000 to
	// 10,000,000. The one that wasn't used for longest makes room for a new one.
	Entries int
}
