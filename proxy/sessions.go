package proxy

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"popgate/internal/relay"
)

// The states of a session, as operators see it. RFC 1939 §3 calls the first three
// AUTHORIZATION and the last TRANSACTION, which only the backend can tell from
// UPDATE.
const (
	StateConnecting = "connecting" // before the greeting: PROXY header, TLS
	StateWaiting    = "waiting"    // for the client to log in
	StateLoggingIn  = "logging_in" // a login is being decided or is with the backend
	StateLoggedIn   = "logged_in"
)

// View is an open session as an operator sees it; see [Record] for the fields.
type View struct {
	ID, State, Listener            string
	Began                          time.Time
	Client                         netip.AddrPort
	TLSVersion, Cipher, ServerName string
	// User is empty before login where log { failed_users } keeps the name out
	// of the log: it may be a password, typed into the wrong field.
	User, Tenant, Mechanism, Policy string
	ReadOnly                        bool
	Backend, Address, Rule          string
	LoginFailures                   int
	LastFailure                     string
	FromClient, FromBackend         int64 // so far
	Kicked                          bool
}

// Sessions returns the sessions that are open, the oldest first.
func (s *Server) Sessions() []View {
	s.mu.Lock()
	open := make([]*Record, 0, len(s.open))
	for _, rec := range s.open {
		open = append(open, rec)
	}
	s.mu.Unlock()
	views := make([]View, 0, len(open))
	for _, rec := range open {
		views = append(views, rec.view())
	}
	slices.SortFunc(views, func(a, b View) int { return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.ID, b.ID)) })
	return views
}

// view is what can be seen of a session now.
func (r *Record) view() View {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := View{
		ID: r.ID, State: r.state, Listener: r.Listener, Began: r.began, Client: r.Client,
		TLSVersion: r.TLSVersion, Cipher: r.Cipher, ServerName: r.ServerName,
		User: r.user(), Tenant: r.Tenant, Mechanism: r.Mechanism, Policy: r.Policy, ReadOnly: r.ReadOnly,
		Backend: r.Backend, Address: r.Address, Rule: r.Rule,
		LoginFailures: r.LoginFailures, LastFailure: r.LastFailure, Kicked: r.kicked,
	}
	if r.under != nil {
		v.FromClient, v.FromBackend = r.under.Bytes()
	}
	return v
}

// ErrUnknownSession is a session that isn't open, or not any more.
var ErrUnknownSession = errors.New("no such session")

// Kick ends a session. Before login its client is told so. After it the session
// is closed as at the end of draining: without a QUIT, so that nothing is deleted;
// one whose QUIT is on its way has timeouts { quit } to see it answered. Its only
// error is [ErrUnknownSession].
func (s *Server) Kick(id string) error {
	s.mu.Lock()
	rec := s.open[id]
	s.mu.Unlock()
	if rec == nil {
		return ErrUnknownSession
	}
	var under *relay.Session
	var cancel context.CancelCauseFunc
	rec.note(func() { rec.kicked, under, cancel = true, rec.under, rec.cancel })
	switch {
	case under != nil:
		under.Expire()
	case cancel != nil:
		cancel(errKicked)
	}
	// Else it is on its way to the relay, and is ended there.
	return nil
}

// wasKicked tells whether an operator has ended the session.
func (r *Record) wasKicked() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kicked
}

// opened puts a session among those that are open.
func (s *Server) opened(rec *Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[rec.ID] = rec
}

// closed takes a session away from those that are open.
func (s *Server) closed(rec *Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, rec.ID)
}
