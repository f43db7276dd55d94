package proxy

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"popgate/internal/pop3"
	"popgate/internal/route"
)

// registered are the response codes of IANA's registry "POP3 Response Codes".
var registered = []string{"AUTH", "IN-USE", "LOGIN-DELAY", "SYS/PERM", "SYS/TEMP", "UTF8"}

var responseCode = regexp.MustCompile(`^(?:\+OK|-ERR) \[([^\]]*)\] `)

// checkReply says what keeps a line, without its CRLF, from being a reply.
func checkReply(line string) error {
	rest, ok := strings.CutPrefix(line, "+OK")
	if !ok {
		if rest, ok = strings.CutPrefix(line, "-ERR"); !ok {
			rest, ok = strings.CutPrefix(line, "+ ")
			if ok && strings.ContainsAny(rest, " []") {
				return fmt.Errorf("%q: a challenge is base64", line)
			}
			rest = " " + rest
		}
	}
	switch code := responseCode.FindStringSubmatch(line); {
	case !ok:
		return fmt.Errorf("%q begins with none of +OK, -ERR and + (RFC 1939 §3, RFC 5034 §4)", line)
	case rest != "" && rest[0] != ' ':
		return fmt.Errorf("%q: the indicator runs on", line)
	case len(line)+2 > pop3.MaxOwnReply:
		return fmt.Errorf("%q… has over %d octets with CRLF (RFC 1939 §3)", line[:40], pop3.MaxOwnReply)
	case strings.ContainsFunc(line, func(r rune) bool { return r < 0x20 || r > 0x7e }):
		return fmt.Errorf("%q is not printable ASCII", line)
	case strings.Contains(line, "%"):
		return fmt.Errorf("%q looks like a format: replies are constant", line)
	case code == nil && strings.ContainsAny(line, "[]"):
		return fmt.Errorf("%q: brackets are for response codes, at the start (RFC 2449 §8)", line)
	case code != nil && !slices.Contains(registered, code[1]):
		return fmt.Errorf("%q: response code %q is not registered", line, code[1])
	}
	return nil
}

// TestReplies: every text of reply.go obeys the rules for replies.
func TestReplies(t *testing.T) {
	texts := replyTexts(t)
	if len(texts) < len(verdicts) {
		t.Fatalf("found only %d texts in reply.go: %q", len(texts), texts)
	}
	for _, v := range verdicts {
		if v.reply != "" && !slices.Contains(texts, v.reply) {
			t.Errorf("%q was not found in reply.go", v.reply)
		}
	}
	for _, text := range texts {
		if err := checkReply(text); err != nil {
			t.Error(err)
		}
	}
}

// TestRepliesAreChecked: the check above finds what it is for.
func TestRepliesAreChecked(t *testing.T) {
	for line, ok := range map[string]bool{
		"+OK": true, "-ERR": true, "+OK fine": true, "-ERR [AUTH] no": true, "+ ": true, "+ VXNlcm5hbWU6": true,
		"+ok": false, "OK": false, "": false, "-ERROR": false, "+OKAY": false, "+": false, "+ no challenge": false,
		"-ERR [X-LOCKED] no": false, "-ERR [auth] no": false, "-ERR no [AUTH]": false, "-ERR [AUTH]no": false,
		"-ERR no\r\n+OK": false, "-ERR é": false, "-ERR dial: %v": false,
		"-ERR " + strings.Repeat("x", 505): true, "-ERR " + strings.Repeat("x", 506): false,
	} {
		if err := checkReply(line); (err == nil) != ok {
			t.Errorf("%.40q: %v", line, err)
		}
	}
}

// TestChallenges: custom fixes what the challenges of LOGIN decode to.
func TestChallenges(t *testing.T) {
	for challenge, want := range map[string]string{
		challengeEmpty: "", challengeUser: "Username:", challengePassword: "Password:",
	} {
		got, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(challenge, "+ "))
		if err != nil || string(got) != want {
			t.Errorf("%q decodes to %q, %v; want %q", challenge, got, err, want)
		}
	}
}

