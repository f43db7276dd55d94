package proxy_test

import (
	"crypto/tls"
	"encoding/base64"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"popgate/authz"
	"popgate/internal/poptest"
	"popgate/internal/route"
)

// A trace shows a session from its first octet to its end, with what popgate does
// in between, and ends by itself.
func TestTraceOfASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, gossip(), func(p *plan) {
			p.routes.Tenants = []route.Tenant{{Name: "acme", Domains: []string{"acme.example"}, Backend: "east"}}
		})
		defer h.close()
		r := h.trace(t, "Joe@acme.example")
		m := h.from(t, "198.51.100.7")
		m.chat(t, "NOOP", "USER joe@ACME.example", "PASS wrong", "user joe@acme.example", "PASS "+canary, "LIST 1", "STAT", "NOOP", "RETR 1")
		_, _ = io.WriteString(m, "QUIT\r\n")
		m.rest(t)
		const want = `note: 198.51.100.7:40001 connects to listener pop3s
note: TLS 1.3, TLS_AES_128_GCM_SHA256, server name pop.example.com
popgate: +OK pop.example.com POP3 ready
client: NOOP
popgate: +OK
client: USER joe@ACME.example
popgate: +OK
client: PASS ***
note: login by USER as joe@acme.example, of tenant acme
note: backend east, by tenant "acme" backend, with the name joe@ACME.example
note: connected to 192.0.2.110:110
note: the backend's greeting: +OK
note: USER goes to the backend
backend: +OK joe@ACME.example may try
note: the password goes to the backend
backend: -ERR ***
note: login refused, password_refused, after 0s
popgate: -ERR [AUTH] authentication failed
client: USER joe@acme.example
popgate: +OK
client: PASS ***
note: login by USER as joe@acme.example, of tenant acme
note: backend east, by tenant "acme" backend, with the name joe@acme.example
note: connected to 192.0.2.110:110
note: the backend's greeting: +OK
note: USER goes to the backend
backend: +OK joe@acme.example may try
note: the password goes to the backend
backend: +OK ***
note: login ok, after 0s
client: LIST 1
backend: +OK 1 120
client: STAT
backend: +OK ***
client: NOOP
backend: +OK ***
client: RETR 1
backend: +OK ***
note: 47 octets, 3 lines
client: QUIT
backend: +OK ***
note: the session ends: quit, 34 octets from the client and 187 from the backend after login, 3s in all
`
		if told := r.ends(t); told != want {
			t.Errorf("the trace told\n%s\nwant\n%s", told, want)
		}
		log := h.log.String()
		for _, line := range []string{`{"@level":"warn","@message":"trace begins",`, `"user":"Joe@acme.example"`, `{"@level":"warn","@message":"trace ends",`, `"session":"`} {
			if !strings.Contains(log, line) {
				t.Errorf("the log does not hold %s", line)
			}
		}
	})
}

// Two users at once: each trace has its user's session, and only the next one.
func TestTracesOfTwoUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, poptest.Answers("+OK\r\n", choosy))
		defer h.close()
		joe, joeToo, ann, nobody := h.trace(t, "joe"), h.trace(t, "JOE"), h.trace(t, "ann"), h.trace(t, "nobody")
		var clients []*mail
		for range 4 {
			clients = append(clients, h.from(t, "198.51.100.7"))
		}
		for i, user := range []string{"bob", "joe", "ann", "joe"} {
			clients[i].chat(t, "USER "+user, "PASS sesame")
		}
		for _, m := range clients {
			_, _ = io.WriteString(m, "QUIT\r\n")
			m.rest(t)
		}
		for user, told := range map[string]string{"joe": joe.ends(t), "joe ": joeToo.ends(t), "ann": ann.ends(t)} {
			if n := strings.Count(told, "client: USER "+strings.TrimSpace(user)+"\n"); n != 1 || strings.Count(told, "client: USER") != 1 {
				t.Errorf("the trace of %s told\n%s", user, told)
			}
		}
		if joe.told() != joeToo.told() {
			t.Errorf("two traces of one user told\n%s\nand\n%s", joe.told(), joeToo.told())
		}
		nobody.stopped(t)
	})
}

