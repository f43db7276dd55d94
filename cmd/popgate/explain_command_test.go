package main

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"popgate/internal/admin"
)

// TestExplainUsage: what was asked for goes to standard output, what went wrong
// to standard error with exit code 2.
func TestExplainUsage(t *testing.T) {
	s := newSite(t)
	for name, test := range map[string]struct {
		args     []string
		code     int
		out, err string // patterns; "" for nothing at all
	}{
		"nothing":         {nil, exitUsage, "", `(?s)^Usage: popgate explain USER .*popgate: popgate explain: USER is missing\n$`},
		"help":            {[]string{"--help"}, exitOK, `^Usage: popgate explain USER --from ADDR`, ""},
		"help behind":     {[]string{"bob", "-h"}, exitOK, `^Usage: popgate explain USER`, ""},
		"no address":      {[]string{"bob"}, exitUsage, "", `^popgate: popgate explain: --from is missing: .*\n$`},
		"two users":       {[]string{"bob", "--from", "192.0.2.7", "al\x1bice"}, exitUsage, "", `unexpected argument "al\\x1bice"\n$`},
		"bad flag":        {[]string{"bob", "--frm", "192.0.2.7"}, exitUsage, "", `(?s)-frm.*Usage: popgate explain`},
		"no such address": {[]string{"bob", "--from", "local\x1bhost"}, exitUsage, "", `--from "local\\x1bhost" is no IP address\n$`},
		"a network":       {[]string{"bob", "--from", "192.0.2.0/24"}, exitUsage, "", `--from "192\.0\.2\.0/24" is no IP address`},
		"bad mechanism":   {[]string{"bob", "--from", "::1", "--mechanism", "APOP"}, exitUsage, "", `mechanism "APOP" is none of USER`},
		"bad version":     {[]string{"bob", "--from", "::1", "--tls", "1.1"}, exitUsage, "", `tls "1\.1" is neither`},
		"bad time":        {[]string{"bob", "--from", "::1", "--at", "noon"}, exitUsage, "", `--at "noon" is neither`},
		"no such hour":    {[]string{"bob", "--from", "::1", "--at", "24:00"}, exitUsage, "", `--at "24:00" is neither`},
		"not UTF-8":       {[]string{"b\xffb", "--from", "::1"}, exitUsage, "", `user is not UTF-8`},
		"no config":       {[]string{"bob", "--from", "::1", "--config", "no-such.hcl"}, exitUsage, "", `no-such\.hcl`},
		"no listener":     {[]string{"bob", "--from", "::1", "--listener", "x", "--config", s.config}, exitUsage, "", `--listener "x": popgate has no such listener\n$`},
	} {
		t.Run(name, func(t *testing.T) {
			r := runHere(t, append([]string{"explain"}, test.args...)...)
			if r.code != test.code {
				t.Errorf("exit code %d, want %d", r.code, test.code)
			}
			insistOn(t, "standard output", r.out, test.out)
			insistOn(t, "standard error", r.err, test.err)
		})
	}
	for line := range strings.Lines(runHere(t, "explain", "--help").out) {
		if len(line) > 90 {
			t.Errorf("a line of %d columns: %s", len(line)-1, line)
		}
	}
}

// parsed reads a command line of explain.
func parsed(args ...string) (*explaining, error) {
	e := &explaining{call: new(call)}
	_, _, err := e.menu().parse(args)
	return e, err
}

// TestExplainFlagsAnywhere: before the name and behind it; behind -- a name may
// begin with a dash.
func TestExplainFlagsAnywhere(t *testing.T) {
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	want := admin.Question{
		User: "bob", Address: netip.MustParseAddr("192.0.2.7"), Port: 4000, ServerName: "pop.example.com", Listener: "second",
		Mechanism: "LOGIN", TLS: "1.2", Cipher: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", Time: &at,
	}
	flags := []string{"--from=192.0.2.7:4000", "--sni", "pop.example.com", "--listener", "second", "--mechanism", "login", "--tls", "1.2",
		"--at", "2026-03-01T08:00:00Z", "--json", "--config", "x"}
	for _, args := range [][]string{
		slices.Concat([]string{"bob"}, flags), slices.Concat(flags, []string{"bob"}), slices.Concat(flags[:3], []string{"bob"}, flags[3:]),
		slices.Concat(flags, []string{"--", "bob"}),
	} {
		e, err := parsed(args...)
		if err != nil || !reflect.DeepEqual(e.q, want) || !e.json || e.path != "x" {
			t.Errorf("%q: %+v, %v", args, e.q, err)
		}
	}
	e, err := parsed("--from", "fe80::1%eth0", "--", "--json")
	if q := e.q; err != nil || q.User != "--json" || q.Address != netip.MustParseAddr("fe80::1") || q.Mechanism != "USER" || q.TLS != "1.3" || q.Time != nil {
		t.Errorf("%+v, %v", q, err)
	}
	if _, err := parsed("--from", "::1", "--", "a", "--json"); err == nil || !strings.Contains(err.Error(), `"--json"`) {
		t.Errorf("two words behind --: %v", err)
	}
}

