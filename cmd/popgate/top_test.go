package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"popgate/internal/admin"
)

// sampleStatus has a value of each kind.
func sampleStatus() admin.Status {
	days := 61
	s := admin.Status{
		Version: "v1.2.0", GoVersion: "go1.26.8", Hostname: "pop.example.com", Time: noon,
		Started: noon.Add(-75 * time.Hour), ConfigLoaded: noon.Add(-5 * time.Minute), Readiness: admin.Readiness{Ready: true},
		LogLevel: "info", LogDropped: 3, MemoryBytes: 12 << 20, Goroutines: 41, Connections: 10000, Blocks: 2,
		Listeners: []admin.Listener{{Name: "pop3s", Address: "[::]:995"}, {Name: "pop3"}},
		Sessions: []admin.SessionCount{
			{State: "before_login", Listener: "pop3s", Open: 3},
			{State: "logged_in", Listener: "pop3s", Tenant: "example", Open: 12},
		},
		Backends: twoBackends(),
		Certificates: []admin.Certificate{
			{Name: "pop.example.com", Source: admin.SourceACME, Names: []string{"pop.example.com"}, Issuer: "R11", NotAfter: ptr(noon.AddDate(0, 0, 61)),
				DaysLeft: &days, State: admin.StateValid, NextTry: ptr(noon.AddDate(0, 0, 31))},
			{Name: "new.example.com", Source: admin.SourceACME, State: admin.StateMissing, LastError: &admin.Problem{Type: "dns", Detail: "NXDOMAIN"}},
		},
	}
	for i := range 5 {
		s.Logins = append(s.Logins, admin.LoginMinute{Start: noon.Add(time.Duration(i-4) * time.Minute), OK: uint64(i * 10), Refused: uint64(i % 2)})
	}
	return s
}

// statusText is what people see of sampleStatus.
const statusText = `popgate v1.2.0 on pop.example.com: ready
started        2026-02-26T09:00:00Z, 3d03h ago
listens on     pop3s at [::]:995, pop3 at nothing: it is not open
configuration  loaded 2026-03-01T11:55:00Z, 5m00s ago
log level      info, 3 lines dropped
memory         12M, 41 goroutines, go1.26.8
blocks         2

sessions: 12 logged in, 3 before login, of 10000
STATE         LISTENER  TENANT   OPEN
before_login  pop3s     -        3
logged_in     pop3s     example  12

logins of the last hour
LOGINS        OK   REFUSED  ERROR
since 12:00   40   0        0
minute 11:59  30   1        0
last hour     100  2        0
ok       .▃▅▆█  40/min at most
not ok   .█.█.  1/min at most

backends
NAME    STATE  SESSIONS   ADDRESSES                  LAST OK            LAST ERROR
legacy  up     12 of 200  10.0.0.5:110               2026-03-01T12:00Z  -
new     down   0          10.0.0.6:110 10.0.0.7:110  -                  2026-03-01T12:00Z backend_unreachable: dial tcp 10.0.0.6:110: connect: connection refused

certificates
HOST             SOURCE  ISSUER  NOT AFTER          DAYS LEFT  STATE    LAST ERROR     NEXT TRY
pop.example.com  acme    R11     2026-05-01T12:00Z  61         valid    -              2026-04-01T12:00Z
new.example.com  acme    -       -                  -          missing  dns: NXDOMAIN  now
`

func TestStatusText(t *testing.T) {
	s := sampleStatus()
	if got := strings.Join(statusLines(&s, 0), "\n") + "\n"; got != statusText {
		t.Errorf("got\n%swant\n%s", got, statusText)
	}
	s.Readiness = admin.Readiness{Reasons: []string{"draining", "no\x1bcertificate"}}
	if got := headLine(&s); got != "popgate v1.2.0 on pop.example.com: NOT READY: draining; no\uFFFDcertificate" {
		t.Errorf("%q", got)
	}
	s.LastReload = &admin.Reload{Time: noon.Add(-time.Minute), Problems: []string{"config.hcl:3: a", "b\x1b"}}
	const refused = "REFUSED 1m00s ago, the old configuration stays: config.hcl:3: a; b\uFFFD"
	if got := strings.Join(statusLines(&s, 0), "\n"); !strings.Contains(got, "\nlast reload    "+refused+"\n") {
		t.Errorf("no reload in\n%s", got)
	}
	if got := strings.Join((&picture{Status: s}).lines(nil, sortBusy, 0), "\n"); !strings.Contains(got, "\nlast reload "+refused+"\n") {
		t.Errorf("no reload in\n%s", got)
	}
	// What nobody has filled in does no harm.
	if lines := statusLines(new(admin.Status), 40); len(lines) < 10 {
		t.Errorf("%q", lines)
	}
}

