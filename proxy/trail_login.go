package proxy

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"popgate/authz"
	"popgate/internal/pop3"
	"popgate/internal/route"
)

// resolved tells whose login this is, once the credentials are complete.
func (t *trail) resolved(creds pop3.Credentials, name route.Name, err error) {
	if t == nil {
		return
	}
	defer t.rescue()
	t.named(names{typed: route.Fold(creds.Name), canonical: name.Canonical})
	for _, f := range t.followers {
		if t.who.are(f.user) {
			f.try()
		}
	}
	t.keep(creds.Password)
	meaning := "no tenant's"
	switch {
	case err != nil:
		meaning = foreign(err.Error())
	case name.Tenant != "":
		meaning = "of tenant " + name.Tenant
	}
	const format = "login by %s as %s, %s"
	shown := foreign(cmp.Or(name.Canonical, creds.Name))
	t.addFor("note", fmt.Sprintf(format, creds.Mechanism, shown, meaning), fmt.Sprintf(format, creds.Mechanism, hidden, meaning))
}

// keep takes a copy of the password, to know it in the backend's words: in those
// about the login, and, once that has succeeded, in all of the session. It is wiped
// when the login fails, the session ends, or nobody follows it any more.
func (t *trail) keep(password pop3.Password) {
	t.password.Wipe()
	if len(t.followers) > 0 {
		t.password = pop3.NewPassword(password.Reveal())
	}
}

// decided tells what the policies want.
func (t *trail) decided(terms authz.Terms) {
	if t == nil || terms.Policy == "" {
		return
	}
	how := ""
	if terms.Delay > 0 {
		how = fmt.Sprintf(", after a delay of %s", terms.Delay)
	}
	if terms.ReadOnly {
		how += ", to read only"
	}
	t.note("policy %s lets it in%s", terms.Policy, how)
}

// denied tells which limit or policy has refused.
func (t *trail) denied(denial *authz.Denial) {
	switch {
	case t == nil:
	case denial.Err != nil:
		t.note("denied: the condition of policy %s fails", denial.Policy)
	case denial.Policy != "":
		t.note("denied by policy %s: %s", denial.Policy, foreign(denial.Reason))
	default:
		t.note("denied by %s", denial.Check)
	}
}

// routed tells where the user belongs.
func (t *trail) routed(target route.Target) {
	if t == nil {
		return
	}
	defer t.rescue()
	const format = "backend %s, by %s, with the name %s"
	t.addFor("note", fmt.Sprintf(format, target.Backend.Name, target.Rule, foreign(target.Login)),
		fmt.Sprintf(format, target.Backend.Name, target.Rule, hidden))
}

// dialed tells of a connection to a backend.
func (t *trail) dialed(address string) {
	if t == nil {
		return
	}
	t.greeting = true
	t.note("connected to %s", address)
}

// left tells why an address is not where the session goes, if there is a reason.
func (t *trail) left(address string, err error) {
	if t == nil || err == nil {
		return
	}
	t.note("nothing more from %s: %s", address, foreign(err.Error()))
}

// heard tells of a line of the backend's. A backend may repeat what it was told.
func (t *trail) heard(line []byte) {
	if t == nil {
		return
	}
	defer t.rescue()
	kind := kindOf(line)
	if t.greeting {
		t.greeting = false
		t.add("note", "the backend's greeting: "+kind)
		return
	}
	// In somebody else's attempt the name may be a password.
	t.addFor("backend", shown(line, t.password), kind+" "+hidden)
}

// outcome tells how a login attempt has ended, took after it was complete.
func (t *trail) outcome(result, reason string, took time.Duration) {
	if t == nil {
		return
	}
	defer t.rescue()
	if result == loginOK {
		t.keepOnly(t.who)
	}
	t.who = names{}
	if result != loginOK || len(t.followers) == 0 {
		t.password.Wipe()
	}
	if reason != "" {
		reason = ", " + reason
	}
	t.note("login %s%s, after %s", result, reason, took.Round(time.Millisecond))
}

// keepOnly ends the traces of others than the user who has logged in: what follows
// is that user's alone.
func (t *trail) keepOnly(who names) {
	t.followers = slices.DeleteFunc(t.followers, func(f *trace) bool {
		if who.are(f.user) {
			return false
		}
		t.release(f, "logged in as somebody else: nothing more is shown")
		return true
	})
}