// With all in one segment nothing is missed: what was said behind the password is
// told by the relay.
func TestTraceOfAPipelinedSession(t *testing.T) {
	for name, login := range map[string]string{
		"USER":  "USER joe\r\nPASS " + canary + "\r\n",
		"PLAIN": "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00joe\x00"+canary)) + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHall(t, gossip(), func(p *plan) { p.routes.Backends[0].Capabilities = []string{"PIPELINING"} })
				defer h.close()
				r := h.trace(t, "joe")
				m := h.from(t, "198.51.100.7")
				_, _ = io.WriteString(m, login+"STAT\r\nRETR 1\r\nXYZZY "+canary+"\r\nQUIT\r\n")
				m.rest(t)
				told := r.ends(t)
				holdsNoCanary(t, told)
				const want = "note: login ok, after 0s\nclient: STAT\nclient: RETR 1\nclient: (unknown command)\n"
				if !strings.Contains(told, want) || !strings.Contains(told, "note: the session ends: quit") {
					t.Errorf("the trace told\n%s", told)
				}
			})
		})
	}
}

// A client that never gets as far as TLS can be seen, and one that does.
func TestTraceOverSTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, gossip(), func(p *plan) { p.settings.Listeners[0].StartTLS = true })
		defer h.close()
		r := h.trace(t, "joe")
		under, err := h.raw()
		if err != nil {
			t.Fatal(err)
		}
		read := func(want string) {
			got := make([]byte, len(want))
			if _, err := io.ReadFull(under, got); err != nil || string(got) != want {
				t.Fatalf("read %q, %v", got, err)
			}
		}
		read("+OK pop.example.com POP3 ready\r\n")
		_, _ = io.WriteString(under, "USER joe\r\nPASS "+canary+"\r\nSTLS\r\n")
		read("-ERR use STLS first\r\n-ERR use STLS first\r\n+OK begin TLS\r\n")
		m := newMail(under, under, h.tls)
		m.chat(t, "USER joe", "PASS "+canary)
		_, _ = io.WriteString(m, "QUIT\r\n")
		m.rest(t)
		told := r.ends(t)
		holdsNoCanary(t, told)
		const want = "client: USER joe\npopgate: -ERR use STLS first\nclient: PASS ***\npopgate: -ERR use STLS first\n" +
			"client: STLS\npopgate: +OK begin TLS\nnote: TLS 1.3, "
		if !strings.Contains(told, want) || !strings.Contains(told, "note: login ok") {
			t.Errorf("the trace told\n%s", told)
		}
	})
}

// What keeps a user out is told: a limit, a policy, a backend that isn't there.
func TestTraceTellsWhy(t *testing.T) {
	for name, test := range map[string]struct {
		tweak func(*plan)
		want  []string
	}{
		"blocked": {
			func(p *plan) {
				p.rules.Blocking = authz.Blocking{FailuresPerUser: 1, FailuresPerIP: 100, Window: time.Hour, First: time.Hour, Longest: time.Hour}
			},
			[]string{"note: denied by blocked_user\nnote: login refused, blocked_user, after "},
		},
		"policy": {
			func(p *plan) { p.rules.Policies = []authz.Policy{{Name: "closed", Deny: "no\nway"}} },
			[]string{`note: denied by policy closed: no\x0away` + "\nnote: login refused, policy, after "},
		},
		"delay": {
			func(p *plan) { p.rules.Policies = []authz.Policy{{Name: "slow", Delay: time.Minute, ReadOnly: true}} },
			[]string{"note: policy slow lets it in, after a delay of 1m0s, to read only\n", "note: login ok, after 1m0s\n"},
		},
		"nobody there": {
			func(p *plan) { p.routes.Backends[0].Addresses = []string{"192.0.2.111:110", "nowhere.example:110"} },
			[]string{"note: nothing more from 192.0.2.111:110: backend_unreachable", "note: nothing more from nowhere.example:110: backend_unreachable",
				"note: login error, backend_unreachable", "popgate: -ERR [SYS/TEMP] the mail server"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHall(t, gossip(), test.tweak, func(p *plan) {
					p.server.LookUp = (&rig{}).lookUp(poptest.Settings{})
				})
				defer h.close()
				r := h.trace(t, "joe")
				m := h.from(t, "198.51.100.7")
				m.chat(t, "USER joe", "PASS wrong", "USER joe", "PASS "+canary, "QUIT")
				m.rest(t)
				told := r.ends(t)
				holdsNoCanary(t, told)
				for _, want := range test.want {
					if !strings.Contains(told, want) {
						t.Errorf("the trace did not tell %q:\n%s", want, told)
					}
				}
			})
		})
	}
}