// topText is what people see of it in top, with sessions that were asked for
// two seconds before, too.
const topText = `popgate v1.2.0 on pop.example.com: ready
up 3d03h, 12M, 41 goroutines, log level info, 2 blocks
sessions: 3 of 10000; connecting 0, waiting 1, logging in 0, logged in 2

LOGINS        OK   REFUSED  ERROR
since 12:00   40   0        0
minute 11:59  30   1        0
last hour     100  2        0
ok       .▃▅▆█  40/min at most
not ok   .█.█.  1/min at most

NAME    STATE  SESSIONS   ADDRESSES                  LAST OK            LAST ERROR
legacy  up     12 of 200  10.0.0.5:110               2026-03-01T12:00Z  -
new     down   0          10.0.0.6:110 10.0.0.7:110  -                  2026-03-01T12:00Z backend_unreachable: dial tcp 10.0.0.6:110: connect: connection refused

certificates: 2, of which 1 valid
HOST             SOURCE  ISSUER  NOT AFTER  DAYS LEFT  STATE    LAST ERROR     NEXT TRY
new.example.com  acme    -       -          -          missing  dns: NXDOMAIN  now

sessions, the busiest first
ID         STATE      FOR    CLIENT               USER             BACKEND  IN   OUT  A SECOND
3k9f2m-1d  logged_in  1m00s  192.0.2.8:50114      eve@example.com  legacy   200  10K  5.0K
3k9f2m-1a  logged_in  2h00m  192.0.2.7:50112      bob@example.com  legacy   812  20M  0
3k9f2m-1c  waiting    42s    [2001:db8::7]:50113  -                -        0    0    0
`

// twoPictures are two seconds apart.
func twoPictures() (before, now *picture) {
	eve := admin.Session{ID: "3k9f2m-1d", State: admin.SessionLoggedIn, Began: noon.Add(-time.Minute), Client: "192.0.2.8:50114",
		Listener: "pop3s", User: "eve@example.com", Backend: "legacy", FromClient: 200, FromBackend: 0}
	before = &picture{Status: sampleStatus(), Sessions: admin.SessionList{Sessions: append(twoSessions(), eve)}, taken: noon.Add(-2 * time.Second)}
	eve.FromBackend = 10 << 10
	return before, &picture{Status: sampleStatus(), Sessions: admin.SessionList{Sessions: append(twoSessions(), eve)}, taken: noon}
}

func TestTopText(t *testing.T) {
	before, now := twoPictures()
	if got := strings.Join(now.lines(before, sortBusy, 0), "\n") + "\n"; got != topText {
		t.Errorf("got\n%swant\n%s", got, topText)
	}
	for _, test := range []struct {
		before *picture
		order  string
		ids    string
	}{
		{before, sortLatest, "c d a"}, {before, sortBusy, "d a c"}, {nil, sortBusy, "a d c"}, {now, sortBusy, "a d c"},
	} {
		lines := now.lines(test.before, test.order, 0)
		var ids []string
		for _, line := range lines[len(lines)-3:] {
			ids = append(ids, strings.TrimPrefix(strings.Fields(line)[0], "3k9f2m-1"))
		}
		if got := strings.Join(ids, " "); got != test.ids {
			t.Errorf("%s: %s, want %s", test.order, got, test.ids)
		}
	}
}

