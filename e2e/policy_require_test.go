package e2e

import (
	"crypto/tls"
	"encoding/base64"
	"strings"
	"testing"
)

// TestPolicyRequiresTLS13: a policy that asks for TLS 1.3 refuses older clients, by hand and with curl, and lets newer ones
// in; users whom it isn't for come with TLS 1.2 as before.
func TestPolicyRequiresTLS13(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	joe, ann := b.mailbox(t, "joe@bank.example", threeMails()), b.mailbox(t, "ann@club.example", threeMails())
	p := startPopgate(t, settings{backends: backend("legacy", b.port()) + `
policy "modern" {
  when = user.domain == "bank.example"
  require {
    tls = "1.3"
  }
}
`})
	for _, test := range []struct {
		a       account
		version uint16
		in      bool
	}{
		{joe, tls.VersionTLS12, false},
		{joe, tls.VersionTLS13, true},
		{ann, tls.VersionTLS12, true},
		{ann, tls.VersionTLS13, true},
	} {
		for _, mode := range []security{implicitTLS, startTLS} {
			t.Run(string(mode)+"/"+tls.VersionName(test.version)+"/"+test.a.user, func(t *testing.T) {
				dials := b.dials.Load()
				w := dialVersion(t, p.via(mode, ""), test.version)
				answer := w.login(test.a)
				if in := strings.HasPrefix(answer, "+OK"); in != test.in {
					t.Errorf("answered %q, want to be let in: %v", answer, test.in)
				}
				if !test.in && (!strings.HasPrefix(answer, "-ERR [AUTH] ") || b.dials.Load() != dials) {
					t.Errorf("answered %q after %d dials, want -ERR [AUTH] and none", answer, b.dials.Load()-dials)
				}
			})
		}
	}
	p.log.wait(t, 2, `login: event=login result=refused reason=policy .* policy=modern policy_text="needs TLS 1\.3" `)
	t.Run("curl", func(t *testing.T) {
		need(t, curl{}.program())
		d := startDovecot(t)
		d.fill(t, joe, threeMails())
		p := startPopgate(t, settings{backends: backend("legacy", d.port) + `
policy "modern" {
  require {
    tls = "1.3"
  }
}
`})
		if _, r := (curl{}).fetch(t, visit{p.via(implicitTLS, "1.2"), joe, "PLAIN"}); !(curl{}).refused(r) {
			t.Errorf("with TLS 1.2: exit code %d\n%s", r.code, r.output)
		}
		mails, r := (curl{}).fetch(t, visit{p.via(implicitTLS, "1.3"), joe, "PLAIN"})
		r.ok(t)
		if len(mails) != 3 {
			t.Errorf("%d mails with TLS 1.3, want 3", len(mails))
		}
	})
}

// dialVersion is dial with one version of TLS.
func dialVersion(t testing.TB, e endpoint, version uint16) *wire {
	t.Helper()
	w := connect(t, e)
	if e.security == startTLS {
		w.greeting()
		w.ok("STLS")
	}
	if err := w.tryTLS(e, &tls.Config{MinVersion: version, MaxVersion: version}); err != nil {
		t.Fatal(err)
	}
	if e.security == implicitTLS {
		w.greeting()
	}
	return w
}

// TestPolicyRequiresMechanism: a policy that asks for AUTH refuses USER and PASS.
func TestPolicyRequiresMechanism(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	joe := b.mailbox(t, "joe", threeMails())
	p := startPopgate(t, settings{backends: backend("legacy", b.port()) + `
policy "auth-only" {
  require {
    mechanisms = ["PLAIN", "LOGIN"]
  }
}
`})
	w := dial(t, p.implicit)
	if answer := w.login(joe); !strings.HasPrefix(answer, "-ERR [AUTH] ") {
		t.Errorf("by USER: %q", answer)
	}
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + joe.user + "\x00" + joe.password))
	if answer := w.command("AUTH PLAIN " + plain); !strings.HasPrefix(answer, "+OK") {
		t.Errorf("by PLAIN: %q", answer)
	}
}
