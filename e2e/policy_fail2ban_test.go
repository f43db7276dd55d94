package e2e

import (
	"maps"
	"net/netip"
	"slices"
	"testing"
)

// The modes of the filter.
var filterModes = []string{"normal", "blocked"}

// counted are the reasons that the filter counts in each of its modes.
var counted = map[string][]string{
	"normal": {
		"password_refused", "user_refused", "bad_name", "no_route", "authzid", "unfit_for_backend",
		"blocked_ip", "blocked_user", "login_rate", "login_rate_per_ip",
	},
	"blocked": {"blocked_ip", "blocked_user", "login_rate", "login_rate_per_ip"},
}

// TestFail2banFindsGuessers: of a log with good, bad, blocked, throttled and denied logins, over IPv4 and IPv6, in both
// formats and behind what syslog and the journal put before a line, fail2ban takes the addresses of clients that are
// refused for a reason of their own, as often as they were, and no other.
func TestFail2banFindsGuessers(t *testing.T) {
	t.Parallel()
	need(t, "fail2ban-regex")
	needAddresses(t, "127.0.8.1")
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			log := stageLogins(t, format)
			want := wantFound(t, log, format)
			for _, prefix := range logPrefixes {
				t.Run(prefix.name, func(t *testing.T) {
					insistFound(t, "normal", prefix.text, log, want["normal"])
				})
			}
			t.Run("mode-blocked", func(t *testing.T) {
				insistFound(t, "blocked", "", log, want["blocked"])
			})
		})
	}
}

// insistFound compares what fail2ban finds in a log behind a prefix with what it should: how often which address.
func insistFound(t *testing.T, mode, prefix string, log []string, want map[string]int) {
	t.Helper()
	var lines []string
	for _, line := range log {
		lines = append(lines, prefix+line)
	}
	f := fail2ban(t, mode, lines)
	if !maps.Equal(f.addresses, want) {
		t.Errorf("it found %v, want %v", f.addresses, want)
	}
	all := 0
	for _, n := range want {
		all += n
	}
	if f.matched != all || f.missed != len(lines)-all {
		t.Errorf("%d lines matched and %d missed, want %d and %d", f.matched, f.missed, all, len(lines)-all)
	}
}

// logPrefixes are what stands before popgate's lines where they go through something else.
var logPrefixes = []struct{ name, text string }{
	{"file", ""},
	{"syslog", "Jan  2 03:04:05 mail popgate[4711]: "},
	{"syslog-rfc3339", "2026-01-02T03:04:05.678901+01:00 mail popgate[4711]: "},
	{"journal", "mail popgate[4711]: "}, // what fail2ban makes of an entry of the journal
	{"journalctl-iso", "2026-01-02T03:04:05+0100 mail popgate[4711]: "},
}

// wantFound counts what popgate's own lines say: the refusals of each address for reasons that a mode counts. It also makes
// sure that the log has all that the test is about.
func wantFound(t *testing.T, log []string, format string) map[string]map[string]int {
	t.Helper()
	want := map[string]map[string]int{"normal": {}, "blocked": {}}
	seen := map[string]int{}
	for _, line := range log {
		l := parseLogin(t, line, format)
		if l.event != "login" {
			continue
		}
		seen[l.result+" "+l.reason]++
		client, err := netip.ParseAddrPort(l.client)
		if err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		for _, mode := range filterModes {
			if l.result == "refused" && slices.Contains(counted[mode], l.reason) {
				want[mode][client.Addr().String()]++
			}
		}
	}
	for _, kind := range []string{
		"ok ", "error backend_unreachable", "refused policy", "refused password_refused", "refused bad_name",
		"refused no_route", "refused authzid", "refused blocked_user", "refused blocked_ip", "refused login_rate",
		"refused login_rate_per_ip", "refused login_rate_per_user", "refused connections_per_user",
	} {
		if seen[kind] == 0 {
			t.Errorf("the log has no login that is %s, so this proves less than it says: %v", kind, seen)
		}
	}
	for _, address := range []string{"2001:db8::7", "192.0.2.7"} {
		if want["normal"][address] == 0 {
			t.Errorf("the log has no bad login from %s", address)
		}
	}
	return want
}
