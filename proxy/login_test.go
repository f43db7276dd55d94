package proxy_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"popgate/authz"
	"popgate/internal/expr"
	"popgate/internal/poptest"
	"popgate/internal/route"
)

// choosy is a backend that knows one password and logs what it is told.
func choosy(line string) (answer string, more bool) {
	if strings.HasPrefix(line, "PASS ") && line != "PASS sesame" {
		return "-ERR wrong\r\n", true
	}
	return "+OK\r\n", line != "QUIT"
}

// guarded is a hall with rules, before a choosy backend.
func guarded(t *testing.T, rules authz.Rules) *hall {
	t.Helper()
	return guardedBefore(t, rules, choosy)
}

// guardedBefore is a hall with rules, before a backend that answers so.
func guardedBefore(t *testing.T, rules authz.Rules, answer func(line string) (string, bool)) *hall {
	t.Helper()
	return newHall(t, poptest.Answers("+OK\r\n", answer), func(p *plan) {
		rules.Limits.Connections, rules.Limits.ConnectionsPerIP, rules.Limits.ConnectionsBeforeLogin = 1000, 1000, 1000
		p.rules = rules
		p.settings.LoginAttempts = 1000
	})
}

// from connects from an address, as the next client.
func (h *hall) from(t *testing.T, addr string) *mail {
	t.Helper()
	h.mu.Lock()
	h.clients++
	conn, err := h.listeners[hallAddress].Dial(netip.AddrPortFrom(netip.MustParseAddr(addr), 40000+h.clients))
	h.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	m := newMail(conn, net.Conn(conn), h.tls)
	if err := m.ask("", "+OK"); err != nil {
		t.Fatal(err)
	}
	return m
}

const authRefusal = "-ERR [AUTH] authentication failed\r\n"

// tries logs in and insists on the answer and, if it is a refusal, on its time.
func (m *mail) tries(t *testing.T, user, password, want string) {
	t.Helper()
	began := time.Now()
	if err := m.asks("USER "+user, "+OK\r\n", "PASS "+password, want); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); want == authRefusal && took != 3*time.Second {
		t.Errorf("%s %s: refused after %v", user, password, took)
	}
}

// Whatever the guard refuses looks like a wrong password, to the octet and to
// the moment, and the backend hears nothing of it.
func TestGuardRefusesLikeAWrongPassword(t *testing.T) {
	one := authz.Rate{Count: 1, Per: time.Hour}
	for name, test := range map[string]struct {
		rules  authz.Rules
		before [][2]string // logins that lead there
		dials  int         // which they cost
		reason string
	}{
		"policy": {authz.Rules{Policies: []authz.Policy{{Name: "closed", Deny: "no\nway \"here\""}}}, nil, 0, "policy"},
		"rate of an address": {authz.Rules{Limits: authz.Limits{LoginRatePerIP: one}},
			[][2]string{{"ann", "sesame"}}, 1, "login_rate_per_ip"},
		"rate of an address for a user": {authz.Rules{Limits: authz.Limits{LoginRate: one}},
			[][2]string{{"joe", "sesame"}}, 1, "login_rate"},
		"rate of a user": {authz.Rules{Limits: authz.Limits{LoginRatePerUser: one}},
			[][2]string{{"joe", "sesame"}}, 1, "login_rate_per_user"},
		"sessions of a user": {authz.Rules{Limits: authz.Limits{ConnectionsPerUser: 1}},
			[][2]string{{"joe", "sesame"}}, 1, "connections_per_user"},
		"blocked as a user": {authz.Rules{Blocking: authz.Blocking{FailuresPerUser: 2, Window: time.Hour, First: time.Hour, Longest: time.Hour}},
			[][2]string{{"joe", "1"}, {"joe", "2"}}, 2, "blocked_user"},
		"blocked": {authz.Rules{Blocking: authz.Blocking{FailuresPerIP: 2, Window: time.Hour, First: time.Hour, Longest: time.Hour}},
			[][2]string{{"ann", "1"}, {"bob", "1"}}, 2, "blocked_ip"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := guarded(t, test.rules)
				defer h.close()
				for _, login := range test.before {
					want := authRefusal
					if login[1] == "sesame" {
						want = "+OK\r\n"
					}
					h.from(t, "198.51.100.7").tries(t, login[0], login[1], want)
				}
				synctest.Wait() // a login is in the books a moment after its +OK
				m := h.from(t, "198.51.100.7")
				for _, password := range []string{"wrong", "sesame"} {
					m.tries(t, "joe", password, authRefusal)
				}
				if n := h.backend.Connections(); n != test.dials {
					t.Errorf("%d connections to the backend, want %d", n, test.dials)
				}
				h.log.await(t, `"event":"login"`, len(test.before)+2)
				if n := strings.Count(h.log.String(), `"reason":"`+test.reason+`"`); n != 2 {
					t.Errorf("%d lines give the reason %s:\n%s", n, test.reason, h.log)
				}
				_ = m.under.Close()
			})
		})
	}
}

