package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"time"

	"popgate/internal/pop3"
)

// session is one client's connection until the relay has it.
type session struct {
	srv      *Server
	set      *snapshot
	listener Listener
	raw      net.Conn
	// overflow: there is no room; it lives only to be told so.
	overflow bool

	client  *client
	backend *backend // being logged in to; nil: none
	rec     *Record
	holds   holds

	login    login         // the attempt under way
	user     string        // from a USER that was answered +OK just now
	commands int           // commands before login
	errors   int           // bad ones among them
	attempts int           // refused logins
	timeLeft time.Duration // for the client to log in
	loginBy  time.Time     // when that is over, while the client is waited for
	asked    time.Time     // when the login attempt under way was complete; zero: none is
	unwake   func() bool   // stops the end of the context from waking a read
	relayed  bool          // the relay has the connection and accounts for it
}

// run is a session, from accept to relay.
func (s *session) run(ctx context.Context) {
	defer s.over()
	// Draining wakes a session that waits for its client.
	s.unwake = context.AfterFunc(ctx, func() { _ = s.raw.SetReadDeadline(past) })
	if err := s.open(ctx); err != nil {
		s.refuse(ctx, err)
		return
	}
	for {
		creds, err := s.ask(ctx)
		if err == nil {
			var b *backend
			if b, err = s.signIn(ctx, creds); err == nil {
				s.relay(ctx, b)
				return
			}
		}
		if !s.refuse(ctx, err) {
			return
		}
	}
}

// open admits the address, before any TLS work, and greets the client.
func (s *session) open(ctx context.Context) error {
	// One limit for the PROXY header and TLS.
	by := time.Now().Add(s.set.Timeouts.Handshake)
	if err := s.admit(ctx, by); err != nil {
		return err
	}
	s.rec.trail = s.srv.traces.trail(s)
	s.client.trail = s.rec.trail
	if !s.listener.StartTLS {
		if err := s.handshake(ctx, by); err != nil {
			return err
		}
	}
	if s.overflow {
		return fail(causeCapacity, "no_room", nil)
	}
	s.timeLeft = s.set.Timeouts.Login
	return s.client.write(s.set.greeting)
}

// signIn tries one pair of credentials: name → tenant → leave → backend.
func (s *session) signIn(ctx context.Context, creds pop3.Credentials) (*backend, error) {
	defer creds.Password.Wipe()
	s.rec.attempt()
	name, err := s.resolve(creds)
	s.rec.trail.resolved(creds, name, err)
	if err != nil {
		return nil, err
	}
	if err := s.authorise(ctx, name); err != nil {
		return nil, err
	}
	target, err := s.route(ctx, name)
	if err != nil {
		return nil, err
	}
	dialed := time.Now()
	b, err := s.connect(ctx, target)
	if err != nil {
		return nil, err
	}
	err = b.signIn(ctx, target, creds.Password)
	// A backend that is too slow to answer is one whose times are looked for.
	if b.answered || asFailure(err).reason == "backend_login_timeout" {
		s.srv.metrics.BackendAnswered(target.Backend.Name, time.Since(dialed))
	}
	if err == nil {
		err = s.accepted(ctx)
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// relay tells the client that it is in, and lets go of the session: nothing of
// the login lives on while mail is read.
func (s *session) relay(ctx context.Context, b *backend) {
	err := s.ready(ctx, b)
	if err == nil {
		// The backend's words: a trace has them from there, with a look
		// at what is in them.
		s.client.trail = nil
		// Sent here, not under the server's lock.
		err = errors.Join(s.client.write(b.welcome()), s.client.beneath.Flush())
	}
	if err != nil {
		b.close()
		s.refuse(ctx, err)
		return
	}
	s.report(ctx, loginOK, "")
	s.relayed = true
	s.srv.relay(s, b)
}

// ready frees both connections from the limits of the login.
func (s *session) ready(ctx context.Context, b *backend) error {
	if !b.unwake() || !s.unwake() {
		return calledOff(ctx)
	}
	return errors.Join(b.conn.SetDeadline(time.Time{}), s.client.beneath.SetDeadline(time.Time{}))
}

// over ends what the relay did not take.
func (s *session) over() {
	if cause := recover(); cause != nil {
		s.relayed = false
		if s.backend != nil {
			s.backend.close()
		}
		s.rec.ended("fault")
		s.srv.fault(s.rec, fmt.Errorf("panic in session: %v\n%s", cause, debug.Stack()))
	}
	if s.relayed {
		return
	}
	s.unwake()
	s.client.close()
	if s.overflow {
		<-s.srv.polite
	}
	s.srv.account(s.rec, &s.holds)
}
