package proxy_test

import (
	"encoding/base64"
	"io"
	"strings"
	"testing"
	"testing/synctest"
)

func coded(parts ...string) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Join(parts, "\x00")))
}

// secretly are the ways to say a password, right or wrong, before the login of
// the user who is traced. Each line has one answer.
var secretly = map[string][]string{
	"as PASS":                          {"USER joe", "PASS " + canary + "x"},
	"as PASS, twice":                   {"USER joe", "PASS " + canary + "x", "PASS " + canary},
	"as PASS before USER":              {"NOOP", "PASS " + canary},
	"as USER":                          {"USER " + canary},
	"as USER, with a PASS":             {"USER " + canary, "PASS " + canary + "x"},
	"as USER, with spaces":             {"USER  " + canary + " "},
	"as USER of many":                  {"USER joe " + canary},
	"both the wrong way round":         {"USER " + canary, "PASS joe"},
	"as a command":                     {"NOOP", canary},
	"as a command, with more":          {"NOOP", canary + " " + canary},
	"as an argument":                   {"NOOP " + canary, "RETR " + canary, "LIST 1 " + canary, "CAPA " + canary},
	"as a mechanism":                   {"AUTH " + canary},
	"behind an unknown mechanism":      {"AUTH CRAM-MD5 " + canary},
	"behind APOP":                      {"APOP joe " + canary},
	"AUTH PLAIN":                       {"AUTH PLAIN " + coded("", "joe", canary+"x")},
	"AUTH PLAIN, by line":              {"AUTH PLAIN", coded("", "joe", canary+"x")},
	"AUTH PLAIN, as the name":          {"AUTH PLAIN " + coded("", canary, "joe")},
	"AUTH PLAIN, as somebody":          {"AUTH PLAIN " + coded(canary, "joe", canary)},
	"AUTH PLAIN in clear":              {"AUTH PLAIN " + canary},
	"AUTH PLAIN, in clear by line":     {"AUTH PLAIN", canary},
	"AUTH LOGIN":                       {"AUTH LOGIN", coded("joe"), coded(canary + "x")},
	"AUTH LOGIN, the wrong way round":  {"AUTH LOGIN", coded(canary), coded("joe")},
	"AUTH LOGIN, twice":                {"AUTH LOGIN", coded(canary), coded(canary + "x")},
	"AUTH LOGIN with the name":         {"AUTH LOGIN " + coded("joe"), coded(canary + "x")},
	"a response where none is awaited": {"AUTH LOGIN", "*", "NOOP", coded("", "joe", canary)},
	"with control characters":          {"NOOP", "PASS \x01" + canary, "NOOP\r" + canary},
	"with the mechanism in lower case": {"auth login", coded("joe"), coded(canary + "x")},
}

// However a password gets to popgate, and whether its user was named before or
// after, it is in no trace, neither in clear nor as it was sent; nor is it in a
// backend's words.
func TestTraceHidesPasswords(t *testing.T) {
	for name, lines := range secretly {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHall(t, gossip(), func(p *plan) { p.settings.Errors, p.settings.LoginAttempts = 100, 100 })
				defer h.close()
				joe, ann := h.trace(t, "joe"), h.trace(t, "ann")
				m := h.from(t, "198.51.100.7")
				m.chat(t, lines...)
				m.chat(t, "USER joe", "PASS "+canary)
				if !strings.HasPrefix(m.last, "+OK") {
					t.Errorf("the login: %q", m.last)
				}
				m.chat(t, "PASS "+canary, "RETR "+canary, "STAT", "NOOP", "LIST 1")
				_, _ = io.WriteString(m, "RETR 1\r\nQUIT\r\n")
				m.rest(t)
				told := joe.ends(t)
				holdsNoCanary(t, told)
				for _, want := range []string{"popgate: +OK pop.example.com POP3 ready\n", "client: USER joe\n", "note: login ok", "client: (unknown command)\n", "note: the session ends: "} {
					if !strings.Contains(told, want) {
						t.Errorf("it did not tell %q:\n%s", want, told)
					}
				}
				ann.stopped(t)
			})
		})
	}
}

// A name that isn't the traced one is nobody's business, in what others say of it
// either.
func TestTraceHidesOtherNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, gossip())
		defer h.close()
		joe, ann := h.trace(t, "joe"), h.trace(t, "ann")
		m := h.from(t, "198.51.100.7")
		m.chat(t, "USER bob", "PASS one", "USER joe", "PASS two", "USER ann", "PASS "+canary)
		_, _ = io.WriteString(m, "QUIT\r\n")
		m.rest(t)
		for reader, hers := range map[*reader]string{joe: "joe", ann: "ann"} {
			told := reader.ends(t)
			holdsNoCanary(t, told)
			if n := strings.Count(told, "client: USER ***\n"); n != 2 || !strings.Contains(told, "backend: +OK "+hers+" may try\n") {
				t.Errorf("%s was told\n%s", hers, told)
			}
			for _, other := range []string{"bob", "joe", "ann"} {
				if other != hers && strings.Contains(told, other) {
					t.Errorf("%s was told of %s:\n%s", hers, other, told)
				}
			}
		}
	})
}
