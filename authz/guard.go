package authz

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"sync/atomic"
	"time"

	"popgate/internal/expr"
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
	// Accepted: the backend has taken the password.
	Accepted

	stages // how many there are
)

// Subject is who asks. Fields of later stages are zero in earlier ones.
type Subject struct {
	Listener string
	// Addr is the client's address, IPv4-mapped ones unmapped.
	Addr netip.Addr
	// User is the canonical name, Tenant the name of its tenant, if any. "" at a
	// login is a name that can't be one, or is another host's.
	User, Tenant string
	// Mechanism is how the password came: "USER", "PLAIN" or "LOGIN".
	Mechanism string
	// TLS is the version of TLS, as in package crypto/tls; 0: none.
	TLS uint16
	// Rules are those that the session was born with; a name and its tenant are
	// understood by one configuration only. Nil: the ones in force.
	Rules *Rules
	// Fingerprint tells the password of a login from others for the user; see
	// [Guard.Fingerprint].
	Fingerprint uint64
	// Env has the facts of the login for conditions of policies. Nil where no
	// policy is asked.
	Env *expr.Env

	// late ends the waiting for other tries, all of it; nil: it hasn't begun.
	late <-chan time.Time
}

// Denial is why a subject may not. It is a value to log and to act upon, not
// a text for clients.
type Denial struct {
	// Check is the name of the limit that denied, or "policy".
	Check string
	// Kind decides what the client is told.
	Kind Kind
	// Policy is the name of the policy that denied, Reason its text.
	Policy, Reason string
	// Err is the failure of a condition.
	Err error
}

// Error makes a Denial an error. With the failure of a condition its text may
// name the user: it is for level debug.
func (d *Denial) Error() string {
	if d.Policy == "" {
		return "denied by " + d.Check
	}
	text := "denied by policy " + d.Policy
	if d.Reason != "" {
		text += ": " + d.Reason
	}
	if d.Err != nil {
		text += ": " + d.Err.Error()
	}
	return text
}

// Unwrap returns the failure of a condition, if that was why.
func (d *Denial) Unwrap() error { return d.Err }

// Kind is what a denial is about.
type Kind int

const (
	// Capacity: popgate as a whole has no room; come back later.
	Capacity Kind = iota
	// Refused: this subject may not. It must look like a wrong password.
	Refused
	// TooSoon: this user has logged in a short while ago (RFC 2449 §6.5).
	TooSoon
)

// Check is one limit. Checks are used by many sessions at once.
type Check interface {
	// Name is a word for logs and metrics, constant.
	Name() string
	// Stage is when the check is asked.
	Stage() Stage
	// Take asks for s. It returns what gives back what was taken (nil if
	// nothing was), or a denial, having taken nothing.
	Take(ctx context.Context, s *Subject, limits *Limits) (giveBack func(), denial *Denial)
	// Look tells what Take would say, and takes nothing.
	Look(ctx context.Context, s *Subject, limits *Limits) Finding
}

// Guard asks the checks of each stage in order. What it has counted and
// remembers survives a change of rules.
type Guard struct {
	rules  atomic.Pointer[Rules]
	checks [stages][]Check
	store  Store
	now    func() time.Time
	secret [sha256.Size]byte // of fingerprints
}

// Options are what a Guard is made of; all may be left out.
type Options struct {
	// Store keeps what is remembered. Nil: a Memory of the Guard's own.
	Store Store
	Now   func() time.Time // nil: time.Now
}

// registered makes the checks of a Guard, in the order in which they are asked.
var registered = []func(*Guard) Check{
	newTotal,
	newPerListener,
	newBeforeLogin,
	newBeforeLoginPerListener,
	newConnectionRate,
	newPerAddress,
	// Blocks come before rates, and narrow rates before wide ones: a machine that
	// is refused anyway must not use up what the others behind its address have.
	// The pair's comes first, as who waits there must not hold a place among the
	// tries of the whole address meanwhile.
	newBlockedPair,
	newBlockedIP,
	newLoginRate,
	newLoginRatePerIP,
	newLoginRatePerUser,
	newPerTenant,
	newPerUser,
	newLoginDelay,
}

// New returns a Guard that enforces rules.
func New(rules Rules, opts Options) *Guard {
	g := &Guard{store: opts.Store, now: opts.Now}
	if g.now == nil {
		g.now = time.Now
	}
	if g.store == nil {
		g.store = NewMemory(DefaultEntries, g.now)
	}
	_, _ = rand.Read(g.secret[:]) // never fails
	for _, make := range registered {
		check := make(g)
		g.checks[check.Stage()] = append(g.checks[check.Stage()], check)
		if early, ok := glanceAt(check); ok {
			g.checks[Login] = append(g.checks[Login], early)
		}
	}
	g.SetRules(rules)
	return g
}

// SetRules changes the rules for sessions to come.
func (g *Guard) SetRules(rules Rules) {
	if memory, ok := g.store.(*Memory); ok {
		entries := rules.Blocking.Entries
		if entries == 0 {
			entries = DefaultEntries
		}
		memory.Resize(entries)
	}
	g.rules.Store(&rules)
}

// Rules are those in force.
func (g *Guard) Rules() *Rules { return g.rules.Load() }

// RulesOf are those that hold for s.
func (g *Guard) RulesOf(s *Subject) *Rules {
	if s.Rules != nil {
		return s.Rules
	}
	return g.rules.Load()
}

// Ask asks all checks of a stage. It returns a Lease that the caller must
// release, or the denial of the first check that refuses; what the others
// before it had given is given back.
func (g *Guard) Ask(ctx context.Context, stage Stage, s *Subject) (*Lease, *Denial) {
	limits := g.RulesOf(s).limits(s)
	lease := newLease()
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

// Fingerprint is a number that tells passwords for a user apart, and tells
// nothing else of them: it is keyed with a secret of this process.
func (g *Guard) Fingerprint(user string, password []byte) uint64 {
	mac := hmac.New(sha256.New, g.secret[:])
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(user)))
	for _, part := range [][]byte{length[:], []byte(user), password} {
		_, _ = mac.Write(part)
	}
	return binary.BigEndian.Uint64(mac.Sum(nil))
}