// A read-only session: popgate's own refusals stand where the client reads them.
func TestTraceOfAReadOnlySession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, gossip(), func(p *plan) { p.rules.Policies = []authz.Policy{{Name: "hold", ReadOnly: true}} })
		defer h.close()
		r := h.trace(t, "joe")
		m := h.from(t, "198.51.100.7")
		m.chat(t, "USER joe", "PASS "+canary)
		_, _ = io.WriteString(m, "RETR 1\r\nDELE 1\r\nLIST 1\r\nQUIT\r\n")
		m.rest(t)
		const want = "note: 47 octets, 3 lines\npopgate: -ERR this mailbox is read-only\nbackend: +OK ***\n"
		if told := r.ends(t); !strings.Contains(told, want) {
			t.Errorf("the trace told\n%s", told)
		}
	})
}

// A user may be called by the canonical name, which the host completes. What came
// before is bounded, and the rest is told.
func TestTraceOfACanonicalName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, gossip(), func(p *plan) {
			p.routes.Tenants = []route.Tenant{{Name: "acme", Hosts: []string{"pop.acme.example"}, Domains: []string{"acme.example"}, Backend: "east"}}
		})
		defer h.close()
		h.tls.ServerName = "pop.acme.example"
		h.tls.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		first := h.from(t, "198.51.100.7") // gets the ticket
		first.chat(t, "NOOP")
		for _, login := range [][]string{
			{"USER joe", "PASS " + canary},
			{"AUTH PLAIN " + coded("", "joe", canary)},
			{"AUTH LOGIN", coded("joe"), coded(canary)},
		} {
			r := h.trace(t, "joe@acme.example")
			m := h.from(t, "198.51.100.7")
			for range 40 {
				m.chat(t, "NOOP")
			}
			m.chat(t, login...)
			_, _ = io.WriteString(m, "QUIT\r\n")
			m.rest(t)
			told := r.ends(t)
			holdsNoCanary(t, told)
			if !strings.HasPrefix(told, "note: ") || !strings.Contains(told, " events at the beginning are lost\n") ||
				!strings.Contains(told, " as joe@acme.example, of tenant acme\n") || !strings.Contains(told, "login ok") {
				t.Errorf("%q: the trace told\n%s", login[0], told)
			}
		}
		r := h.trace(t, "joe")
		m := h.from(t, "198.51.100.7")
		m.chat(t, "USER joe", "QUIT")
		m.rest(t)
		synctest.Wait()
		r.stop()
		<-r.done
		if told := r.told(); !strings.Contains(told, ", resumed, server name pop.acme.example\n") || !strings.HasSuffix(told, "note: the session ends: quit_before_login, 0 octets from the client and 0 from the backend after login, 0s in all\n"+waitsOn) {
			t.Errorf("the trace told\n%s", told)
		}
		_ = first.under.Close()
	})
}
