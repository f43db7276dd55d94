package proxy

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"popgate/internal/metrics"
	"popgate/internal/relay"
)

// Record is what is kept of a session: one log line, and numbers. The session's
// goroutine, and after login the relay, write it, under the lock, and read it
// without; others read under the lock. Only open and trail need none: nobody else
// looks at them.
type Record struct {
	mu sync.Mutex

	// ID is in every log line of the session.
	ID       string
	Listener string
	// Client is the mail client, behind a PROXY header too.
	Client netip.AddrPort

	TLSVersion, Cipher, ServerName string

	// User is the canonical name of the last login attempt, Mechanism how
	// the password came.
	User, Tenant, Mechanism string
	// Policy is the one that has decided, if one has, and PolicyText what it
	// says of a denial.
	Policy, PolicyText string
	// ReadOnly: the session may change nothing.
	ReadOnly bool
	// Backend, Address and Rule say where the session went, and why.
	Backend, Address, Rule string

	// LoginFailures counts refused logins; LastFailure is the last one's reason.
	LoginFailures int
	LastFailure   string

	// FromClient and FromBackend count octets after login, without TLS.
	FromClient, FromBackend int64
	// End says how the session ended, a word.
	End string

	began  time.Time
	state  string              // as operators see it
	names  FailedUsers         // which may be logged; of the configuration that it was born with
	served bool                // the name was typed with a domain of a tenant's
	open   metrics.OpenSession // as what it is counted now
	trail  *trail              // for traces; nil: nobody asks for one

	kicked bool
	cancel context.CancelCauseFunc // ends a session before login; nil after that
	under  *relay.Session          // after login
}

// note writes to the record.
func (r *Record) note(write func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	write()
}

// enter notes a session's state.
func (r *Record) enter(state string) { r.note(func() { r.state = state }) }

// attempt forgets the last login attempt.
func (r *Record) attempt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.User, r.Tenant, r.served = "", "", false
	r.Policy, r.PolicyText, r.ReadOnly = "", "", false
	r.Backend, r.Address, r.Rule = "", "", ""
}

// ended notes why; the first reason counts.
func (r *Record) ended(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.End == "" {
		r.End = why
	}
}

// failed notes a refused login.
func (r *Record) failed(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.LoginFailures++
	r.LastFailure = reason
}

// loggedIn: the session has got to the relay.
func (r *Record) loggedIn() bool { return r.state == StateLoggedIn }

// user is the name that may be logged.
func (r *Record) user() string {
	switch {
	case r.loggedIn(), r.names == FailedAll, r.names == FailedServed && r.served:
		return r.User
	}
	return ""
}

// line is the session's log line, as hclog takes it. What is not known is left
// out; foreign text is bounded and quoted.
func (r *Record) line() []any {
	args := make([]any, 0, 40)
	add := func(key, value string) {
		if value != "" {
			args = append(args, key, value)
		}
	}
	add("session", r.ID)
	add("client", r.Client.String())
	add("listener", r.Listener)
	add("tls_version", r.TLSVersion)
	add("cipher", r.Cipher)
	add("server_name", foreign(r.ServerName))
	add("user", foreign(r.user()))
	add("tenant", r.Tenant)
	add("mechanism", r.Mechanism)
	add("policy", r.Policy)
	if r.ReadOnly {
		args = append(args, "read_only", true)
	}
	add("backend", r.Backend)
	add("address", r.Address)
	add("route", r.Rule)
	if r.loggedIn() {
		args = append(args, "from_client", r.FromClient, "from_backend", r.FromBackend)
	}
	if r.LoginFailures > 0 {
		args = append(args, "login_failures", r.LoginFailures)
		add("last_failure", r.LastFailure)
	}
	args = append(args, "duration", time.Since(r.began).Round(time.Millisecond).String())
	add("end", r.End)
	return args
}

// The results of a login, in its log line.
const (
	loginOK      = "ok"
	loginRefused = "refused" // as a wrong password is
	loginError   = "error"   // for a reason that is none of the client's
)

// loginLine is a login attempt's log line, as hclog takes it. It is stable: what
// follows it (fail2ban, for one) relies on its keys and their order. reason is
// "" for a login that succeeded.
func (r *Record) loginLine(result, reason string) []any {
	name := r.user()
	if result == loginOK {
		name = r.User
	}
	args := make([]any, 0, 20)
	args = append(args, "event", "login", "result", result)
	for _, pair := range [...][2]string{
		{"reason", reason}, {"user", foreign(name)}, {"client", r.Client.String()}, {"tenant", r.Tenant},
		{"mechanism", r.Mechanism}, {"policy", r.Policy}, {"policy_text", foreign(r.PolicyText)}, {"listener", r.Listener}, {"session", r.ID},
	} {
		if pair[1] != "" {
			args = append(args, pair[0], pair[1])
		}
	}
	return args
}