// A botnet's guesses at a user cost that user nothing.
func TestOwnerIsNeverLockedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := guarded(t, authz.Rules{
			Limits:   authz.Limits{LoginRatePerUser: authz.Rate{Count: 3, Per: time.Hour}, LoginRate: authz.Rate{Count: 30, Per: time.Minute}},
			Blocking: authz.Blocking{FailuresPerUser: 3, FailuresPerIP: 5, Window: time.Hour, First: time.Hour, Longest: time.Hour, Remember: 24 * time.Hour},
		})
		defer h.close()
		for i := range 20 {
			m := h.from(t, netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}).String())
			for _, password := range []string{"a", "b", "c", "d"} {
				m.tries(t, "joe", password, authRefusal)
			}
			_ = m.under.Close()
		}
		if n := h.backend.Connections(); n != 20*3 {
			t.Errorf("80 guesses of 20 addresses cost %d connections, want 3 each", n)
		}
		for range 3 {
			m := h.from(t, "198.51.100.7")
			m.tries(t, "joe", "sesame", "+OK\r\n")
			if err := m.ask("QUIT", "+OK"); err != nil {
				t.Error(err)
			}
		}
	})
}

// A backend that is down says nothing of passwords.
func TestOutagesNeverCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, poptest.Answers("-ERR not now\r\n", choosy), func(p *plan) {
			p.rules.Blocking = authz.Blocking{FailuresPerUser: 1, FailuresPerIP: 1, Window: time.Hour, First: time.Hour, Longest: time.Hour}
			p.settings.LoginAttempts = 1000
		})
		defer h.close()
		m := h.from(t, "198.51.100.7")
		for _, password := range []string{"a", "b", "c"} {
			m.tries(t, "joe", password, "-ERR [SYS/TEMP] ")
		}
		_ = m.under.Close()
		if blocks := h.guard.Blocks(t.Context()); len(blocks) != 0 {
			t.Errorf("blocked: %+v", blocks)
		}
	})
}

// LOGIN-DELAY is announced before login, and told only to who knows the
// password; the session at the backend ends without QUIT (RFC 2449 §6.5).
func TestLoginDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, poptest.Answers("+OK\r\n", choosy), func(p *plan) {
			p.rules.Tenants = map[string]authz.Tenant{"acme": {LoginDelay: time.Minute}}
			p.settings.LoginDelay = time.Minute
			p.routes.Tenants = []route.Tenant{{Name: "acme", Domains: []string{"acme.example"}, Backend: "east"}}
		})
		defer h.close()
		m := h.from(t, "198.51.100.7")
		if err := m.asks("CAPA", "+OK", "", "TOP", "", "UIDL", "", "LOGIN-DELAY 60 USER\r\n"); err != nil {
			t.Error(err)
		}
		_ = m.under.Close()
		const joe = "joe@acme.example"
		h.from(t, "198.51.100.7").tries(t, joe, "sesame", "+OK\r\n")
		m = h.from(t, "198.51.100.8")
		m.tries(t, joe, "wrong", authRefusal)
		m.tries(t, joe, "sesame", "-ERR [LOGIN-DELAY] ")
		m.tries(t, "ann@acme.example", "sesame", "+OK\r\n")
		<-time.After(time.Minute)
		h.from(t, "198.51.100.8").tries(t, joe, "sesame", "+OK\r\n")
		for i := range h.backend.Connections() {
			if strings.Contains(string(h.backend.Received(i)), "QUIT") {
				t.Errorf("connection %d got a QUIT", i)
			}
		}
		h.stop()
	})
}