// TestTopOnce: without a terminal, with --once and as JSON it ends by itself, and
// writes nothing that is for terminals only.
func TestTopOnce(t *testing.T) {
	f := &fake{status: sampleStatus(), ready: admin.Readiness{Ready: true}, sessions: twoSessions(), backends: twoBackends()}
	for _, args := range []string{"top", "top --once", "top --sort latest", "status"} {
		r := f.asked(t, strings.Fields(args)...)
		r.wantCode(t, exitOK, "popgate v1.2.0 on pop.example.com: ready\n", "legacy  up ")
		if strings.Contains(r.out, "\x1b") || r.err != "" {
			t.Errorf("%s: %q, %q", args, r.out, r.err)
		}
	}
	var p picture
	if err := json.Unmarshal([]byte(f.asked(t, "top", "--json").out), &p); err != nil || p.Status.Version != "v1.2.0" || len(p.Sessions.Sessions) != 2 {
		t.Errorf("%+v, %v", p, err)
	}
	var s admin.Status
	if err := json.Unmarshal([]byte(f.asked(t, "status", "--json").out), &s); err != nil || s.Blocks != 0 || len(s.Backends) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestSpanAndOctets(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 59 * time.Second: "59s", time.Minute: "1m00s", time.Hour - 1: "59m59s", 25 * time.Hour: "1d01h", 100 * 24 * time.Hour: "100d00h",
	} {
		if got := span(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
	for n, want := range map[int64]string{
		-1: "-1", 0: "0", 1023: "1023", 1024: "1.0K", 10189: "10K", 999 << 10: "999K", 1000 << 10: "1.0M", 20 << 20: "20M", 1<<63 - 1: "8192P",
	} {
		if got := octets(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// TestTableGivesWay: at 80 columns dates, addresses and ids stay whole, and so does
// the cause of a failure, beneath its row; in a pipe nothing is cut.
func TestTableGivesWay(t *testing.T) {
	long := strings.Repeat("a long cause ", 20)
	backends := twoBackends()
	backends[1].LastError.Detail = long
	wide := strings.Join(backendTable(backends).lines(0), "\n")
	if !strings.Contains(wide, strings.TrimSpace(long)) {
		t.Errorf("cut in a pipe:\n%s", wide)
	}
	lines := backendTable(backends).lines(80)
	if got := strings.Join(strings.Fields(strings.Join(lines[3:], " ")), " "); got != "2026-03-01T12:00Z "+strings.TrimSpace(long) {
		t.Errorf("beneath: %q", lines)
	}
	for _, line := range lines {
		if len(line) > 80 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	for _, table := range []*table{sessionTable(twoSessions(), noon), certificateTable(sampleStatus().Certificates, noon)} {
		text := strings.Join(table.lines(80), "\n")
		if strings.Contains(text, "…") {
			t.Errorf("something is cut:\n%s", text)
		}
	}
}

// FuzzTable: whatever is in the cells, each row is one printable line, no wider
// than it may be if that is possible at all.
func FuzzTable(f *testing.F) {
	f.Add("a", "b\x1b[2J", strings.Repeat("é", 99), 60)
	f.Fuzz(func(t *testing.T, a, b, c string, width int) {
		table := newTable("FIRST", "SECOND", "THIRD")
		table.beneath, table.spare, table.cut = []string{"THIRD"}, []string{"SECOND"}, []string{"FIRST"}
		table.add(a, b, c)
		lines := table.lines(width)
		if len(lines) < 2 || width == 0 && len(lines) != 2 {
			t.Fatalf("%q", lines)
		}
		for i, line := range lines {
			if oneLine(line, 1<<20) != line {
				t.Errorf("%q is not printable", line)
			}
			if n := len([]rune(line)); i < 2 && width >= leastColumn && n > width {
				t.Errorf("%d of %d columns: %q", n, width, line)
			}
		}
	})
}

// TestSparkline: numbers of any size, and none.
func TestSparkline(t *testing.T) {
	ok := func(m admin.LoginMinute) uint64 { return m.OK }
	huge := []admin.LoginMinute{{OK: 1<<64 - 1}, {OK: 1}, {}}
	if got := sparkline(huge, ok); got != "█▁.  18446744073709551615/min at most" {
		t.Errorf("%q", got)
	}
	if got := sparkline(make([]admin.LoginMinute, 9), ok); got != "" {
		t.Errorf("%q", got)
	}
	if got := written(t, func(out *bytes.Buffer) error { return writeLines(out, loginLines(nil)) }); !strings.HasSuffix(got, "last hour  0   0        0\n") {
		t.Errorf("%q", got)
	}
}
