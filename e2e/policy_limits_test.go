package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// in and refused are what a login is answered.
const in, refused = "+OK", "-ERR [AUTH] "

// insistLogin logs in and compares the answer's beginning.
func insistLogin(t *testing.T, w *wire, a account, want string) {
	t.Helper()
	if answer := w.login(a); !strings.HasPrefix(answer, want) {
		t.Errorf("%s: %q, want %s", a.user, answer, want)
	}
}

// insistClosed tries to connect, which must be refused without a word.
func insistClosed(t *testing.T, p *popgate, e endpoint, from string) {
	t.Helper()
	w := connectFrom(t, e, from)
	if rest := w.end(); rest != "" {
		t.Errorf("one connection too many got %q", rest)
	}
	awaitEnd(t, p, w)
}

// leave quits, and waits for the session's end.
func leave(t *testing.T, p *popgate, w *wire) {
	t.Helper()
	w.quit()
	awaitEnd(t, p, w)
}

// awaitEnd waits until popgate has given a session's places back, which it does before it logs its end.
func awaitEnd(t *testing.T, p *popgate, w *wire) {
	t.Helper()
	p.log.wait(t, 1, `session: .*client=`+regexp.QuoteMeta(w.LocalAddr().String())+" ")
}

// TestPolicyExemptAddresses: nothing that counts addresses or blocks them applies to exempt ones; for all others it does.
func TestPolicyExemptAddresses(t *testing.T) {
	t.Parallel()
	const webmail, home = "127.0.5.1", "127.0.6.1"
	needAddresses(t, webmail, home)
	b := startBuiltin(t)
	joe, ann := b.mailbox(t, "joe", nil), b.mailbox(t, "ann", nil)
	p := startPopgate(t, settings{backends: backend("legacy", b.port()) + `
limits {
  exempt             = ["127.0.5.0/24"]
  connections_per_ip = 2
  login_rate         = "2/h"
}
blocking {
  failures_per_user = 1
  failures_per_ip   = 1
}
`})
	var open []*wire
	for range 4 {
		w := dialFrom(t, p.implicit, webmail)
		insistLogin(t, w, account{joe.user, newPassword()}, refused)
		insistLogin(t, w, joe, in)
		open = append(open, w)
	}
	for _, w := range open {
		w.quit()
	}

	first := dialFrom(t, p.implicit, home)
	insistLogin(t, first, account{joe.user, newPassword()}, refused)
	insistLogin(t, first, joe, refused)
	second := dialFrom(t, p.implicit, home)
	insistLogin(t, second, ann, refused)
	insistClosed(t, p, p.implicit, home)
	for _, reason := range []string{"blocked_ip", "connections_per_ip"} {
		if got := p.log.lines(reason + `.*127\.0\.5\.|127\.0\.5\..*` + reason); len(got) > 0 {
			t.Errorf("an exempt address met a limit: %q", got)
		}
		p.log.wait(t, 1, reason+`.*127\.0\.6\.1|127\.0\.6\.1.*`+reason)
	}
}

// TestPolicyListenerLimits: a listener's own limits hold for its clients, beside other listeners without them.
func TestPolicyListenerLimits(t *testing.T) {
	t.Parallel()
	const home, other = "127.0.7.1", "127.0.7.2"
	needAddresses(t, home, other)
	b := startBuiltin(t)
	joe := b.mailbox(t, "joe", nil)
	port := freePort(t)
	p := startPopgate(t, settings{backends: backend("legacy", b.port()) + fmt.Sprintf(`
listener "few" {
  address = %q
  limits {
    connections        = 2
    connections_per_ip = 1
    login_rate         = "1/h"
    login_attempts     = 2
  }
}
`, loopback(port))})
	few := p.implicit
	few.port = port

	first := dialFrom(t, few, home)
	insistLogin(t, first, joe, in)
	insistClosed(t, p, few, home)
	second := dialFrom(t, few, other)
	third := connect(t, few)
	third.startTLS(few)
	if rest := third.end(); !strings.HasPrefix(rest, "-ERR [SYS/TEMP] ") {
		t.Errorf("one connection too many on the listener got %q, want -ERR [SYS/TEMP]", rest)
	}
	awaitEnd(t, p, third)
	// Elsewhere there is room. Sessions there count, too, for what an address may have on this listener.
	elsewhere := dialFrom(t, p.implicit, home)
	insistLogin(t, elsewhere, joe, in)
	leave(t, p, elsewhere)

	leave(t, p, first)
	insistLogin(t, second, joe, in)
	leave(t, p, second)
	again := dialFrom(t, few, home)
	insistLogin(t, again, joe, refused)
	insistLogin(t, again, joe, refused)
	if rest := again.end(); rest != "" {
		t.Errorf("after the last of two attempts came %q", rest)
	}
	insistLogin(t, dialFrom(t, p.implicit, home), joe, in)
}

// TestPolicyTenantLimits: a tenant's own limits hold for its users, beside others without them. A place is free again when
// a session has ended.
func TestPolicyTenantLimits(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	joe, ann := b.mailbox(t, "joe@small.example", nil), b.mailbox(t, "ann@small.example", nil)
	tim := b.mailbox(t, "tim@small.example", nil)
	big := b.mailbox(t, "joe@big.example", nil)
	p := startPopgate(t, settings{backends: backend("legacy", b.port()) + `
tenant "small" {
  domains = ["small.example"]
  backend = "legacy"
  limits {
    connections          = 2
    connections_per_user = 1
  }
}
tenant "big" {
  domains = ["big.example"]
  backend = "legacy"
}
`})
	first := dial(t, p.implicit)
	insistLogin(t, first, joe, in)
	// The user's limit; then, with both places taken, the tenant's.
	second := dial(t, p.implicit)
	insistLogin(t, second, joe, refused)
	insistLogin(t, second, ann, in)
	dials := b.dials.Load()
	insistLogin(t, dial(t, p.implicit), tim, refused)
	if b.dials.Load() != dials {
		t.Error("the backend was dialed for a tenant that had no room")
	}
	for range 3 {
		insistLogin(t, dial(t, p.implicit), big, in)
	}
	p.log.wait(t, 1, `reason=connections_per_user .*tenant=small `)
	p.log.wait(t, 1, `reason=connections_per_tenant .*tenant=small `)

	leave(t, p, first)
	insistLogin(t, dial(t, p.implicit), tim, in)
}
