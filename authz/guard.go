package authz

import (
	"context"
	"net/netip"
	"sync/atomic"
)

// Stage is a moment in a session's life at which it asks for leave.
type Stage int

// The stages, in a session's order.
const (
	// Accept: a connection came in; nothing is known of it but the listener.
	Accept Stage = iota
	// Address: the client's address is certain, behind a PROXY header too.
	Address
	// Login: somebody gave a name and a password.
	Login
)

// Subject is who asks. Fields of later stages are zero in earlier ones.
type Subject struct {
	Listener string
	// Addr is the client's address, IPv4-mapped ones unmapped.
	Addr netip.Addr
	// User is the canonical name, Tenant the name of its tenant, if any.
	User, Tenant string
	// Mechanism is how the password came: "USER", "PLAIN" or "LOGIN".
	Mechanism string
}

// Limits of a Guard; zero values refuse everybody, so set them all.
type Limits struct {
	// Connections is how many sessions there may be at once.
	Connections int
	// ConnectionsPerIP is how many of them one client may have: an IPv4
	// address or an IPv6 /64.
	ConnectionsPerIP int
	// ConnectionsBeforeLogin is how many of them may not be logged in.
	ConnectionsBeforeLogin int
}

// Denial is why a subject may not. It is a value to log and to act upon, not
// a text for clients.
type Denial struct {
	// Check is the name of the limit or policy that denied.
	Check string
	// Kind decides what the client is told.
	Kind Kind
}

// Error makes a Denial an error.
func (d *Denial) Error() string { return "denied by " + d.Check }

// Kind is what a denial is about.
type Kind int

const (
	// Capacity: popgate as a whole has no room; come back later.
	Capacity Kind = iota
	// Refused: this subject may not. It must look like a wrong password.
	Refused
)

// Check is one limit or policy. Checks are used by many sessions at once.
type Check interface {
	// Name is a word for logs and metrics, constant.
	Name() string
	// Stage is when the check is asked.
	Stage() Stage
	// Take asks for s. It returns what gives back what was taken (nil if
	// nothing was), or a denial, having taken nothing.
	Take(ctx context.Context, s *Subject, limits *Limits) (giveBack func(), denial *Denial)
}

// Guard asks the checks of each stage in order. Its counts survive a change
// of limits.
type Guard struct {
	limits atomic.Pointer[Limits]
	checks [Login + 1][]Check
}

// registered makes the checks of a Guard, in the order in which they are asked.
var registered = []func() Check{
	newTotal,
	newBeforeLogin,
	newPerAddress,
}

// New returns a Guard that enforces limits.
func New(limits Limits) *Guard {
	g := new(Guard)
	for _, make := range registered {
		check := make()
		g.checks[check.Stage()] = append(g.checks[check.Stage()], check)
	}
	g.SetLimits(limits)
	return g
}

// SetLimits changes the limits for sessions to come.
func (g *Guard) SetLimits(limits Limits) { g.limits.Store(&limits) }

// Ask asks all checks of a stage. It returns a Lease that the caller must
// release, or the denial of the first check that refuses; what the others
// before it had given is given back.
func (g *Guard) Ask(ctx context.Context, stage Stage, s *Subject) (*Lease, *Denial) {
	limits := g.limits.Load()
	lease := new(Lease)
	for _, check := range g.checks[stage] {
		giveBack, denial := check.Take(ctx, s, limits)
		if denial != nil {
			lease.Release()
			return nil, denial
		}
		if giveBack != nil {
			lease.held = append(lease.held, held{check.Name(), giveBack})
		}
	}
	return lease, nil
}