// TestParseMoment: a time of the day is today's, in the zone that the command
// runs in.
func TestParseMoment(t *testing.T) {
	zone := time.FixedZone("east", 2*3600)
	now := time.Date(2026, 3, 1, 23, 30, 12, 34, zone)
	for text, want := range map[string]time.Time{
		"08:00":                     time.Date(2026, 3, 1, 8, 0, 0, 0, zone),
		"00:00":                     time.Date(2026, 3, 1, 0, 0, 0, 0, zone),
		"23:59":                     time.Date(2026, 3, 1, 23, 59, 0, 0, zone),
		"2026-12-24T18:00:00-05:00": time.Date(2026, 12, 24, 23, 0, 0, 0, time.UTC),
	} {
		if got, err := parseMoment(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
}

// explainedText is what people are shown of a login of the tests' society.
const explainedText = `login of "dora@acme.test"
  client       127.0.0.1
  networks     office
  listener     second
  tls          1.2, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
  server name  pop.acme.example
  mechanism    PLAIN
  time         Sunday 2026-03-01T08:00:00Z

at the connection
  connections                            passes     0 of 100
  connections_per_listener               unlimited  -
  connections_before_login               passes     0 of 90
  connections_before_login_per_listener  unlimited  -
  connection_rate                        unlimited  -
  connections_per_ip                     passes     0 of 50

name
  canonical  dora@acme.test
  tenant     acme

at the login
  blocked_user         passes     -
  blocked_ip           passes     -
  login_rate           unlimited  -
  login_rate_per_ip    unlimited  -
  login_rate_per_user  unlimited  -

policies
  trial   false  deny: not from there (on trial: only logged)
  fails   false  allow
  modern  false  deny: needs TLS 1.3
  plain   false  let in
  free    false  allow
  office  false  deny: office only
  freeze  true   let in, read-only  <- this decides

route
  by          tenant "acme" route "all"
  backend     legacy
  addresses   ADDRESS
  state       unused
  login name  "alice", by USER

once the backend has taken the password
  connections_per_tenant  unlimited  -
  connections_per_user    passes     0 of 20
  login_delay             unlimited  -

=> let in to read only, if the backend takes the password: policy "freeze"
`

// TestExplainWithAndWithout: a running popgate and the file's configuration say
// the same of a popgate where nobody is, in lines for people and in JSON, but for
// the backend's state, which only one that runs knows.
func TestExplainWithAndWithout(t *testing.T) {
	t.Parallel()
	needLoopbacks(t)
	s := newSite(t)
	s.write(t, twoListeners+"tls { self_signed = true }\n"+ownSocket+backendAt(s.port)+
		strings.Replace(society, "limits {\n", "limits {\n  connections = 100\n  connections_before_login = 90\n", 1))
	args := []string{"explain", "dora@acme.test", "--from", "127.0.0.1", "--sni", "pop.acme.example", "--listener", "second", "--tls", "1.2",
		"--mechanism", "plain", "--at", "2026-03-01T08:00:00Z", "--config", s.config}
	// Times are shown in the zone that popgate runs in.
	command := func(more ...string) result {
		p := popgate(t, []string{"TZ=UTC"}, append(slices.Clone(args), more...)...)
		p.exit(t, exitOK)
		return result{p.code, p.out.String(), p.err.String()}
	}
	alone, aloneJSON := command(), command("--json")
	p := popgate(t, []string{"TZ=UTC"}, "serve", "--config", s.config)
	p.log(t, 2, listening)
	running, runningJSON := command(), command("--json")

	cfg := (&house{site: s}).load(t)
	if want := strings.Replace(explainedText, "ADDRESS", cfg.Backends[0].Addresses[0], 1); running.out != want {
		t.Errorf("it says\n%swant\n%s", running.out, want)
	}
	if alone.out != strings.Replace(running.out, "  state       unused\n", "", 1) {
		t.Errorf("without a running popgate it says\n%swith one\n%s", alone.out, running.out)
	}
	if running.err != "" || !strings.HasPrefix(alone.err, "popgate: no popgate is running that answers on ") ||
		!strings.HasSuffix(alone.err, ": counts are empty, and nobody is blocked\n") {
		t.Errorf("to standard error: %q, %q", running.err, alone.err)
	}
	var a, b explainedLogin
	for text, into := range map[string]*explainedLogin{aloneJSON.out: &a, runningJSON.out: &b} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	if a.Running || !b.Running {
		t.Errorf("running: %v, %v", a.Running, b.Running)
	}
	if b.Route == nil || b.Route.State != admin.BackendUnused || b.Route.Sessions == nil || *b.Route.Sessions != 0 {
		t.Fatalf("the route is %+v", b.Route)
	}
	b.Route.State, b.Route.Sessions = "", nil
	if a.Running = true; !reflect.DeepEqual(a, b) {
		t.Errorf("without a running popgate\n%+v\nwith one\n%+v", a, b)
	}
}

// TestExplainJSONShape: the words that programs read.
func TestExplainJSONShape(t *testing.T) {
	s := newSite(t)
	s.write(t, s.text("policy \"shut\" { deny = \"closed\" }\n"))
	r := runHere(t, "explain", "Bob", "--from", "192.0.2.7", "--at", "2026-03-01T08:00:00Z", "--json", "--config", s.config)
	r.wantCode(t, exitOK)
	var x struct {
		Running  *bool
		Question map[string]any
		Networks []string
		Name     map[string]any
		Limits   []map[string]any
		Policies []map[string]any
		Route    map[string]any
		Outcome  map[string]any
	}
	decoder := json.NewDecoder(strings.NewReader(r.out))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&x); err != nil || x.Running == nil || *x.Running || x.Networks == nil || len(x.Limits) < 10 {
		t.Fatalf("%v in %s", err, r.out)
	}
	delete(x.Question, "time") // in the zone of whoever runs this
	delete(x.Route, "addresses")
	for name, pair := range map[string][2]any{
		"question": {x.Question, map[string]any{"user": "Bob", "address": "192.0.2.7", "listener": "pop3s", "mechanism": "USER", "tls": "1.3", "cipher": "TLS_AES_128_GCM_SHA256"}},
		"name":     {x.Name, map[string]any{"canonical": "bob"}},
		"limit":    {x.Limits[0], map[string]any{"check": "connections", "stage": "connection", "verdict": "passes", "detail": "0 of 10000"}},
		"policies": {x.Policies, []map[string]any{{"policy": "shut", "verdict": "true", "action": "closed", "denies": true, "decides": true}}},
		"route":    {x.Route, map[string]any{"rule": "only backend", "backend": "legacy", "login": "Bob", "auth": "user"}},
		"outcome":  {x.Outcome, map[string]any{"result": "refused", "reason": "policy", "policy": "shut", "detail": "closed"}},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: %v, want %v", name, pair[0], pair[1])
		}
	}
}

