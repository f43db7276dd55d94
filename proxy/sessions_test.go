package proxy_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"popgate/internal/poptest"
	"popgate/internal/route"
	"popgate/proxy"
)

// TestSessions: what operators see of a session follows it from accept to end.
func TestSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, slowly(10*time.Second))
		defer h.close()
		if views := h.server.Sessions(); len(views) != 0 {
			t.Fatalf("sessions before any: %+v", views)
		}
		raw, err := h.connect()
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		v := h.one(t, proxy.StateConnecting)
		if v.Client.String() != raw.LocalAddr().String() || v.Listener != "pop3s" || v.TLSVersion != "" || v.ID == "" {
			t.Errorf("connecting: %+v", v)
		}
		m := newMail(raw, raw, h.tls)
		if err := m.ask("", "+OK"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if v = h.one(t, proxy.StateWaiting); v.TLSVersion != "TLS 1.3" || v.Cipher == "" || v.ServerName != "pop.example.com" {
			t.Errorf("waiting: %+v", v)
		}
		in := make(chan error, 1)
		go func() { in <- m.login("joe", "sesame") }()
		<-time.After(5 * time.Second)
		if v = h.one(t, proxy.StateLoggingIn); v.Backend != "east" || v.Mechanism != "USER" {
			t.Errorf("logging in: %+v", v)
		}
		if b := h.server.Backend("east"); b.Open != 1 {
			t.Errorf("backend while logging in: %+v", b)
		}
		if err := <-in; err != nil {
			t.Fatal(err)
		}
		go func() { in <- m.asks("STAT", "+OK") }()
		<-in
		v = h.one(t, proxy.StateLoggedIn)
		if v.User != "joe" || v.FromClient != int64(len("STAT\r\n")) || v.FromBackend != int64(len("+OK\r\n")) {
			t.Errorf("logged in: %+v", v)
		}
		if b := h.server.Backend("east"); b.Open != 1 || b.Down || b.LastOK.IsZero() {
			t.Errorf("backend: %+v", b)
		}
		if err := m.asks("QUIT", "+OK"); err != nil {
			t.Fatal(err)
		}
		_ = m.under.Close()
		synctest.Wait()
		if views := h.server.Sessions(); len(views) != 0 {
			t.Errorf("sessions afterwards: %+v", views)
		}
		if b := h.server.Backend("east"); b.Open != 0 {
			t.Errorf("backend afterwards: %+v", b)
		}
	})
}

// one is the only session there is, which must be in a state.
func (h *hall) one(t *testing.T, state string) proxy.View {
	t.Helper()
	views := h.server.Sessions()
	if len(views) != 1 || views[0].State != state {
		t.Fatalf("sessions: %+v, want one that is %s", views, state)
	}
	return views[0]
}

// slowly is a backend that thinks before it answers PASS.
func slowly(d time.Duration) func(*poptest.BackendConn) {
	return func(c *poptest.BackendConn) {
		poptest.Answers("+OK\r\n", func(line string) (string, bool) {
			if strings.HasPrefix(line, "PASS") {
				<-time.After(d)
			}
			return "+OK\r\n", line != "QUIT"
		})(c)
	}
}

// TestNamesOfFailedLogins: a name that may be a password isn't seen before the
// login has succeeded.
func TestNamesOfFailedLogins(t *testing.T) {
	for choice, want := range map[proxy.FailedUsers]string{proxy.FailedServed: "", proxy.FailedNone: "", proxy.FailedAll: "sesame"} {
		for host, added := range map[string]string{"pop.example.com": "", "pop.acme.example": "@acme.example"} {
			synctest.Test(t, func(t *testing.T) {
				h := newHall(t, slowly(10*time.Second), func(p *plan) {
					p.settings.FailedUsers = choice
					p.routes.Tenants = []route.Tenant{{Name: "acme", Hosts: []string{"pop.acme.example"}, Domains: []string{"acme.example"}, Backend: "east"}}
				})
				defer h.close()
				h.tls.ServerName, h.tls.InsecureSkipVerify = host, true
				m, err := h.dial()
				if err != nil {
					t.Fatal(err)
				}
				in := make(chan error, 1)
				go func() { in <- m.login("sesame", "x") }()
				<-time.After(5 * time.Second)
				full := want
				if want != "" {
					full += added
				}
				if v := h.one(t, proxy.StateLoggingIn); v.User != full {
					t.Errorf("failed_users %q: user %q, want %q", choice, v.User, full)
				}
				<-in
				_ = m.under.Close()
			})
		}
	}
}

