// Package route knows which backend a user name belongs to: it reads the name,
// finds its tenant, and walks through the tenant's or the top-level routes.
//
// It knows tenants, routes, backends and what they promise in CAPA. It must not
// know passwords, sockets, limits or policies, and it never dials: a [Target]
// only names the backend and the login for it.
//
// A [Table] is one immutable snapshot of the configuration. Start with [New],
// [Table.Resolve] and [Table.Route].
package route

import (
	"errors"

	"popgate/internal/expr"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrName says that what a client sent can't be a user name.
	ErrName = errors.New("malformed user name")
	// ErrForeignHost says that a tenant's user came over another tenant's host.
	ErrForeignHost = errors.New("user of another tenant's host")
	// ErrNoRoute says that no route and no backend is for the user.
	ErrNoRoute = errors.New("no route")
	// ErrExpression says that a `when` or `login` failed on this login.
	ErrExpression = errors.New("expression failed")
)

// Auth is how popgate logs in to a backend. The zero value is AuthUser.
type Auth int

// The ways to log in to a backend.
const (
	AuthUser  Auth = iota // USER and PASS
	AuthPlain             // AUTH PLAIN
)

// String returns the word for a in config.hcl.
func (a Auth) String() string {
	if a == AuthPlain {
		return "plain"
	}
	return "user"
}

// Backend is a mail server behind popgate.
type Backend struct {
	Name           string   // the block's label, unique
	Addresses      []string // host:port, [IPv6]:port or unix socket, tried in order
	Auth           Auth
	Capabilities   []string // what it can do, as lines of CAPA; empty: nothing is promised
	Connections    int      // at most so many at a time; 0: no limit
	InUseWords     []string // in an -ERR to PASS: the mailbox is locked; nil: the default list
	TemporaryWords []string // in an -ERR to PASS: try again later; nil: the default list
}

// Rule is one `route` block.
type Rule struct {
	Name    string        // the block's label, unique among its siblings
	When    *expr.Program // nil: always
	Backend string        // name of a backend
	Login   *expr.Program // name sent to the backend; nil: what the client typed
}

// Tenant is one `tenant` block: the users of some domains, with hosts, routes and
// a backend of their own.
type Tenant struct {
	Name    string   // the block's label, unique
	Hosts   []string // server names whose bare user names are this tenant's; no wildcards
	Domains []string // at least one; the first is added to bare names
	AnyHost bool     // its users may come over another tenant's host
	Backend string   // for users whom no route takes; "": they are refused
	Routes  []Rule
}

// Options are what a Table is made of.
type Options struct {
	Backends []Backend
	Tenants  []Tenant
	Routes   []Rule // the top-level ones, for users of no tenant
}
