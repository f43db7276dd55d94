package admin

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// testToken opens everything where a test asks for a token. It must not be in
// any log.
const testToken = "0123456789abcdef0123456789abcdef-canary"

// serveTCP starts a server on a loopback address, which it returns; it ends with
// the test.
func serveTCP(t testing.TB, s *Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	return serveOn(t, s, l)
}

func serveOn(t testing.TB, s *Server, l net.Listener) string {
	t.Helper()
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-served; err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// calm is a popgate that has nothing to complain of.
func calm() stock {
	now := time.Now().UTC().Truncate(time.Second)
	p := stock{
		ready: Readiness{Ready: true},
		status: Status{
			Version: "1.4.0", GoVersion: "go1.26.8", Hostname: "pop.example.com", Started: now.Add(-76 * time.Hour),
			ConfigLoaded: now.Add(-50 * time.Minute), LogLevel: "info", MemoryBytes: 51 << 20, Goroutines: 1234, Connections: 10000,
			Sessions: []SessionCount{
				{State: "before_login", Listener: "pop3s", Open: 12}, {State: SessionLoggedIn, Listener: "pop3s", Tenant: "acme", Open: 210},
				{State: SessionLoggedIn, Listener: "pop3s", Tenant: "bank", Open: 31}, {State: SessionLoggedIn, Listener: "pop3", Open: 4},
			},
		},
		backends: []Backend{
			{Name: "legacy", Addresses: []string{"10.0.0.5:110"}, State: BackendUp, Sessions: 199, Connections: 1200, LastOK: ptr(now.Add(-time.Second))},
			{Name: "spare", Addresses: []string{"10.0.0.6:110", "10.0.0.7:110"}, State: BackendUnused},
		},
		list: []Certificate{{
			Name: "pop.example.com", Source: SourceACME, Names: []string{"pop.example.com"}, Issuer: "Some CA",
			NotAfter: ptr(now.Add(62 * day)), DaysLeft: ptr(62), State: StateValid, NextTry: ptr(now.Add(32 * day)),
		}},
	}
	for i := range 60 {
		p.status.Logins = append(p.status.Logins, LoginMinute{Start: now.Truncate(time.Minute).Add(time.Duration(i-59) * time.Minute),
			OK: uint64(60 + i*7%23), Refused: uint64(i * i % 7)})
	}
	for i := range 8 {
		p.sessions = append(p.sessions, Session{ID: fmt.Sprintf("s%04d", i), State: SessionLoggedIn, Began: now.Add(time.Duration(i-20) * time.Minute),
			Client: fmt.Sprintf("192.0.2.%d:51000", i), Listener: "pop3s", TLSVersion: "TLS 1.3", ServerName: "pop.example.com",
			User: fmt.Sprintf("user%d@acme.example", i), Tenant: "acme", Backend: "legacy", FromClient: int64(120 * i), FromBackend: int64(1 << (3 * i))})
	}
	return p
}

// troubled is a popgate with every kind of trouble.
func troubled() stock {
	p := calm()
	now := time.Now().UTC().Truncate(time.Second)
	p.ready = Readiness{Reasons: []string{"draining"}}
	p.status.LogDropped, p.status.Connections = 1234, 280
	p.backends = append(p.backends,
		Backend{Name: "west", Addresses: []string{"192.0.2.10:110"}, State: BackendDown, LastOK: ptr(now.Add(-3 * time.Hour)),
			LastError: &Problem{Time: ptr(now.Add(-8 * time.Second)), Detail: "dial tcp 192.0.2.10:110: connect: connection refused"}},
		Backend{Name: "south", Addresses: []string{"192.0.2.11:110"}, State: BackendDraining, Sessions: 7, Connections: 7, LastOK: ptr(now)})
	p.list = append(p.list, sample(), Certificate{Name: "shop.example.net", Source: SourceACME, State: StateOrdering},
		Certificate{Name: "main", Source: SourceFile, State: StateExpired, Names: []string{"x.example"}, NotAfter: ptr(now.Add(-49 * time.Hour)), DaysLeft: ptr(-3)})
	for i := range 70 {
		p.blocks = append(p.blocks, Block{Address: fmt.Sprintf("198.51.100.%d", i), Check: "blocked_ip", Until: now.Add(time.Duration(i+1) * time.Minute), Level: 1 + i%3})
	}
	p.blocks[1].User, p.blocks[1].Check = "bob@acme.example", "blocked_user"
	p.sessions[7].Kicked, p.sessions[6].ReadOnly, p.sessions[5].Failures, p.sessions[5].LastReason = true, true, 2, "bad_password"
	p.sessions[5].State, p.sessions[5].User, p.sessions[4].State = SessionWaiting, "", SessionLoggingIn
	for i := range p.status.Logins {
		p.status.Logins[i].Error = uint64(max(0, i-50)) * 5
	}
	return p
}

// wantFacts fails unless a page says all facts.
func wantFacts(t testing.TB, text string, facts ...string) {
	t.Helper()
	for _, fact := range facts {
		if !strings.Contains(text, fact) {
			t.Errorf("the page does not say %q:\n%s", fact, text)
		}
	}
}