// What a policy asks for besides yes and no.
func TestPolicyTerms(t *testing.T) {
	for name, test := range map[string]struct {
		policy authz.Policy
		tls    *tls.Config
		waits  time.Duration
		denied bool
		told   int // trials in the log
	}{
		"delay":                {authz.Policy{Delay: 10 * time.Second}, &tls.Config{}, 10 * time.Second, false, 0},
		"TLS 1.3, met":         {authz.Policy{RequireTLS: tls.VersionTLS13}, &tls.Config{}, 0, false, 0},
		"TLS 1.3, not met":     {authz.Policy{RequireTLS: tls.VersionTLS13}, &tls.Config{MaxVersion: tls.VersionTLS12}, 0, true, 0},
		"a mechanism, met":     {authz.Policy{RequireMechanisms: []string{"PLAIN", "USER"}}, &tls.Config{}, 0, false, 0},
		"a mechanism, not met": {authz.Policy{RequireMechanisms: []string{"PLAIN"}}, &tls.Config{}, 0, true, 0},
		"on trial":             {authz.Policy{Deny: "never", LogOnly: true}, &tls.Config{}, 0, false, 1},
		"on trial, met":        {authz.Policy{RequireTLS: tls.VersionTLS13, LogOnly: true}, &tls.Config{}, 0, false, 0},
		"on trial, not met":    {authz.Policy{RequireTLS: tls.VersionTLS13, LogOnly: true}, &tls.Config{MaxVersion: tls.VersionTLS12}, 0, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.policy.Name = "p"
				h := guarded(t, authz.Rules{Policies: []authz.Policy{test.policy}})
				defer h.close()
				h.tls.MaxVersion = test.tls.MaxVersion
				m := h.from(t, "198.51.100.7")
				began := time.Now()
				if test.denied {
					m.tries(t, "joe", "sesame", authRefusal)
				} else {
					m.tries(t, "joe", "sesame", "+OK\r\n")
					if took := time.Since(began); took != test.waits {
						t.Errorf("after %v, want %v", took, test.waits)
					}
				}
				if n := strings.Count(h.log.String(), "policy on trial"); n != test.told || h.number("popgate_policy_trials_total", "p") != float64(n) {
					t.Errorf("%d trials are told, want %d, and counted as many:\n%s", n, test.told, h.log)
				}
				_ = m.under.Close()
			})
		})
	}
}

// A read-only session reads and can't delete, whatever is pipelined.
func TestReadOnlyPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := guarded(t, authz.Rules{Policies: []authz.Policy{{Name: "hold", ReadOnly: true}}})
		defer h.close()
		m := h.from(t, "198.51.100.7")
		m.tries(t, "joe", "sesame", "+OK\r\n")
		if _, err := io.WriteString(m, "STAT\r\nDELE 1\r\nNOOP\r\nQUIT\r\n"); err != nil {
			t.Fatal(err)
		}
		got, err := readAll(m.in)
		if lines := strings.Split(got, "\r\n"); err != nil || len(lines) != 5 || !strings.HasPrefix(lines[1], "-ERR ") {
			t.Errorf("got %q, %v", got, err)
		}
		if received := string(h.backend.Received(0)); strings.Contains(received, "DELE") || !strings.HasSuffix(received, "STAT\r\nNOOP\r\nQUIT\r\n") {
			t.Errorf("the backend received %q", received)
		}
		h.log.await(t, `"read_only":true`, 1)
	})
}

// A condition that fails refuses. Why it does may name the user: that is told at
// level debug only.
func TestFailingConditionIsTold(t *testing.T) {
	parsed, diags := hclsyntax.ParseExpression([]byte(`regex("^x(.)", user.local)[0] == "y"`), "transcript", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	when, diags := expr.Compile(parsed, expr.Bool)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, poptest.Answers("+OK\r\n", choosy), func(p *plan) {
			p.rules.Policies = []authz.Policy{{Name: "odd", When: when, Allow: true}}
			p.server.Logger.SetLevel(hclog.Debug)
		})
		defer h.close()
		m := h.from(t, "198.51.100.7")
		m.tries(t, "joe", "sesame", authRefusal)
		_ = m.under.Close()
		h.log.await(t, sessionLine, 1)
		told := 0
		for line := range strings.Lines(h.log.String()) {
			if !strings.Contains(line, "the pattern doesn't match") {
				continue
			}
			if told++; !strings.Contains(line, `"@level":"debug"`) {
				t.Errorf("above debug: %s", line)
			}
		}
		if told != 1 {
			t.Errorf("told %d times:\n%s", told, h.log)
		}
	})
}
