package proxy

import (
	"context"
	"strings"
	"time"

	"popgate/authz"
	"popgate/internal/pop3"
	"popgate/internal/route"
)

// login is what is known of a login attempt.
type login struct {
	// subject is who wants to log in; nil: nobody does.
	subject *authz.Subject
	terms   authz.Terms
}

// resolve finds who is meant. It does no I/O.
func (s *session) resolve(creds pop3.Credentials) (route.Name, error) {
	subject := s.subject()
	subject.Mechanism = creds.Mechanism
	if s.client.tls != nil {
		subject.TLS = s.client.tls.ConnectionState().Version
	}
	s.login = login{subject: subject}
	name, err := s.set.Routes.Resolve(creds.Name, s.rec.ServerName)
	if err != nil {
		// A guess all the same, as no user. The name may be a real one, that isn't served at this host.
		subject.Fingerprint = s.srv.guard.Fingerprint(route.Fold(creds.Name), creds.Password.Reveal())
		return route.Name{}, fail(causeAuth, "bad_name", err)
	}
	subject.User, subject.Tenant = name.Canonical, name.Tenant
	subject.Fingerprint = s.srv.guard.Fingerprint(subject.User, creds.Password.Reveal())
	subject.Env = route.NewEnv(s.vars(name))
	// Deliberate: not with a domain that the host has added. A password, typed
	// as a name, gets that too.
	served := strings.Contains(name.Typed, "@") && s.set.Routes.Serves(name.Domain)
	s.rec.note(func() { s.rec.User, s.rec.Tenant, s.rec.served = name.Canonical, name.Tenant, served })
	return name, nil
}

// authorise asks whether this user may log in now, and waits where a policy
// wants that.
func (s *session) authorise(ctx context.Context, name route.Name) error {
	lease, denial := s.srv.guard.Ask(ctx, authz.Login, s.login.subject)
	switch {
	case denial != nil && denial.Kind == authz.Capacity && ctx.Err() != nil:
		return calledOff(ctx) // while others were waited for
	case denial != nil:
		return s.denied(denial)
	}
	s.holds.login = lease
	terms, denial := s.srv.guard.Decide(ctx, s.login.subject)
	s.login.terms = terms
	s.rec.note(func() { s.rec.Policy, s.rec.ReadOnly = terms.Policy, terms.ReadOnly })
	s.rec.trail.decided(terms)
	for _, o := range terms.Trials {
		s.srv.metrics.Tried(o.Policy)
		s.info("policy on trial", "policy", o.Policy, "would", foreign(o.Action), "tenant", name.Tenant)
	}
	if denial != nil {
		s.rec.note(func() { s.rec.Policy, s.rec.PolicyText = denial.Policy, denial.Reason })
		if denial.Err != nil {
			s.info("policy failed", "policy", denial.Policy, "tenant", name.Tenant)
		}
		return s.denied(denial)
	}
	if terms.Delay > 0 && !sleep(ctx, terms.Delay) {
		return calledOff(ctx)
	}
	return nil
}

// accepted asks what may be asked only once the backend has taken the password.
func (s *session) accepted(ctx context.Context) error {
	lease, denial := s.srv.guard.Ask(ctx, authz.Accepted, s.login.subject)
	if denial != nil {
		return s.denied(denial)
	}
	s.holds.accepted = lease
	return nil
}

// denied is a denial's failure.
func (s *session) denied(denial *authz.Denial) error {
	s.srv.metrics.Denied(denial.Check)
	s.rec.trail.denied(denial)
	switch denial.Kind {
	case authz.Capacity:
		return fail(causeCapacity, denial.Check, denial)
	case authz.TooSoon:
		return fail(causeLoginDelay, denial.Check, denial)
	}
	return fail(causeAuth, denial.Check, denial)
}

// guesses are the reasons that say that a password, or a name, is wrong. Those
// of popgate's own and of a backend's trouble say nothing of it.
var guesses = map[string]bool{
	"password_refused": true, "user_refused": true, "bad_name": true, "no_route": true, "unfit_for_backend": true,
}

// report tells the guard what became of a login attempt, and writes its line.
// reason is "" for one that succeeded.
func (s *session) report(ctx context.Context, result, reason string) {
	s.rec.trail.outcome(result, reason, time.Since(s.asked))
	outcome := authz.Neither
	switch {
	case result == loginOK:
		outcome = authz.Succeeded
	case guesses[reason]:
		outcome = authz.Failed
	}
	if s.srv.log.IsInfo() {
		s.srv.log.Info("login", s.rec.loginLine(result, reason)...)
	}
	if s.login.subject == nil {
		return
	}
	for _, b := range s.srv.guard.Report(ctx, s.login.subject, outcome) {
		s.srv.metrics.Blocked(b.Check)
		s.info("blocked", "check", b.Check, "address", b.Addr.String(), "until", b.Until.UTC().Truncate(time.Second), "level", b.Level)
	}
	s.login = login{}
}

// vars is what expressions may ask of this login.
func (s *session) vars(name route.Name) route.Vars {
	addr := s.rec.Client.Addr()
	networks := s.srv.guard.RulesOf(s.login.subject).Networks
	return route.Vars{
		UserName: name.Typed, UserLocal: name.Local, UserDomain: name.Domain, UserTenant: name.Tenant,
		ClientIP: addr, ClientPort: s.rec.Client.Port(), Networks: func() []string { return networks.Of(addr) },
		TLSVersion: strings.TrimPrefix(s.rec.TLSVersion, "TLS "), TLSCipher: s.rec.Cipher, ServerName: s.rec.ServerName,
		Listener: s.listener.Name, Mechanism: s.rec.Mechanism, Time: time.Now(),
	}
}
