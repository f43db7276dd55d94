package proxy

import (
	"time"

	"popgate/internal/metrics"
	"popgate/internal/relay"
)

// relay hands a session over. What outlives the login is the record, what it
// holds, and the two connections.
func (s *Server) relay(ses *session, b *backend) {
	rec, holds, set := ses.rec, ses.holds, ses.set
	rec.note(func() { rec.state, rec.cancel = StateLoggedIn, nil })
	holds.loggedIn()
	s.metrics.Login(metrics.Login{Mechanism: rec.Mechanism, Result: loginOK, Took: time.Since(ses.asked)})
	rec.open.Close()
	rec.open = s.metrics.SessionOpened(loggedIn, rec.Listener, rec.Tenant)
	opts := relay.Options{
		Client:      ses.client.tls,
		Beneath:     ses.client.beneath,
		Backend:     b.conn,
		FromClient:  ses.client.lines.Buffered(),
		FromBackend: b.lines.Buffered(),
		Idle:        set.Timeouts.Idle,
		Quit:        set.Timeouts.Quit,
		HalfClosed:  set.Timeouts.HalfClosed,
		ReadOnly:    rec.ReadOnly,
		Observer:    rec.trail.observer(),
		Done:        func(result relay.Result) { s.relayed(rec, &holds, result) },
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	under := relay.Start(opts)
	kicked := false
	rec.note(func() { rec.under, kicked = under, rec.kicked })
	if kicked || s.expired {
		under.Expire()
	}
}

// relayed takes a session back from the relay.
func (s *Server) relayed(rec *Record, holds *holds, result relay.Result) {
	rec.note(func() { rec.FromClient, rec.FromBackend = result.FromClient, result.FromBackend })
	if result.End == relay.EndDrained && rec.wasKicked() {
		rec.ended("kicked")
	}
	rec.ended(result.End.String())
	s.metrics.Relayed(rec.FromClient, rec.FromBackend)
	if result.Err != nil {
		s.fault(rec, result.Err)
	}
	s.account(rec, holds)
}

// account ends a session's books: its places, numbers and log line.
func (s *Server) account(rec *Record, holds *holds) {
	s.closed(rec)
	holds.release()
	rec.open.Close()
	if rec.loggedIn() {
		s.metrics.SessionLasted(time.Since(rec.began))
	}
	s.metrics.SessionEnded(rec.Listener, rec.End)
	if s.log.IsInfo() {
		s.log.Info("session", rec.line()...)
	}
	rec.trail.ended()
	s.sessions.Done()
}

// fault logs a bug of ours, whose stack an operator will want to send us.
func (s *Server) fault(rec *Record, err error) {
	s.metrics.Panicked()
	s.log.Error("session met a bug", "session", rec.ID, "error", err.Error())
}

// Drain waits until all sessions have ended, after the context given to Apply
// has. At limit those that go on are closed without a QUIT, but for those
// whose QUIT is under way: they have timeouts { quit }. It returns how many
// were left at the limit.
func (s *Server) Drain(limit time.Duration) (left int) {
	s.accepting.Wait()
	if s.Linger(limit) {
		return 0
	}
	left = s.expire()
	s.sessions.Wait()
	return left
}

// expire ends all relays as far as they may be ended.
func (s *Server) expire() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expired = true
	left := 0
	for _, rec := range s.open {
		var under *relay.Session
		rec.note(func() { under = rec.under })
		if under != nil {
			under.Expire()
			left++
		}
	}
	return left
}

// The session's lines in the log carry its id and client.

func (s *session) debug(message string, args ...any) { s.srv.log.Debug(message, s.with(args)...) }
func (s *session) info(message string, args ...any)  { s.srv.log.Info(message, s.with(args)...) }
func (s *session) warn(message string, args ...any)  { s.srv.log.Warn(message, s.with(args)...) }

func (s *session) with(args []any) []any {
	return append([]any{"session", s.rec.ID, "client", s.rec.Client.String()}, args...)
}
