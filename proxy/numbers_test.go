package proxy_test

import (
	"crypto/tls"
	"slices"
	"testing"
	"testing/synctest"

	"popgate/internal/metrics"
	"popgate/internal/poptest"
	"popgate/internal/route"
)

// A session is counted at its listener until it has logged in, then as one of its
// tenant, too, and not at all once it has ended; its place at the backend
// likewise. A client that comes back is resumed.
func TestOpenSessionsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, poptest.Answers("+OK\r\n", choosy), func(p *plan) {
			p.routes.Tenants = []route.Tenant{
				{Name: "acme", Domains: []string{"acme.example"}, Backend: "east"},
				{Name: "bolt", Domains: []string{"bolt.example"}, Backend: "east"},
			}
		})
		defer h.close()
		h.metrics.Tenants([]string{"acme"})
		h.tls.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		var open []*mail
		for i, user := range []string{"", "joe", "joe@acme.example", "joe@bolt.example"} {
			m := h.from(t, "198.51.100.7")
			open = append(open, m)
			if i > 0 {
				m.tries(t, user, "sesame", "+OK\r\n")
			}
		}
		synctest.Wait() // a login is in the books a moment after its +OK
		want := []metrics.SessionCount{
			{State: "before_login", Listener: "pop3s", Open: 1},
			{State: "logged_in", Listener: "pop3s", Open: 1},
			{State: "logged_in", Listener: "pop3s", Tenant: "acme", Open: 1},
			{State: "logged_in", Listener: "pop3s", Tenant: "other", Open: 1},
		}
		if got := h.metrics.Sessions(); !slices.Equal(got, want) {
			t.Errorf("open are %v, want %v", got, want)
		}
		if n := h.number("popgate_backend_sessions", "east"); n != 3 {
			t.Errorf("%v places taken, want 3", n)
		}
		if n := h.number("popgate_tls_handshakes_total", "true"); n != 3 {
			t.Errorf("%v handshakes were resumed, want 3", n)
		}
		for _, m := range open {
			_ = m.under.Close()
		}
		h.log.await(t, sessionLine, len(open))
		synctest.Wait()
		for _, count := range h.metrics.Sessions() {
			if count.Open != 0 {
				t.Errorf("at the end: %v", count)
			}
		}
		if n := h.number("popgate_backend_sessions", "east"); n != 0 {
			t.Errorf("%v places are taken at the end", n)
		}
	})
}

// A handshake that does not come about is counted by what went wrong, with
// nothing of what the client offered.
func TestFailedHandshakesAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, poptest.Answers("+OK\r\n", choosy))
		defer h.close()
		for range 2 {
			conn, err := h.raw()
			if err != nil {
				t.Fatal(err)
			}
			_, _ = conn.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
			_, _ = readAll(conn)
			_ = conn.Close()
		}
		h.log.await(t, sessionLine, 2)
		if n := h.number("popgate_tls_handshakes_total", "not_tls"); n != 2 {
			t.Errorf("%v are counted, want 2", n)
		}
		if n := h.number("popgate_logins_total", ""); n != 0 {
			t.Errorf("%v logins are counted", n)
		}
	})
}
