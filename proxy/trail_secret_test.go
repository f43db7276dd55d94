package proxy

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/metrics"
	"popgate/internal/pop3"
	"popgate/internal/route"
)

const secret = "Sesame!7"

func TestRepeats(t *testing.T) {
	for text, want := range map[string]bool{
		"no such user":        false,
		"Sesame!7 is wrong":   true,
		"xSESAME!7x is wrong": true,
		"sesame! 7":           true,
		"wrong: Sesa...":      true,
		"wrong: ...me!7":      true,
		"wrong: Ses...":       false,
		"s-e-s-a-m-e":         true,
		"half of a name":      false,
		base64.StdEncoding.EncodeToString([]byte(secret)):                      true,
		base64.StdEncoding.EncodeToString([]byte("\x00joe\x00" + secret)):      true,
		base64.StdEncoding.EncodeToString([]byte("\x00jo\x00" + secret)):       true,
		base64.URLEncoding.EncodeToString([]byte("\x00j\x00" + secret + "zz")): true,
		base64.StdEncoding.EncodeToString([]byte("\x00joe\x00" + secret[:5])):  true,
		base64.RawStdEncoding.EncodeToString([]byte("\x00j\x00another one")):   false,
		hex.EncodeToString([]byte(secret)):                                     true,
		fmt.Sprintf("% X", secret):                                             true,
		fmt.Sprintf("%x", secret[2:5]):                                         true,
		fmt.Sprintf("%x", "another one"):                                       false,
		"1 120":                                                                false,
	} {
		if got := repeats([]byte(text), []byte(secret)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if !repeats([]byte("bye"), nil) {
		t.Error("a text passes without a password to compare")
	}
	for _, short := range []string{"a", "ab", "abc"} {
		if repeats([]byte("who"), []byte(short)) || !repeats([]byte("x"+short), []byte(short)) {
			t.Errorf("%q", short)
		}
	}
}

// Where quoting leaves no run of the password, it is enough that there is some.
func TestRepeatsQuoted(t *testing.T) {
	for _, password := range []string{"a@b@c@d@", "<1<2<3", `p\q\r\s\`, "пароль", "\xe9\xe8\xe9\xe8"} {
		for how, text := range map[string]string{
			"URL": url.QueryEscape(password), "Go": fmt.Sprintf("%+q", password), "HTML": html.EscapeString(password), "base64": base64.StdEncoding.EncodeToString([]byte(password)),
		} {
			if !repeats([]byte("wrong: "+text), []byte(password)) {
				t.Errorf("%q in %s passes: %s", password, how, text)
			}
		}
		if repeats([]byte("no such user, try again"), []byte(password)) {
			t.Errorf("%q: a text without it does not pass", password)
		}
	}
	if !repeats([]byte("\xd0\xc1\xd2\xcf\xcc\xd8"), []byte("пароль")) {
		t.Error("it passes in another character set")
	}
}

func TestShown(t *testing.T) {
	for line, want := range map[string]string{
		"+OK":                          "+OK",
		"+OK 1 120":                    "+OK 1 120",
		"+OK bye joe/Sesame!7":         "+OK ***",
		"-ERR [AUTH] Sesame!7":         "-ERR [AUTH] ***",
		"-ERR [auth]sesame!7":          "-ERR [AUTH] ***",
		"-ERR [IN-USE] wait":           "-ERR [IN-USE] wait",
		"-ERR [SESAME!7] wrong":        "-ERR ***",
		"-ERR [SESAME!7]":              "-ERR ***",
		"-ERR [X-LOCKED] wait":         "-ERR [X-LOCKED] wait",
		"+OKSesame!7":                  "(not a POP3 answer) ***",
		"+ ":                           "+ ",
		"":                             "",
		"-ERR no\x07":                  `-ERR no\x07`,
		"-ERR [AUTH] [SYS/TEMP] sesam": "-ERR [AUTH] ***",
	} {
		if got := shown([]byte(line), pop3.NewPassword([]byte(secret))); got != want {
			t.Errorf("%q is shown as %q, want %q", line, got, want)
		}
	}
	if got := shown([]byte("-ERR [AUTH] no"), pop3.Password{}); got != "-ERR [AUTH] ***" {
		t.Errorf("without a password to compare: %q", got)
	}
}

// The password is known as long as somebody may be told of it, and no longer.
func TestTrailForgetsPasswords(t *testing.T) {
	srv := New(Options{Metrics: metrics.New(), Logger: hclog.NewNullLogger()})
	begin := func(user string) (*trail, *trace) {
		tr := srv.traces.begin(TraceOptions{User: "joe"})
		trail := &trail{srv: srv, rec: &Record{ID: "x-1"}, born: 99}
		creds, err := pop3.NewCredentials("USER", []byte(user), []byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		trail.resolved(creds, route.Name{}, nil)
		creds.Password.Wipe()
		return trail, tr
	}
	ends := map[string]func(*trail, *trace){
		"the login fails":                func(l *trail, _ *trace) { l.outcome(loginRefused, "no_route", 0) },
		"the session ends":               func(l *trail, _ *trace) { l.outcome(loginOK, "", 0); l.ended() },
		"the session ends at once":       func(l *trail, _ *trace) { l.ended() },
		"nobody reads when it succeeds":  func(l *trail, tr *trace) { tr.close(); l.note("x"); l.outcome(loginOK, "", 0) },
		"nobody reads any more after it": func(l *trail, tr *trace) { l.outcome(loginOK, "", 0); tr.close(); l.observer()("client", "NOOP") },
		"another one comes, of nobody": func(l *trail, tr *trace) {
			tr.close()
			l.note("x")
			l.resolved(pop3.Credentials{Name: "ann"}, route.Name{}, nil)
		},
	}
	for name, end := range ends {
		trail, tr := begin("joe")
		kept := trail.password
		if string(kept.Reveal()) != secret {
			t.Fatalf("%s: it isn't kept at all", name)
		}
		end(trail, tr)
		if len(kept.Reveal()) != 0 || len(trail.password.Reveal()) != 0 {
			t.Errorf("%s: it is kept", name)
		}
		srv.traces.end(tr)
	}
	trail, tr := begin("joe")
	trail.outcome(loginOK, "", 0)
	if string(trail.password.Reveal()) != secret {
		t.Error("it is forgotten after the login")
	}
	srv.traces.end(tr)
	if trail, _ := begin("ann"); len(trail.password.Reveal()) != 0 {
		t.Error("it is kept, and nobody follows")
	}
}

// FuzzRepeats: wherever four octets of a password stand in a text, in whatever
// case, in hex or base64, they are found.
func FuzzRepeats(f *testing.F) {
	f.Add("no ", " is wrong", secret, uint(3))
	f.Add("\x00joe\x00", "", "пароль", uint(0))
	f.Add("a", "b", "a!b!", uint(9))
	f.Fuzz(func(t *testing.T, before, behind, password string, at uint) {
		if len(password) < runClear {
			return
		}
		at %= uint(len(password) - runClear + 1)
		part := password[at : at+runClear]
		for _, text := range []string{
			before + part + behind, before + strings.ToUpper(part) + behind, before + hex.EncodeToString([]byte(part)) + behind,
			base64.StdEncoding.EncodeToString([]byte(before + part + behind)), base64.RawURLEncoding.EncodeToString([]byte(before + part + behind)),
		} {
			folded := strings.ToUpper(part) != part && strings.ContainsFunc(part, func(r rune) bool { return r >= 0x80 })
			if !folded && !repeats([]byte(text), []byte(password)) {
				t.Errorf("%q of %q stands in %q", part, password, text)
			}
		}
	})
}
