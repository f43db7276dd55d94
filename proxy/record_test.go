package proxy

import (
	"bytes"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"
)

// full is a record of everything, from a session that was logged in.
func full() *Record {
	return &Record{
		ID: "abcde-1", Listener: "pop3s", Client: netip.MustParseAddrPort("198.51.100.7:40001"),
		TLSVersion: "TLS 1.3", Cipher: "TLS_AES_128_GCM_SHA256", ServerName: "pop.example.com",
		User: "joe@example.com", Tenant: "acme", Mechanism: "PLAIN",
		Backend: "east", Address: "192.0.2.110:110", Rule: `tenant "acme" backend`,
		LoginFailures: 2, LastFailure: "password_refused",
		FromClient: 17, FromBackend: 4711, End: "quit",
		began: time.Now(), state: StateLoggedIn, names: FailedNone,
	}
}

// fields makes a map of what line returns, and checks its form.
func fields(t *testing.T, line []any) map[string]any {
	t.Helper()
	if len(line)%2 != 0 {
		t.Fatalf("%d arguments: %v", len(line), line)
	}
	key := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	found := make(map[string]any)
	for i := 0; i < len(line); i += 2 {
		name, ok := line[i].(string)
		if !ok || !key.MatchString(name) {
			t.Errorf("key %v is no snake_case word", line[i])
		}
		if _, twice := found[name]; twice {
			t.Errorf("key %s is there twice", name)
		}
		if line[i+1] == "" {
			t.Errorf("key %s is there without a value", name)
		}
		found[name] = line[i+1]
	}
	return found
}

// TestRecordLine: the one line of a session tells who, where, how much and how
// it ended.
func TestRecordLine(t *testing.T) {
	got := fields(t, full().line())
	for key, want := range map[string]any{
		"session": "abcde-1", "client": "198.51.100.7:40001", "listener": "pop3s",
		"tls_version": "TLS 1.3", "cipher": "TLS_AES_128_GCM_SHA256", "server_name": "pop.example.com",
		"user": "joe@example.com", "tenant": "acme", "mechanism": "PLAIN",
		"backend": "east", "address": "192.0.2.110:110",
		"from_client": int64(17), "from_backend": int64(4711),
		"login_failures": 2, "last_failure": "password_refused", "end": "quit",
	} {
		if got[key] != want {
			t.Errorf("%s is %v; want %v", key, got[key], want)
		}
	}
	if d, err := time.ParseDuration(fmt.Sprint(got["duration"])); err != nil || d < 0 {
		t.Errorf("duration %v: %v", got["duration"], err)
	}
}

// TestRecordLineOfAStranger: what is not known is left out, and what a stranger
// chose stays one value.
func TestRecordLineOfAStranger(t *testing.T) {
	bare := fields(t, (&Record{ID: "abcde-2", Listener: "pop3s", End: "not_tls", began: time.Now(), names: FailedAll}).line())
	for _, key := range []string{
		"tls_version", "cipher", "server_name", "user", "tenant", "mechanism",
		"backend", "address", "from_client", "from_backend", "login_failures", "last_failure",
	} {
		if value, there := bare[key]; there {
			t.Errorf("%s is %v in the line of a session that came nowhere", key, value)
		}
	}
	forger := full()
	forger.User = "joe\nERROR end=\"quit\" \x1b[2J\xff" + strings.Repeat("x", 1000)
	forger.ServerName = "pop.example.com\r\nsession=abcde-3"
	var out bytes.Buffer
	hclog.New(&hclog.LoggerOptions{Output: &out, DisableTime: true}).Info("session", forger.line()...)
	text := out.String()
	if strings.Count(text, "\n") != 1 || strings.Count(text, " end=") != 1 || strings.Count(text, " session=") != 1 {
		t.Errorf("the line was forged: %q", text)
	}
	if len(text) > 2000 || strings.ContainsAny(text, "\x1b\r") || !utf8.ValidString(text) {
		t.Errorf("the line is %d octets long: %q", len(text), text)
	}
}

// TestRecordUser: the name of a failed login is logged as the operator chose: a
// name that nobody has may be a password in the wrong field.
func TestRecordUser(t *testing.T) {
	for _, tt := range []struct {
		choice           FailedUsers
		loggedIn, served bool
		logged           bool
	}{
		{FailedServed, false, false, false},
		{FailedServed, false, true, true},
		{FailedServed, true, false, true},
		{FailedAll, false, false, true},
		{FailedNone, false, true, false},
		{FailedNone, true, false, true},
		{"", false, true, false},
	} {
		rec := full()
		rec.names, rec.served = tt.choice, tt.served
		if !tt.loggedIn {
			rec.state = StateLoggingIn
		}
		_, logged := fields(t, rec.line())["user"]
		if logged != tt.logged {
			t.Errorf("%q, logged in %v, served %v: name logged %v", tt.choice, tt.loggedIn, tt.served, logged)
		}
	}
}

func TestRecordNotes(t *testing.T) {
	rec := new(Record)
	rec.ended("draining")
	rec.ended("client_closed")
	if rec.End != "draining" {
		t.Errorf("the end is %q; the first reason counts", rec.End)
	}
	rec.failed("user_refused")
	rec.failed("password_refused")
	if rec.LoginFailures != 2 || rec.LastFailure != "password_refused" {
		t.Errorf("%d failures, the last %q", rec.LoginFailures, rec.LastFailure)
	}
}