// TestVerdicts is the table of what a client is told, cause by cause.
func TestVerdicts(t *testing.T) {
	want := map[string]struct {
		code          string // "-": no reply; "": a reply without a code
		stays, counts bool
	}{
		"causeSilent":        {"-", false, false},
		"causeForeign":       {"", false, false},
		"causeTooLong":       {"", false, false},
		"causeTooMany":       {"", false, false},
		"causeAuth":          {"AUTH", true, true},
		"causeInUse":         {"IN-USE", true, false},
		"causeLoginDelay":    {"LOGIN-DELAY", true, false},
		"causeTemporary":     {"SYS/TEMP", true, false},
		"causePermanent":     {"SYS/PERM", true, false},
		"causeCapacity":      {"SYS/TEMP", false, false},
		"causeMisconfigured": {"SYS/PERM", false, false},
		"causeDraining":      {"SYS/TEMP", false, false},
		"causeKicked":        {"SYS/TEMP", false, false},
	}
	names := causeNames(t)
	if got, want := slices.Sorted(slices.Values(names)), slices.Sorted(maps.Keys(want)); !slices.Equal(got, want) {
		t.Fatalf("causes are %q, the table has %q", got, want)
	}
	for i, name := range names {
		v, ok := verdicts[cause(i)]
		if !ok {
			t.Errorf("%s has no verdict", name)
			continue
		}
		code := "-"
		if v.reply != "" {
			code = ""
			if match := responseCode.FindStringSubmatch(v.reply); match != nil {
				code = match[1]
			}
			if !strings.HasPrefix(v.reply, "-ERR ") {
				t.Errorf("%s: %q is no -ERR", name, v.reply)
			}
		}
		w := want[name]
		if code != w.code || v.stays != w.stays || v.counts != w.counts {
			t.Errorf("%s: code %q, stays %v, counts %v; want %+v", name, code, v.stays, v.counts, w)
		}
	}
	if len(verdicts) != len(names) {
		t.Errorf("%d verdicts for %d causes", len(verdicts), len(names))
	}
}

// TestNameReply: each fault of a name is told apart.
func TestNameReply(t *testing.T) {
	for name, want := range map[string]string{
		"": replyUserMissing, " joe": replyUserSpaces, "joe ": replyUserSpaces, " ": replyUserSpaces,
		"jo\xff": replyUserUTF8, "jo\x07e": replyControl, "jo\u0085e": replyControl,
	} {
		err := pop3.CheckName([]byte(name))
		if err == nil {
			t.Errorf("%q passes", name)
			continue
		}
		if got := nameReply(fmt.Errorf("wrapped: %w", err)); got != want {
			t.Errorf("%q: %q; want %q", name, got, want)
		}
	}
}

// TestGreetingAndCapabilities: what is made of a configuration obeys the rules
// for replies, too, and says nothing of what popgate is (RFC 2449 §6.9).
func TestGreetingAndCapabilities(t *testing.T) {
	hostname := strings.Repeat(strings.Repeat("a", 62)+".", 4) + "a" // 253, as long as a name can be
	table, err := route.New(route.Options{Backends: []route.Backend{{
		Name: "east", Addresses: []string{"192.0.2.110:110"},
		Capabilities: []string{"TOP", "UIDL", "X-LONG " + strings.Repeat("x", 503), "IMPLEMENTATION popgate"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	set := newSnapshot(Settings{Hostname: hostname, Routes: table, TLS: new(tls.Config)})
	if err := checkReply(strings.TrimSuffix(set.greeting, "\r\n")); err != nil {
		t.Errorf("greeting: %v", err)
	}
	if !strings.HasSuffix(set.greeting, "\r\n") || strings.ContainsAny(set.greeting, "<>") {
		t.Errorf("greeting %q: one line, without a timestamp (RFC 1939 §7)", set.greeting)
	}
	for name, capa := range map[string]string{"in clear": set.capaClear, "under TLS": set.capaTLS} {
		lines := strings.Split(capa, "\r\n")
		if n := len(lines); n < 4 || lines[n-2] != "." || lines[n-1] != "" {
			t.Fatalf("%s: %q does not end in CRLF.CRLF", name, capa)
		}
		if err := checkReply(lines[0]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, line := range lines[1 : len(lines)-2] {
			if line == "" || line[0] == '.' || len(line)+2 > pop3.MaxOwnReply {
				t.Errorf("%s: capability %q (RFC 2449 §3)", name, line)
			}
		}
		if strings.Contains(strings.ToLower(capa+set.greeting), "popgate") {
			t.Errorf("%s: the list or the greeting names the program: %q", name, capa)
		}
	}
	if strings.Contains(set.capaTLS, "STLS") || !strings.Contains(set.capaClear, "\r\nSTLS\r\n") {
		t.Errorf("STLS must be in the list in clear, and only there: %q, %q", set.capaClear, set.capaTLS)
	}
	for _, word := range []string{"USER", "SASL"} {
		if strings.Contains(set.capaClear, word) || !strings.Contains(set.capaTLS, "\r\n"+word) {
			t.Errorf("%s must be in the list under TLS, and only there: %q, %q", word, set.capaClear, set.capaTLS)
		}
	}
}
