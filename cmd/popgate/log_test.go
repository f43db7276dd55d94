package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestLogFormatAndLevel: the log block says what is logged and how, from the
// first line on. A reload changes the level, and says that it can't change the
// format.
func TestLogFormatAndLevel(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	logAs := func(level, format string) {
		s.write(t, s.text(fmt.Sprintf("log {\n  level  = %q\n  format = %q\n}\n", level, format)))
	}
	logAs("debug", "json")
	p, address := s.serve(t)
	s.dial(t, address).quit() // nobody logs in: a debug line says why it ended
	p.log(t, 1, `"@message":"refused"`)
	p.log(t, 1, `"@message":"session"`)

	logAs("info", "json")
	p.reload(t, 1)
	s.login(t, address, alice).quit()
	p.log(t, 2, `"@message":"session"`)

	logAs("warn", "text")
	p.signal(t, syscall.SIGHUP)
	p.log(t, 1, `"@message":"the log's format changes with a restart only"`)
	s.login(t, address, alice).quit()
	p.signal(t, syscall.SIGTERM)
	p.exit(t, exitOK)

	events := decodeLog(t, p.err.String())
	count := func(level, message string) int {
		n := 0
		for _, e := range events {
			if e["@level"] == level && e["@message"] == message {
				n++
			}
		}
		return n
	}
	for _, want := range []struct {
		level, message string
		n              int
	}{
		{"debug", "refused", 1}, // none at info
		{"info", "session", 2},  // none at warn
		{"info", "draining", 0},
		{"warn", "the log's format changes with a restart only", 1},
	} {
		if got := count(want.level, want.message); got != want.n {
			t.Errorf("%d × %q at level %s, want %d", got, want.message, want.level, want.n)
		}
	}
}

// decodeLog insists on one JSON object a line.
func decodeLog(t testing.TB, text string) []map[string]any {
	t.Helper()
	var events []map[string]any
	for line := range strings.Lines(text) {
		var event map[string]any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Errorf("no JSON object: %q", line)
		}
		events = append(events, event)
	}
	return events
}

// TestSessionLine: what docs/operations.md promises of a session's one line.
func TestSessionLine(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write(t, s.text("log { format = \"json\" }\n"+shortDelay))
	p, address := s.serve(t)
	c := s.dial(t, address)
	c.ok("USER " + alice)
	c.send("PASS wrong, and long enough to be found")
	c.want("-ERR [AUTH] ")
	c.ok("USER " + alice)
	c.ok("PASS " + password)
	c.ok("STAT")
	c.quit()
	p.log(t, 1, `"@message":"session"`)
	p.signal(t, syscall.SIGTERM)
	p.exit(t, exitOK)

	events := decodeLog(t, p.err.String())
	i := slices.IndexFunc(events, func(e map[string]any) bool { return e["@message"] == "session" })
	got := events[i]
	for key, want := range map[string]any{
		"@level": "info", "listener": "pop3s", "client": c.conn.LocalAddr().String(),
		"tls_version": "TLS 1.3", "server_name": siteName,
		"user": alice, "mechanism": "USER", "backend": "legacy", "address": fmt.Sprintf("127.0.0.1:%d", s.port),
		"from_client": float64(len("STAT\r\nQUIT\r\n")), "login_failures": 1.0, "last_failure": "password_refused",
		"end": "quit",
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	for _, key := range []string{"session", "cipher", "from_backend", "duration"} {
		if got[key] == nil {
			t.Errorf("no %s in %v", key, got)
		}
	}
	for _, secret := range []string{password, "long enough"} {
		if strings.Contains(p.err.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}
