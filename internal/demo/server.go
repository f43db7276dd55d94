package demo

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"popgate/internal/pop3"
)

// Options are what a Server is made from.
type Options struct {
	// Hostname is named in the greeting; empty: localhost.
	Hostname string
	// Users may log in. None is allowed, and lets nobody in.
	Users []User
	// AuthPlain offers AUTH PLAIN (RFC 5034) beside USER and PASS.
	AuthPlain bool
	// Idle is how long a client may say nothing, or take nothing of what is
	// sent to it; 0: 10 minutes.
	Idle time.Duration
	// MaxSessions is how many clients are served at once; the next ones are
	// told to come back later. 0: 1000.
	MaxSessions int
}

// User is an account and what lies in its maildrop.
type User struct {
	// Name is compared byte for byte.
	Name string
	// Password is deliberately a plain string: it guards sample mails, and
	// `popgate demo` prints it.
	Password string
	// Mails are copied. A mail that doesn't end in CRLF gets one, as the
	// protocol can't carry it otherwise; an empty one stays empty.
	Mails [][]byte
}

// Server is a POP3 server. Its methods may be called from several goroutines.
type Server struct {
	hostname  string
	authPlain bool
	idle      time.Duration
	limit     int
	drops     map[string]*maildrop
	tasks     sync.WaitGroup

	mu        sync.Mutex
	closed    bool
	listeners map[net.Listener]struct{}
	conns     map[net.Conn]struct{}
}

// New returns a Server that isn't serving yet. A user whose name or password
// no client could send, or who is there twice, is an error.
func New(opts Options) (*Server, error) {
	s := &Server{
		hostname:  opts.Hostname,
		authPlain: opts.AuthPlain,
		idle:      opts.Idle,
		limit:     opts.MaxSessions,
		drops:     map[string]*maildrop{},
		listeners: map[net.Listener]struct{}{},
		conns:     map[net.Conn]struct{}{},
	}
	if s.hostname == "" {
		s.hostname = "localhost"
	}
	if s.idle == 0 {
		// RFC 1939 §3: the autologout timer must be at least 10 minutes.
		s.idle = 10 * time.Minute
	}
	if s.limit == 0 {
		s.limit = 1000
	}
	for _, u := range opts.Users {
		if err := pop3.CheckName([]byte(u.Name)); err != nil {
			return nil, fmt.Errorf("user %q: %w", u.Name, err)
		}
		if err := pop3.CheckPassword([]byte(u.Password)); err != nil {
			return nil, fmt.Errorf("password of user %q: %w", u.Name, err)
		}
		if s.drops[u.Name] != nil {
			return nil, fmt.Errorf("user %q: there twice", u.Name)
		}
		s.drops[u.Name] = newMaildrop(u)
	}
	return s, nil
}

// Serve answers clients from ln until Close, and returns nil then. Otherwise
// it returns ln's error. It closes ln.
func (s *Server) Serve(ln net.Listener) error {
	defer ln.Close() // a second time after Close, which does no harm
	if !s.enter(ln) {
		return nil
	}
	defer s.tasks.Done()
	for {
		conn, err := ln.Accept()
		if err != nil {
			return s.leave(ln, err)
		}
		s.admit(conn)
	}
}

// enter books a listener; false if the server is closed.
func (s *Server) enter(ln net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.listeners[ln] = struct{}{}
	s.tasks.Add(1)
	return true
}

// leave forgets a listener and says what Serve returns.
func (s *Server) leave(ln net.Listener, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, ln)
	if s.closed {
		return nil
	}
	return fmt.Errorf("accept: %w", err)
}

// admit serves a connection in a goroutine of its own, or turns it away.
func (s *Server) admit(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = conn.Close()
		return
	}
	full := len(s.conns) >= s.limit
	s.conns[conn] = struct{}{}
	s.tasks.Go(func() {
		defer s.forget(conn)
		if full {
			_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
			// RFC 3206 §4: a temporary problem, not the user's fault.
			_, _ = conn.Write([]byte("-ERR [SYS/TEMP] too many sessions, come back later\r\n"))
			return
		}
		newSession(s, conn).run()
	})
}

func (s *Server) forget(conn net.Conn) {
	_ = conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
}

// Close stops serving: it closes listeners and connections, without an UPDATE,
// and waits until all goroutines have ended.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	var errs []error
	for ln := range s.listeners {
		errs = append(errs, ln.Close())
	}
	for conn := range s.conns {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.tasks.Wait()
	return errors.Join(errs...)
}

// Maildrop returns a copy of the mails that lie in a user's maildrop, in
// order; nil if there is no such user. Messages that a session has marked and
// not yet committed are among them.
func (s *Server) Maildrop(user string) [][]byte {
	drop := s.drops[user]
	if drop == nil {
		return nil
	}
	return drop.mails()
}