// TestKick: wherever a session is, it ends, and its backend gets no QUIT.
func TestKick(t *testing.T) {
	const told = "-ERR [SYS/TEMP] this session was ended by an operator\r\n"
	for _, tt := range []struct {
		name, state string
		reach       func(t *testing.T, h *hall) *mail
		told        string
	}{
		{"connecting", proxy.StateConnecting, func(t *testing.T, h *hall) *mail {
			raw, err := h.connect()
			if err != nil {
				t.Fatal(err)
			}
			return &mail{under: raw, in: nil}
		}, ""},
		{"waiting", proxy.StateWaiting, func(t *testing.T, h *hall) *mail { return h.arrived(t) }, told},
		{"logging in", proxy.StateLoggingIn, func(t *testing.T, h *hall) *mail {
			m := h.arrived(t)
			go func() { _, _ = m.Write([]byte("USER joe\r\nPASS sesame\r\n")) }()
			<-time.After(5 * time.Second)
			if err := m.ask("", "+OK"); err != nil { // the answer to USER
				t.Fatal(err)
			}
			return m
		}, told},
		{"logged in", proxy.StateLoggedIn, func(t *testing.T, h *hall) *mail {
			m := h.arrived(t)
			if err := m.login("joe", "sesame"); err != nil {
				t.Fatal(err)
			}
			if err := m.asks("DELE 1", "+OK"); err != nil {
				t.Fatal(err)
			}
			return m
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHall(t, slowly(10*time.Second))
				defer h.close()
				m := tt.reach(t, h)
				defer m.under.Close()
				synctest.Wait()
				v := h.one(t, tt.state)
				if err := h.server.Kick(v.ID); err != nil {
					t.Fatal(err)
				}
				if m.in != nil {
					if got, err := readAll(m.in); got != tt.told || err != nil {
						t.Errorf("the client was told %q, %v; want %q", got, err, tt.told)
					}
				}
				_ = m.under.Close()
				<-time.After(time.Minute)
				if views := h.server.Sessions(); len(views) != 0 {
					t.Errorf("still there: %+v", views)
				}
				for i := range h.backend.Connections() {
					if strings.Contains(string(h.backend.Received(i)), "QUIT") {
						t.Error("the backend got a QUIT")
					}
				}
				h.log.await(t, `"end":"kicked"`, 1)
				if err := h.server.Kick(v.ID); !errors.Is(err, proxy.ErrUnknownSession) {
					t.Errorf("kicked again: %v", err)
				}
			})
		})
	}
}

// arrived is a client that has been greeted.
func (h *hall) arrived(t *testing.T) *mail {
	t.Helper()
	m, err := h.dial()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestKickSeesQuitThrough: a QUIT that is on its way is answered, and the session's
// end is told as what it was.
func TestKickSeesQuitThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, func(c *poptest.BackendConn) {
			poptest.Answers("+OK\r\n", func(line string) (string, bool) {
				if line == "QUIT" {
					<-time.After(20 * time.Second)
				}
				return "+OK\r\n", line != "QUIT"
			})(c)
		})
		defer h.close()
		m := h.arrived(t)
		defer m.under.Close()
		if err := m.login("joe", "sesame"); err != nil {
			t.Fatal(err)
		}
		over := make(chan error, 1)
		go func() { over <- m.asks("DELE 1", "+OK", "QUIT", "+OK") }()
		<-time.After(5 * time.Second)
		v := h.one(t, proxy.StateLoggedIn)
		if err := h.server.Kick(v.ID); err != nil {
			t.Fatal(err)
		}
		if v := h.one(t, proxy.StateLoggedIn); !v.Kicked {
			t.Errorf("it isn't shown that it was kicked: %+v", v)
		}
		if err := <-over; err != nil {
			t.Errorf("QUIT: %v", err)
		}
		_ = m.under.Close()
		h.log.await(t, `"end":"quit"`, 1)
	})
}

// TestDrainBackend: nobody new gets in, who is there stays, and the password never
// leaves.
func TestDrainBackend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, obliging)
		defer h.close()
		before := h.arrived(t)
		defer before.under.Close()
		if err := before.login("joe", "sesame"); err != nil {
			t.Fatal(err)
		}
		h.server.DrainBackend("east", true)
		late := h.arrived(t)
		defer late.under.Close()
		if err := late.asks("USER ann", "+OK", "PASS sesame", "-ERR [SYS/TEMP] the mail server is not available"); err != nil {
			t.Error(err)
		}
		if n := h.backend.Connections(); n != 1 {
			t.Errorf("%d connections to the backend, want that of before", n)
		}
		if err := before.asks("STAT", "+OK"); err != nil {
			t.Error(err)
		}
		if b := h.server.Backend("east"); !b.Draining || b.Open != 1 {
			t.Errorf("backend: %+v", b)
		}
		if n := h.number("popgate_backend_draining", "east"); n != 1 {
			t.Errorf("draining is %v", n)
		}
		h.server.DrainBackend("east", false)
		if n := h.number("popgate_backend_draining", "east"); n != 0 {
			t.Errorf("draining is %v, after it", n)
		}
		if err := late.login("ann", "sesame"); err != nil {
			t.Errorf("let in again: %v", err)
		}
		h.log.await(t, `"reason":"backend_draining"`, 1)
	})
}
