package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"popgate/internal/admin"
)

// sessionsTable is what people see of twoSessions.
const sessionsTable = `ID         STATE      FOR    CLIENT               LISTENER  USER             TENANT   BACKEND  IN   OUT
3k9f2m-1a  logged_in  2h00m  192.0.2.7:50112      pop3s     bob@example.com  example  legacy   812  20M
3k9f2m-1c  waiting    42s    [2001:db8::7]:50113  pop3      -                -        -        0    0
`

func TestSessionTable(t *testing.T) {
	got := written(t, func(out *bytes.Buffer) error { return sessionTable(twoSessions(), noon).write(out) })
	if got != sessionsTable {
		t.Errorf("got\n%swant\n%s", got, sessionsTable)
	}
	kicked := twoSessions()[:1]
	kicked[0].Kicked = true
	if got := sessionTable(kicked, noon).lines(0)[1]; !strings.Contains(got, "  kicked  ") {
		t.Errorf("%q", got)
	}
}

// TestSessionFacts: all that is known of a session, and nothing of what isn't.
func TestSessionFacts(t *testing.T) {
	for i, want := range []string{`session       3k9f2m-1a
state         logged_in
began         2026-03-01T10:00:00Z, 2h00m ago
client        192.0.2.7:50112
listener      pop3s
tls           1.3 TLS_AES_128_GCM_SHA256
server name   pop.example.com
user          bob@example.com
tenant        example
mechanism     PLAIN
policy        slow
backend       legacy
address       10.0.0.5:110
route         tenant example
read only     yes
failures      1, the last one: password_refused
from client   812 octets
from backend  20971520 octets
`, `session   3k9f2m-1c
state     waiting
began     2026-03-01T11:59:18Z, 42s ago
client    [2001:db8::7]:50113
listener  pop3
`} {
		got := written(t, func(out *bytes.Buffer) error { return writeFacts(out, sessionFacts(twoSessions()[i], noon)) })
		if got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	}
}

// TestSessionsList: filters that are written must all fit; users' names fold
// ASCII case.
func TestSessionsList(t *testing.T) {
	f := &fake{sessions: twoSessions()}
	for args, want := range map[string]string{
		"":                                  "3k9f2m-1a 3k9f2m-1c",
		"list":                              "3k9f2m-1a 3k9f2m-1c",
		"--user BOB@example.com":            "3k9f2m-1a",
		"list --tenant example":             "3k9f2m-1a",
		"--backend legacy list":             "3k9f2m-1a",
		"--listener pop3":                   "3k9f2m-1c",
		"--state waiting":                   "3k9f2m-1c",
		"--state waiting --listener pop3s":  "",
		"--user nobody":                     "",
		"--backend legacy --tenant example": "3k9f2m-1a",
	} {
		r := f.asked(t, append([]string{"sessions", "--json"}, strings.Fields(args)...)...)
		r.wantCode(t, exitOK)
		var list admin.SessionList
		if err := json.Unmarshal([]byte(r.out), &list); err != nil || list.Sessions == nil {
			t.Fatalf("%v in %s", err, r.out)
		}
		var ids []string
		for _, s := range list.Sessions {
			ids = append(ids, s.ID)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s: %q, want %q", args, got, want)
		}
	}
	f.asked(t, "sessions").wantCode(t, exitOK, "ID         STATE", "3k9f2m-1c  waiting")
	f.asked(t, "sessions", "show", "3k9f2m-1a").wantCode(t, exitOK, "user          bob@example.com\n")
	f.asked(t, "sessions", "show", "x").wantCode(t, exitFailed, `session "x": popgate has no such session`)
}

// TestSessionsKick: one that has ended doesn't save the others.
func TestSessionsKick(t *testing.T) {
	f := &fake{sessions: twoSessions()}
	r := f.asked(t, "sessions", "kick", "3k9f2m-1a", "x", "3k9f2m-1c")
	r.wantCode(t, exitFailed, `popgate: popgate has no such session: ["x"]`)
	if r.out != "2 sessions ended\n" {
		t.Errorf("%q", r.out)
	}
	if got := f.done(); !slices.Equal(got, []string{"kick 3k9f2m-1a", "kick 3k9f2m-1c"}) {
		t.Errorf("%q", got)
	}
	r = f.asked(t, "sessions", "kick", "3k9f2m-1a", "--json")
	r.wantCode(t, exitOK)
	if got := strings.Join(strings.Fields(r.out), ""); got != `{"kicked":["3k9f2m-1a"],"unknown":[]}` {
		t.Errorf("%s", got)
	}
}

// TestTableFits: a table is as wide as the terminal, and the ids stay whole.
func TestTableFits(t *testing.T) {
	for _, width := range []int{100, 90, 84} {
		for i, line := range sessionTable(twoSessions(), noon).lines(width) {
			if n := len([]rune(line)); n > width {
				t.Errorf("%d of %d columns: %s", n, width, line)
			}
			if i > 0 && !strings.HasPrefix(line, twoSessions()[i-1].ID+"  ") {
				t.Errorf("no id in %q", line)
			}
		}
	}
	if lines := sessionTable(twoSessions(), noon).lines(20); len(lines) != 3 || !strings.HasPrefix(lines[1], "3k9f2m-1a  ") {
		t.Errorf("%q", lines)
	}
}
