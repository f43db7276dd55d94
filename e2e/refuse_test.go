package e2e

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// delay is failureDelay as a number.
func delay(t testing.TB) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(failureDelay)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestClientsAreRefused: a wrong password looks like one to each client, and not before the failure delay.
func TestClientsAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range clients() {
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			need(t, c.program())
			// Deliberate: Dovecot would take its own time, which could be taken for popgate's delay.
			b := startBuiltin(t)
			joe := b.mailbox(t, "joe", threeMails())
			p := startPopgate(t, settings{backends: backend("legacy", b.port()), level: "trace"})
			wrong := account{joe.user, newPassword()}
			everyWay(t, c, p, wrong, func(t *testing.T, v visit) {
				began := time.Now()
				mails, r := c.fetch(t, v)
				if took := time.Since(began); took < delay(t) {
					t.Errorf("refused after %v, want at least %v", took, delay(t))
				}
				if len(mails) != 0 {
					t.Errorf("%d mails came with a wrong password", len(mails))
				}
				if !c.refused(r) {
					t.Errorf("the client doesn't know that it was refused: exit code %d\n%s", r.code, r.output)
				}
			})
		})
	}
}

// TestRefusalsLookEqual: a wrong password, an unknown user and a name that can't exist get the same bytes, not before
// the failure delay; the third refusal ends the session.
func TestRefusalsLookEqual(t *testing.T) {
	everyMaildrop(t, func(t *testing.T, m maildrop) {
		joe := m.mailbox(t, "joe", threeMails())
		p := startPopgate(t, settings{backends: backend("legacy", m.plain().port), level: "trace"})
		w := dial(t, p.implicit)
		answers := map[string]bool{}
		for _, user := range []string{joe.user, "nobody-here", "a@b@c"} {
			began := time.Now()
			answer := w.login(account{user, newPassword()})
			if took := time.Since(began); took < delay(t) {
				t.Errorf("%s: refused after %v, want at least %v", user, took, delay(t))
			}
			if !strings.HasPrefix(answer, "-ERR [AUTH] ") {
				t.Errorf("%s: %q, want -ERR [AUTH]", user, answer)
			}
			answers[answer] = true
		}
		if len(answers) != 1 {
			t.Errorf("refusals differ: %q", slices.Collect(maps.Keys(answers)))
		}
		if rest := w.end(); rest != "" {
			t.Errorf("after the third refusal came %q", rest)
		}
	})
}

// TestLoginAfterRefusal: a session that was refused once can still log in, with what it says then.
func TestLoginAfterRefusal(t *testing.T) {
	everyMaildrop(t, func(t *testing.T, m maildrop) {
		ann, joe := m.mailbox(t, "ann", nil), m.mailbox(t, "joe", threeMails())
		p := startPopgate(t, settings{backends: backend("legacy", m.plain().port)})
		w := dial(t, p.starttls)
		if answer := w.login(account{ann.user, joe.password}); !strings.HasPrefix(answer, "-ERR [AUTH]") {
			t.Fatalf("wrong password: %q", answer)
		}
		if answer := w.login(joe); !strings.HasPrefix(answer, "+OK") {
			t.Fatalf("right password: %q", answer)
		}
		if got := len(w.fetch()); got != 3 {
			t.Errorf("%d mails, want joe's 3", got)
		}
	})
}

// TestLockedMaildrop: a mailbox that another session holds is in use, which is no failed password, and is free again
// when that session has ended.
func TestLockedMaildrop(t *testing.T) {
	t.Parallel()
	d := startDovecot(t, locked)
	joe := d.mailbox(t, "joe", threeMails())
	p := startPopgate(t, settings{backends: backend("legacy", d.port)})
	first, second := dial(t, p.implicit), dial(t, p.starttls)
	if answer := first.login(joe); !strings.HasPrefix(answer, "+OK") {
		t.Fatal(answer)
	}
	first.ok("DELE 1")
	if answer := second.login(joe); !strings.HasPrefix(answer, "-ERR [IN-USE] ") {
		t.Errorf("second session: %q, want -ERR [IN-USE]", answer)
	}
	first.quit()
	d.closed(t, 1)
	if answer := second.login(joe); !strings.HasPrefix(answer, "+OK") {
		t.Fatalf("second session after the first has ended: %q", answer)
	}
	if got := len(second.fetch()); got != 2 {
		t.Errorf("%d mails, want the 2 that the first session left", got)
	}
}
