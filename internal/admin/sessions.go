package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// Sessions is what the program tells of and does with sessions.
type Sessions interface {
	// Sessions returns the sessions that are open, the oldest first.
	Sessions() []Session

	// Kick ends a session: at once, and without a QUIT to its backend, so that
	// nothing is deleted; one whose QUIT is on its way is given time for that.
	// Its only error is ErrUnknownSession.
	Kick(id string) error

	// Trace calls each for what a user's next session says, until that session
	// or ctx ends, or each fails. Its only error of its own is ErrTooManyTraces.
	Trace(ctx context.Context, opts TraceOptions, each func(TraceEvent) error) error
}

// The errors of [Sessions], which a [Client] returns as well.
var (
	ErrUnknownSession = errors.New("popgate has no such session")
	ErrTooManyTraces  = errors.New("as many traces as there can be are under way")
)

// The states of a session. RFC 1939 §3 has AUTHORIZATION for the first three and
// TRANSACTION for the last.
const (
	SessionConnecting = "connecting" // before the greeting: PROXY header, TLS
	SessionWaiting    = "waiting"    // for the client to log in
	SessionLoggingIn  = "logging_in" // a login is being decided or is with the backend
	SessionLoggedIn   = "logged_in"
)

// Session is a session under way.
type Session struct {
	ID         string    `json:"id"`
	State      string    `json:"state"` // see SessionConnecting and its neighbours
	Began      time.Time `json:"began"`
	Client     string    `json:"client"` // address and port
	Listener   string    `json:"listener"`
	TLSVersion string    `json:"tls_version,omitempty"`
	Cipher     string    `json:"cipher,omitempty"`
	ServerName string    `json:"server_name,omitempty"`
	User       string    `json:"user,omitempty"` // canonical; only for those who have the socket or the token
	Tenant     string    `json:"tenant,omitempty"`
	Mechanism  string    `json:"mechanism,omitempty"`
	Policy     string    `json:"policy,omitempty"`
	ReadOnly   bool      `json:"read_only,omitempty"`
	Backend    string    `json:"backend,omitempty"`
	Address    string    `json:"address,omitempty"` // of the backend
	Route      string    `json:"route,omitempty"`
	Failures   int       `json:"login_failures,omitempty"`
	LastReason string    `json:"last_failure,omitempty"`
	// FromClient and FromBackend count octets after login, without TLS.
	FromClient  int64 `json:"from_client,omitempty"`
	FromBackend int64 `json:"from_backend,omitempty"`
	Kicked      bool  `json:"kicked,omitempty"` // it is being ended
}

// Printable returns s with the texts that came from strangers made fit for a
// terminal. A [Server] does that to whatever it lists.
func (s Session) Printable() Session {
	// A client may send any octets as a server's name, and many of them.
	name, cut := bound(s.ServerName, maxServerName)
	s.User, s.ServerName = printable(s.User), printable(name)+cut
	return s
}

// SessionList is the answer to "list sessions".
type SessionList struct {
	Sessions []Session `json:"sessions"`
	More     int       `json:"more,omitempty"` // how many were left out
}

// maxSessions is how many sessions are listed. One takes some 500 octets, and less
// than 3,000 with the longest names: an answer stays below maxAnswer.
const maxSessions = 20_000

// shown is a session as whoever asks may see it.
func shown(ctx context.Context, s Session) Session {
	if !trusted(ctx) {
		s.User = ""
	}
	return s.Printable()
}

func (s *Server) listSessions(r *http.Request) (any, error) {
	all := s.sessions.Sessions()
	list := SessionList{Sessions: []Session{}, More: max(0, len(all)-maxSessions)}
	for _, session := range all[:len(all)-list.More] {
		list.Sessions = append(list.Sessions, shown(r.Context(), session))
	}
	return list, nil
}

func (s *Server) oneSession(r *http.Request) (any, error) {
	id := r.PathValue("id")
	for _, session := range s.sessions.Sessions() {
		if session.ID == id {
			return shown(r.Context(), session), nil
		}
	}
	return nil, ErrUnknownSession
}

// kicked is the answer to "kick session".
type kicked struct {
	Kicked string `json:"kicked"`
}

func (s *Server) kickSession(r *http.Request) (any, error) {
	id := r.PathValue("id")
	if err := s.sessions.Kick(id); err != nil {
		return nil, err
	}
	return kicked{id}, nil
}

// Sessions lists the sessions that are open.
func (c *Client) Sessions(ctx context.Context) (SessionList, error) {
	var list SessionList
	err := c.ask(ctx, quickLimit, http.MethodGet, "/v1/sessions", &list)
	return list, err
}

// Session returns one session.
func (c *Client) Session(ctx context.Context, id string) (Session, error) {
	var session Session
	err := c.ask(ctx, quickLimit, http.MethodGet, sessionPath(id), &session)
	return session, err
}

// Kick ends a session.
func (c *Client) Kick(ctx context.Context, id string) error {
	return c.ask(ctx, quickLimit, http.MethodDelete, sessionPath(id), new(kicked))
}

func sessionPath(id string) string { return "/v1/sessions/" + url.PathEscape(id) }
