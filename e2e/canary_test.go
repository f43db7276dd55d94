package e2e

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// TestPasswordsAreInNoLog: whatever a client does with its password, right or wrong, no log line holds it, at any
// level. Every other test looks for that too; this one does what clients shouldn't.
func TestPasswordsAreInNoLog(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"", "debug", "trace"} {
		for _, method := range []string{"user", "plain"} {
			t.Run(cmp.Or(level, "default")+"/"+method, func(t *testing.T) {
				t.Parallel()
				b := startBuiltin(t)
				joe := b.mailbox(t, "joe", threeMails())
				p := startPopgate(t, settings{
					backends: backend("legacy", b.port(), fmt.Sprintf("auth = %q", method)),
					level:    level,
				})
				for _, e := range []endpoint{p.implicit, p.starttls} {
					for _, lines := range misuses(joe) {
						w := dial(t, e)
						w.send(append(lines, "QUIT")...)
						w.end()
					}
				}
				inTheClear(t, p, joe)
				// The records of sessions are written by now, or are while popgate stops, and then looked through.
				if p.log.text() == "" {
					t.Error("popgate logged nothing, so this test proves nothing")
				}
			})
		}
	}
}

// misuses are dialogues in which a password stands where it belongs or where it doesn't.
func misuses(a account) map[string][]string {
	code := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	pw := a.password
	return map[string][]string{
		"right":                 {"USER " + a.user, "PASS " + pw, "STAT"},
		"wrong":                 {"USER " + a.user, "PASS " + pw + "x"},
		"right, PLAIN":          {"AUTH PLAIN " + code("\x00"+a.user+"\x00"+pw)},
		"wrong, PLAIN":          {"AUTH PLAIN", code("\x00" + a.user + "\x00" + pw + "x")},
		"right, LOGIN":          {"AUTH LOGIN " + code(a.user), code(pw)},
		"wrong, LOGIN":          {"AUTH LOGIN", code(a.user), code(pw + "x")},
		"in the command":        {pw, "user " + a.user, pw + " x", "QUIT " + pw, "NOOP " + pw, "CAPA " + pw, "STLS " + pw},
		"without USER":          {"PASS " + pw},
		"as a user":             {"USER " + pw, "PASS " + pw},
		"as a bad name":         {"USER " + pw + "@", "PASS " + pw},
		"as no name":            {"USER  " + pw, "USER " + pw + "\x01", "USER \xff" + pw},
		"with a control byte":   {"USER " + a.user, "PASS " + pw + "\x01"},
		"with a bare CR":        {"USER " + a.user, "PASS " + pw + "\rx"},
		"with two spaces":       {"USER  " + a.user, "PASS  " + pw},
		"too long":              {"USER " + a.user, "PASS " + pw + strings.Repeat("x", 300)},
		"PLAIN, other authzid":  {"AUTH PLAIN " + code("admin\x00"+a.user+"\x00"+pw)},
		"PLAIN, one NUL":        {"AUTH PLAIN " + code(a.user+"\x00"+pw)},
		"PLAIN, CRLF":           {"AUTH PLAIN " + code("\x00"+a.user+"\x00"+pw+"\r\nDELE 1")},
		"PLAIN, not base64":     {"AUTH PLAIN \x00" + a.user + "\x00" + pw, "AUTH PLAIN", pw},
		"unknown mechanism":     {"AUTH CRAM-MD5 " + pw, "AUTH XOAUTH2 " + code("\x01auth=Bearer "+pw+"\x01\x01")},
		"APOP":                  {"APOP " + a.user + " " + pw},
		"as another protocol":   {"GET /?password=" + pw + " HTTP/1.1", "Authorization: Basic " + code(a.user+":"+pw)},
		"as an IMAP login":      {"a1 LOGIN " + a.user + " " + pw},
		"after a cancelled one": {"AUTH LOGIN", code(a.user), "*", code(pw)},
	}
}

// inTheClear sends the password where popgate must not take it: before STLS, in both ways, and behind STLS before the
// handshake.
func inTheClear(t *testing.T, p *popgate, a account) {
	t.Helper()
	for _, lines := range [][]string{
		{"USER " + a.user, "PASS " + a.password},
		{fmt.Sprintf("AUTH PLAIN %s", base64.StdEncoding.EncodeToString([]byte("\x00"+a.user+"\x00"+a.password)))},
		{"STLS", "USER " + a.user, "PASS " + a.password},
	} {
		w := connect(t, p.starttls)
		w.greeting()
		w.send(append(lines, "QUIT")...)
		for answer := range strings.Lines(w.end()) {
			if strings.HasPrefix(answer, "+OK in") {
				t.Errorf("logged in without TLS by %.10q", lines)
			}
		}
	}
}
