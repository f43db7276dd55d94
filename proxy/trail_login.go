package proxy

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"strings"
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
	t.password = creds.Password
	t.named(names{typed: route.Fold(creds.Name), canonical: name.Canonical})
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
	text := foreign(string(line))
	if repeats(line, t.password.Reveal()) {
		text = hidden
	}
	// In somebody else's attempt the name may be a password.
	t.addFor("backend", text, kind+" "+hidden)
}

// kindOf is what of a backend's line is the same whoever logs in.
func kindOf(line []byte) string {
	reply, err := pop3.ParseReply(line)
	switch {
	case err != nil:
		return "(not a POP3 answer)"
	case reply.OK:
		return string(line[:3])
	}
	return string(line[:4])
}

// repeats reports whether a line holds the password: as it is, in another case, or
// in base64, wherever it stood in what was encoded. Without a password to compare
// nobody can know.
func repeats(line, password []byte) bool {
	if len(password) == 0 || bytes.Contains(upper(line), upper(password)) {
		return true
	}
	for before := range 3 {
		coded := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), password...))
		// The ends share their characters with what stands around.
		from, to := (before*8+5)/6, (before+len(password))*8/6
		if to-from >= minRepeated && strings.Contains(string(line), coded[from:to]) {
			return true
		}
	}
	return false
}

// minRepeated is how many characters of base64 tell something of a password.
const minRepeated = 3

// upper is b with its ASCII letters in upper case.
func upper(b []byte) []byte {
	b = bytes.Clone(b)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - ('a' - 'A')
		}
	}
	return b
}

// outcome tells how a login attempt has ended, took after it was complete.
func (t *trail) outcome(result, reason string, took time.Duration) {
	if t == nil {
		return
	}
	t.who, t.password = names{}, pop3.Password{}
	if reason != "" {
		reason = ", " + reason
	}
	t.note("login %s%s, after %s", result, reason, took.Round(time.Millisecond))
}