// TestOutcomeText: the last line says what would happen, and why.
func TestOutcomeText(t *testing.T) {
	for want, o := range map[string]admin.Outcome{
		"=> let in, if the backend takes the password":                                          {Result: admin.ResultLetIn},
		"=> let in after 10s, if the backend takes the password: policy \"slow\"":               {Result: admin.ResultLetIn, Policy: "slow", Delay: "10s"},
		"=> let in, if the backend takes the password: the backend was down at the last try":    {Result: admin.ResultLetIn, Detail: "the backend was down at the last try"},
		"=> let in to read only, if the backend takes the password: policy \"hold\"":            {Result: admin.ResultReadOnly, Policy: "hold"},
		"=> refused like a wrong password (-ERR [AUTH]): policy \"x\": office only":             {Result: admin.ResultRefused, Reason: "policy", Policy: "x", Detail: "office only"},
		"=> refused like a wrong password (-ERR [AUTH]) after 1s: no_route":                     {Result: admin.ResultRefused, Reason: "no_route", Policy: "slow", Delay: "1s"},
		"=> refused like a wrong password (-ERR [AUTH]): blocked_ip: until x":                   {Result: admin.ResultRefused, Reason: "blocked_ip", Detail: "until x"},
		"=> turned away for now (-ERR [SYS/TEMP]): connections: 9 of 9":                         {Result: admin.ResultTemporary, Reason: "connections", Detail: "9 of 9"},
		"=> refused, once the backend has taken the password (-ERR [LOGIN-DELAY]): login_delay": {Result: admin.ResultTooSoon, Reason: "login_delay"},
		"=> no login: the name is refused as malformed (-ERR): control character":               {Result: admin.ResultMalformed, Detail: "control character"},
		"=> no login: the connection is closed without an answer: connection_rate":              {Result: admin.ResultClosed, Reason: "connection_rate"},
	} {
		if got := outcomeText(o); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestExplainHostileTexts: a name that would move a cursor is shown, and does
// nothing.
func TestExplainHostileTexts(t *testing.T) {
	s := newSite(t)
	for _, more := range [][]string{nil, {"--json"}} {
		args := []string{"explain", "b\x1b[2J\u202e\nb", "--from", "192.0.2.7", "--sni", "x\x1b]0;y\x07", "--config", s.config}
		r := runHere(t, append(args, more...)...)
		r.wantCode(t, exitOK, "control character")
		if strings.ContainsAny(r.out, "\x1b\x07\u202e") || !strings.Contains(r.out, "b\uFFFD[2J\uFFFD b") {
			t.Errorf("it writes %q", r.out)
		}
	}
}
