package config

import (
	"net/netip"
	"time"

	"popgate/internal/expr"
)

// Network is a list of networks that has a name, by which conditions ask for it.
// It has Addresses or a File, or both.
type Network struct {
	// Name is the block's label, unique among networks.
	Name string
	// Addresses are written in the configuration itself; may be empty.
	Addresses []netip.Prefix
	// File is the path of a file with one network or address a line, resolved as
	// those of [Certificate]; it isn't opened here. "": none.
	File string
}

// Policy decides about the logins for which When is true, unless it is LogOnly: no
// further policy is asked then. It has exactly one of Deny and Allow, or else at
// least one of Delay, ReadOnly, RequireTLS and RequireMechanisms.
type Policy struct {
	// Name is the block's label, unique among the policies beside it.
	Name string
	// When gives a bool. Nil: always.
	When *expr.Program
	// Deny is why the login is refused, for the log only: one line of at most 200
	// octets without control characters. "": it isn't.
	Deny string
	// Allow lets the login pass, as far as policies are concerned.
	Allow bool
	// Delay is how long the login waits, up to two minutes. 0: not at all.
	Delay time.Duration
	// ReadOnly lets the session read, and delete nothing.
	ReadOnly bool
	// RequireTLS is the least version of TLS, tls.VersionTLS13, without which the
	// login is refused. 0: any.
	RequireTLS uint16
	// RequireMechanisms are "USER", "PLAIN" or "LOGIN": who logs in by another
	// mechanism is refused. Nil: any.
	RequireMechanisms []string
	// LogOnly only logs what the policy would do, and the next one is asked.
	LogOnly bool
}
