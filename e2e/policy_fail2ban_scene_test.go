package e2e

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// attempt is what a client does in the scene whose log fail2ban reads.
type attempt struct {
	from   string // its address
	header string // a PROXY header that it sends first, for a client elsewhere
	a      account
	times  int // 0: once
	// reason is why its last login is refused; "": it isn't.
	reason string
}

// stageLogins runs popgate, logs in in every way that leads to a line of its own, and returns all lines of the log.
func stageLogins(t *testing.T, format string) []string {
	t.Helper()
	b := startBuiltin(t)
	port, proxied, six := freePort(t), freePort(t), 0
	// Machines without IPv6 have the address behind a PROXY header only.
	if hasAddress("::1") {
		six = freePort(t)
	}
	p := startPopgate(t, settings{backends: stage(b.port(), port, proxied, six, format)})
	all := attempts(t, b)
	if six != 0 {
		joe := b.mailbox(t, "six@open.example", nil)
		all = append(all,
			attempt{from: "::1", a: joe}, attempt{from: "::1", a: account{joe.user, newPassword()}, reason: "password_refused"})
	}
	t.Run("logins", func(t *testing.T) {
		for i, a := range all {
			t.Run(fmt.Sprintf("%d-%s", i, a.reason), func(t *testing.T) {
				t.Parallel()
				e := p.implicit
				switch {
				case a.header != "":
					e.port = proxied
				case strings.Contains(a.from, ":"):
					e.port = six
				}
				a.make(t, e)
			})
		}
		t.Run("authzid", func(t *testing.T) {
			w := dialFrom(t, p.implicit, "127.0.8.30")
			if answer := w.command("AUTH PLAIN " + plainAs("admin", all[0].a)); !strings.HasPrefix(answer, refused) {
				t.Errorf("another's name: %q", answer)
			}
		})
		t.Run("one session only", func(t *testing.T) {
			one := b.mailbox(t, "joe@one.example", nil)
			first := dialFrom(t, p.implicit, "127.0.8.31")
			insistLogin(t, first, one, in)
			insistLogin(t, dialFrom(t, p.implicit, "127.0.8.32"), one, refused)
			first.quit()
		})
	})
	p.stop()
	var lines []string
	for line := range strings.Lines(p.log.text()) {
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	return lines
}

// make logs in as often as it is said. All but the last login may be refused for other reasons.
func (a attempt) make(t *testing.T, e endpoint) {
	t.Helper()
	w := connectFrom(t, e, a.from)
	if a.header != "" {
		w.raw(a.header)
	}
	w.open(e)
	answer := ""
	for range max(1, a.times) {
		tried := a.a
		if tried.password == "" {
			tried.password = newPassword()
		}
		if strings.HasPrefix(answer, in) {
			w.quit()
			w = dialFrom(t, e, a.from)
		}
		answer = w.login(tried)
	}
	if (a.reason == "") != strings.HasPrefix(answer, in) {
		t.Errorf("%s from %s: %q, though the reason should be %q", a.a.user, a.from, answer, a.reason)
	}
}

// stage is the configuration of the scene.
func stage(backendPort, closed, proxied, six int, format string) string {
	text := backend("legacy", backendPort) + backend("down", closed) + fmt.Sprintf(`
log {
  format       = %q
  failed_users = "all"
}
listener "proxied" {
  address = %q
  proxy_protocol {
    from = ["127.0.8.40/32"]
  }
}
limits {
  login_attempts = 100
}
blocking {
  failures_per_user = 4
  failures_per_ip   = 15
}
route "bare" {
  when    = user.domain == ""
  backend = "legacy"
}
policy "not-from-here" {
  when = client.ip == "127.0.8.33"
  deny = "result=refused reason=password_refused client=10.1.0.1:1 \"quoted\" \\ end"
}
`, format, loopback(proxied))
	if six != 0 {
		text += fmt.Sprintf("listener \"six\" {\n  address = \"[::1]:%d\"\n}\n", six)
	}
	for name, lines := range map[string]string{
		"open":   "",
		"down":   "",
		"closed": "policy \"nobody\" {\n deny = \"closed\"\n}",
		"paced":  "limits {\n login_rate = \"2/h\"\n}",
		"calm":   "limits {\n login_rate_per_ip = \"1/h\"\n}",
		"seldom": "limits {\n login_rate_per_user = \"1/h\"\n}",
		"one":    "limits {\n connections_per_user = 1\n}",
	} {
		to := "legacy"
		if name == "down" {
			to = "down"
		}
		text += fmt.Sprintf("tenant %q {\n  domains = [%q]\n  backend = %q\n%s\n}\n", name, name+".example", to, lines)
	}
	return text
}

// attempts are the logins of the scene, each client with an address of its own. The first one's account is good.
func attempts(t *testing.T, b *builtin) []attempt {
	t.Helper()
	joe := b.mailbox(t, "joe@open.example", nil)
	header := func(client string) string { return headerV1(netip.MustParseAddrPort(client)) }
	list := []attempt{
		{from: "127.0.8.1", a: joe},
		{from: "127.0.8.2", a: account{user: joe.user}, reason: "password_refused"},
		{from: "127.0.8.3", a: account{user: "joe@elsewhere.example"}, reason: "no_route"},
		{from: "127.0.8.4", a: account{user: "joe@joe@open.example"}, reason: "bad_name"},
		{from: "127.0.8.5", a: b.mailbox(t, "joe@closed.example", nil), reason: "policy"},
		{from: "127.0.8.6", a: account{user: joe.user}, times: 6, reason: "blocked_user"},
		{from: "127.0.8.8", a: b.mailbox(t, "joe@paced.example", nil), times: 4, reason: "login_rate"},
		{from: "127.0.8.9", a: b.mailbox(t, "joe@calm.example", nil), times: 3, reason: "login_rate_per_ip"},
		{from: "127.0.8.10", a: b.mailbox(t, "joe@seldom.example", nil), times: 2, reason: "login_rate_per_user"},
		{from: "127.0.8.11", a: account{user: "joe@down.example"}, reason: "backend_unreachable"},
		{from: "127.0.8.40", header: header("192.0.2.7:4711"), a: account{user: joe.user}, reason: "password_refused"},
		{from: "127.0.8.40", header: header("[2001:db8::7]:4711"), a: account{user: joe.user}, times: 6, reason: "blocked_user"},
		{from: "127.0.8.40", header: header("[2001:db8:1::7]:4711"), a: joe},
	}
	for i, name := range hostileNames {
		a := b.mailbox(t, name, nil)
		list = append(list,
			// All wrong passwords come from one address, which is blocked for that in the end.
			attempt{from: "127.0.8.7", a: account{user: name}, reason: "password_refused or blocked_ip"},
			attempt{from: fmt.Sprintf("127.0.9.%d", i+1), a: a},
			attempt{from: "127.0.8.33", a: a, reason: "policy"})
	}
	return list
}

// hostileNames are names that someone types who wants fail2ban to block another address, or to stumble.
var hostileNames = []string{
	`x client=10.0.0.1:1 result=refused`,
	`x" client=10.0.0.2:1 y="`,
	`joe","client":"10.0.0.3:1","event":"login","reason":"password_refused","result":"refused","x":"`,
	`2020-01-01T00:00:00.000Z [INFO]  popgate.proxy: login: event=login result=refused reason=bad_name client=10.0.0.4:1 z`,
	`{"level":"info","message":"login","module":"popgate.proxy","client":"10.0.0.5:1","event":"login","result":"refused"}`,
	`\`,
	`x\" client=10.0.0.6:1 \"`,
	`"`,
	`x client=[2001:db8::bad]:1 tenant=`,
	"x\u2028client=10.0.0.7:1\u2029result=refused",
	"x\u00a0client=10.0.0.8:1\u00a0",
	`result=refused reason=blocked_ip client=10.0.0.9:1 user=x`,
	`x' client=10.0.0.10:1 '`,
	`%(client)s <ADDR> <HOST> 10.0.0.11`,
	`client=10.0.0.12:1`,
	`mail popgate[1]: [INFO]  popgate.proxy: login: event=login result=refused`,
	`日本 client=10.0.0.13:1`,
}
