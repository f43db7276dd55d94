package proxy

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"popgate/authz"
	"popgate/internal/route"
)

// Settings is one configuration. It is never changed: a session keeps the one
// it was born with, a reload makes another.
type Settings struct {
	// Hostname is the name in the greeting.
	Hostname  string
	Listeners []Listener
	// TLS is the configuration of every handshake.
	TLS    *tls.Config
	Routes *route.Table
	// Errors is how many bad commands a session may send; the last of them
	// ends it. LoginAttempts likewise for refused logins.
	Errors, LoginAttempts int
	Timeouts              Timeouts
	// Rules are what the guard asks of the sessions that are born with these
	// Settings. Nil: what is in force.
	Rules *authz.Rules
	// LoginDelay is the longest time that a user may have to wait between two
	// logins, which CAPA announces; 0: none has to. The guard enforces it.
	LoginDelay time.Duration
	// FailedUsers says whose names are logged when a login fails.
	FailedUsers FailedUsers
}

// Listener is one address that clients connect to.
type Listener struct {
	// Name is the label of its block.
	Name string
	// Address is "host:port", as net.Listen takes it for TCP.
	Address string
	// StartTLS: the session begins in clear and STLS is required before any
	// login. Otherwise TLS comes first.
	StartTLS bool
	// ProxyFrom are the networks whose connections must begin with a PROXY
	// header, v1 or v2. Others are taken as they are.
	ProxyFrom []netip.Prefix
	// TLS takes the place of Settings.TLS at this listener. A handshake that
	// agrees on "acme-tls/1" (RFC 8737) ends the session. Nil: none does.
	TLS *tls.Config
	// HTTP takes over the connections whose handshake agrees on "http/1.1", which
	// TLS has to offer, until it has closed them. It has to bound that itself, and
	// returns soon after the end of ctx. Nil: none does. Of no effect with StartTLS.
	HTTP func(ctx context.Context, conn net.Conn)
	// Errors and LoginAttempts take the place of those of Settings; 0: they
	// don't.
	Errors, LoginAttempts int
	// Optional: it is left out, with a warning, if it can't be opened.
	Optional bool
}

// errors is how many bad commands a session at l may send.
func (l *Listener) errors(s *snapshot) int { return cmp.Or(l.Errors, s.Errors) }

// loginAttempts is how many logins may be refused in a session at l.
func (l *Listener) loginAttempts(s *snapshot) int { return cmp.Or(l.LoginAttempts, s.LoginAttempts) }

// challengeProtocol is what a CA agrees on that validates a host name: the
// handshake was all that it came for (RFC 8737 §3).
const challengeProtocol = "acme-tls/1"

// httpProtocol is what an HTTP client agrees on (RFC 7301 §6).
const httpProtocol = "http/1.1"

// tls is the configuration of handshakes at a listener.
func (s *snapshot) tls(l Listener) *tls.Config {
	if l.TLS != nil {
		return l.TLS
	}
	return s.TLS
}

// Timeouts bound each part of a session; all must be positive, but
// FailureDelay, which may be 0.
type Timeouts struct {
	// Handshake is the whole time for a PROXY header and TLS.
	Handshake time.Duration
	// Login is the whole time before login that the client is waited for.
	Login time.Duration
	// FailureDelay is the time from a password to its refusal, at least.
	FailureDelay time.Duration
	// Connect is the time for one address of a backend, name look-up
	// included, Greeting for its first line, BackendLogin for the login.
	Connect, Greeting, BackendLogin time.Duration
	// Idle, Quit and HalfClosed: see relay.Options.
	Idle, Quit, HalfClosed time.Duration
}

// FailedUsers says whose names are logged when a login fails. A name that
// nobody has may be a password, typed into the wrong field.
type FailedUsers string

// The choices of log { failed_users }.
const (
	FailedServed FailedUsers = "served" // only those typed with a domain that a tenant has
	FailedAll    FailedUsers = "all"
	FailedNone   FailedUsers = "none"
)

// snapshot is Settings and what follows from them.
type snapshot struct {
	Settings
	greeting  string
	capaClear string // CAPA's answer before STLS
	capaTLS   string // and under TLS
}

func newSnapshot(settings Settings) *snapshot {
	return &snapshot{
		Settings:  settings,
		greeting:  "+OK " + settings.Hostname + " POP3 ready\r\n",
		capaClear: settings.capabilities(false),
		capaTLS:   settings.capabilities(true),
	}
}

// capabilities is the answer to CAPA before login (RFC 2449 §5). It promises
// only what every backend keeps, and what popgate does itself: a login under
// TLS only (RFC 2595 §2.3), STLS only without it (§4).
func (s *Settings) capabilities(secure bool) string {
	own := []string{"STLS"}
	if secure {
		own = []string{"USER", "SASL " + strings.Join(mechanisms, " ")}
	}
	shared := s.Routes.Capabilities()
	if s.LoginDelay > 0 {
		// RFC 2449 §6.5: the longest one, and USER, as users' delays differ.
		shared = slices.DeleteFunc(slices.Clone(shared), func(c string) bool { return strings.HasPrefix(c, "LOGIN-DELAY ") })
		seconds := (s.LoginDelay + time.Second - 1) / time.Second
		shared = append(shared, fmt.Sprintf("LOGIN-DELAY %d USER", seconds))
	}
	list := slices.Concat([]string{"+OK Capability list follows"}, shared, own,
		[]string{"RESP-CODES", "AUTH-RESP-CODE", "."})
	return strings.Join(list, "\r\n") + "\r\n"
}
