package e2e

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// TestOddPasswordsArriveUnchanged: every byte that a password may have reaches the backend, by each way to log in.
func TestOddPasswordsArriveUnchanged(t *testing.T) {
	everyMaildrop(t, func(t *testing.T, m maildrop) {
		p := startPopgate(t, settings{backends: backend("legacy", m.plain().port), level: "trace"})
		for i, password := range []string{
			" leading and trailing spaces ",
			"  two  of  them  ",
			`quotes " ' and \back\slashes`,
			"percent %s %d %n and {braces} ${PATH}",
			"colons:and@signs/=+",
			"UTF-8: pässwörd, 密码",
			"Latin-1: p\xe4ss\xff\xfe",
			"no-break space at the end\u00a0",
			"NEL at the end\u0085",
			strings.Repeat("long", 50),
		} {
			// Both ends stay as they are.
			password = password[:1] + canary + password[1:]
			joe := m.fill(t, account{fmt.Sprintf("joe%d", i), password}, threeMails())
			for name, login := range byHand {
				w := dial(t, p.implicit)
				if answer := login(w, joe); !strings.HasPrefix(answer, "+OK") {
					t.Errorf("%q by %s: %q", password, name, answer)
				}
			}
		}
	})
}

// TestNearlyRightPasswordsAreRefused: no byte is cut off a password, neither at its ends nor for its length.
func TestNearlyRightPasswordsAreRefused(t *testing.T) {
	everyMaildrop(t, func(t *testing.T, m maildrop) {
		joe := m.mailbox(t, "joe", nil)
		p := startPopgate(t, settings{backends: backend("legacy", m.plain().port)})
		for _, password := range []string{
			joe.password + " ", " " + joe.password, joe.password + "\u00a0", strings.ToLower(joe.password),
			joe.password[:len(joe.password)-1],
		} {
			for name, login := range byHand {
				w := dial(t, p.implicit)
				if answer := login(w, account{joe.user, password}); !strings.HasPrefix(answer, "-ERR [AUTH]") {
					t.Errorf("%q for %q by %s: %q", password, joe.password, name, answer)
				}
			}
		}
	})
}

// TestBackendsTakeAuthPlain: a backend with auth = "plain" gets the same logins by AUTH PLAIN, long passwords too.
func TestBackendsTakeAuthPlain(t *testing.T) {
	everyMaildrop(t, func(t *testing.T, m maildrop) {
		joe := m.fill(t, account{"joe", canary + strings.Repeat("long", 150)}, threeMails())
		ann := m.mailbox(t, "ann", threeMails())
		p := startPopgate(t, settings{backends: backend("legacy", m.plain().port, `auth = "plain"`), level: "trace"})
		for name, a := range map[string]account{"PLAIN": joe, "LOGIN": joe, "USER": ann} {
			w := dial(t, p.implicit)
			if answer := byHand[name](w, account{a.user, newPassword()}); !strings.HasPrefix(answer, "-ERR [AUTH]") {
				t.Errorf("wrong password by %s: %q", name, answer)
			}
			if answer := byHand[name](w, a); !strings.HasPrefix(answer, "+OK") {
				t.Fatalf("right password by %s: %q", name, answer)
			}
			if got := len(w.fetch()); got != 3 {
				t.Errorf("%d mails by %s, want 3", got, name)
			}
		}
	})
}

// byHand are the ways to log in; each returns the last answer.
var byHand = map[string]func(*wire, account) string{
	"USER": func(w *wire, a account) string { return w.login(a) },
	"PLAIN": func(w *wire, a account) string {
		w.await("AUTH PLAIN")
		return w.command(base64.StdEncoding.EncodeToString([]byte("\x00" + a.user + "\x00" + a.password)))
	},
	"LOGIN": func(w *wire, a account) string {
		w.await("AUTH LOGIN")
		w.await(base64.StdEncoding.EncodeToString([]byte(a.user)))
		return w.command(base64.StdEncoding.EncodeToString([]byte(a.password)))
	},
}

// await sends one line, whose answer must ask for more.
func (w *wire) await(line string) {
	w.t.Helper()
	if answer := w.command(line); !strings.HasPrefix(answer, "+ ") {
		w.t.Fatalf("%.10q… was answered %q, want +", line, answer)
	}
}
