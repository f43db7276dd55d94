package proxy_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"popgate/authz"
	"popgate/internal/metrics"
	"popgate/internal/poptest"
	"popgate/internal/route"
	"popgate/proxy"
)

// anyPort is a stand's one listener, as configured.
const anyPort = "127.0.0.1:0"

// plan is what a stand is made from.
type plan struct {
	server   proxy.Options
	rules    authz.Rules
	settings proxy.Settings
	routes   route.Options
	drain    time.Duration
}

// stand is a server on real sockets, for what an in-memory network can't show.
type stand struct {
	tb       testing.TB
	server   *proxy.Server
	guard    *authz.Guard
	metrics  *metrics.Metrics
	log      *eventLog
	settings proxy.Settings
	rules    authz.Rules
	tls      *tls.Config // of clients
	connect  func() (net.Conn, error)
	ctx      context.Context
	stop     context.CancelFunc
	drain    time.Duration
}

// newStand starts a server before one backend, "east" at address. The limits
// are far away and the failure delay is none, if no tweak says otherwise.
func newStand(tb testing.TB, address string, tweaks ...func(*plan)) *stand {
	tb.Helper()
	ca := poptest.NewCA(tb)
	s := &stand{
		tb: tb, metrics: metrics.New(), log: newEventLog(),
		// One curve keeps handshakes cheap and their length the same.
		tls: &tls.Config{
			RootCAs: ca.Pool(), ServerName: "pop.example.com",
			CurvePreferences: []tls.CurveID{tls.X25519},
		},
	}
	p := &plan{
		rules: authz.Rules{Limits: authz.Limits{Connections: 10000, ConnectionsPerIP: 10000, ConnectionsBeforeLogin: 10000}},
		settings: proxy.Settings{
			Hostname: "pop.example.com", Errors: 3, LoginAttempts: 3, FailedUsers: proxy.FailedAll,
			Listeners: []proxy.Listener{{Name: "pop3s", Address: anyPort}},
			TLS: &tls.Config{
				Certificates: []tls.Certificate{ca.Issue("pop.example.com", "pop.acme.example")},
				MinVersion:   tls.VersionTLS12, NextProtos: []string{"pop3"},
			},
			Timeouts: proxy.Timeouts{
				Handshake: 20 * time.Second, Login: time.Minute,
				Connect: 20 * time.Second, Greeting: 20 * time.Second, BackendLogin: 20 * time.Second,
				Idle: 10 * time.Minute, Quit: 2 * time.Minute, HalfClosed: 2 * time.Minute,
			},
		},
		routes: route.Options{Backends: []route.Backend{{
			Name: "east", Addresses: []string{address}, Capabilities: []string{"TOP", "UIDL"},
		}}},
		drain: 20 * time.Second,
	}
	p.server.Logger = hclog.New(&hclog.LoggerOptions{Output: s.log, JSONFormat: true})
	for _, tweak := range tweaks {
		tweak(p)
	}
	var err error
	if p.settings.Routes, err = route.New(p.routes); err != nil {
		tb.Fatal(err)
	}
	s.settings, s.rules, s.drain, s.guard = p.settings, p.rules, p.drain, authz.New(p.rules, authz.Options{})
	p.server.Guard, p.server.Metrics = s.guard, s.metrics
	s.server = proxy.New(p.server)
	s.connect = func() (net.Conn, error) { return net.Dial("tcp", s.addr()) }
	s.ctx, s.stop = context.WithCancel(context.Background())
	if err := s.server.Apply(s.ctx, s.settings); err != nil {
		tb.Fatal(err)
	}
	return s
}

// close drains the server and insists that nothing is left.
func (s *stand) close() {
	s.tb.Helper()
	s.stop()
	s.server.Drain(s.drain)
	for _, state := range []string{"before_login", "logged_in"} {
		if n := s.number("popgate_sessions", state); n != 0 {
			s.tb.Errorf("%v sessions %s at the end", n, state)
		}
	}
	if n := s.number("popgate_panics_total", ""); n != 0 {
		s.tb.Errorf("%v bugs met:\n%s", n, s.log)
	}
}

// number is a gauge or counter, the sum of the series with that value of a
// label, or 0.
func (s *stand) number(name, label string) (sum float64) {
	families, err := s.metrics.Registry.Gather()
	if err != nil {
		s.tb.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			match := label == ""
			for _, pair := range m.GetLabel() {
				match = match || pair.GetValue() == label
			}
			if family.GetName() == name && match {
				sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// addr is where the server's first listener listens.
func (s *stand) addr() string { return s.server.Addr(s.settings.Listeners[0].Address).String() }

// raw connects. A test that hangs is to say where; virtual time does not hang.
func (s *stand) raw() (net.Conn, error) {
	conn, err := s.connect()
	if err != nil {
		return nil, err
	}
	if _, tcp := conn.(*net.TCPConn); tcp {
		_ = conn.SetDeadline(time.Now().Add(patience))
	}
	return conn, nil
}

// patience is how long a client waits for anything at all.
const patience = time.Minute

// mail is a mail client under TLS.
type mail struct {
	*tls.Conn
	under net.Conn
	in    *bufio.Reader
	last  string // the answer that came last
}

// dial connects, does the handshake and takes the greeting.
func (s *stand) dial() (*mail, error) {
	under, err := s.raw()
	if err != nil {
		return nil, err
	}
	m := newMail(under, under, s.tls)
	if err := m.ask("", "+OK pop.example.com POP3 ready"); err != nil {
		_ = under.Close()
		return nil, err
	}
	return m, nil
}

// newMail talks TLS over conn, which may be a layer above under.
func newMail(under, conn net.Conn, config *tls.Config) *mail {
	m := &mail{Conn: tls.Client(conn, config), under: under}
	m.in = bufio.NewReader(m.Conn)
	return m
}

// ask sends a line, unless it is empty, and wants an answer that starts with
// prefix.
func (m *mail) ask(command, prefix string) error {
	if command != "" {
		if _, err := io.WriteString(m, command+"\r\n"); err != nil {
			return err
		}
	}
	var err error
	if m.last, err = m.in.ReadString('\n'); err != nil {
		return fmt.Errorf("after %q: %w", command, err)
	}
	if !strings.HasPrefix(m.last, prefix) {
		return fmt.Errorf("%q was answered %q", command, m.last)
	}
	return nil
}

// asks is several exchanges of command and prefix.
func (m *mail) asks(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if err := m.ask(pairs[i], pairs[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// login logs in.
func (m *mail) login(user, password string) error {
	return m.asks("USER "+user, "+OK", "PASS "+password, "+OK")
}

// session is a whole one: login, STAT, QUIT, and an orderly end.
func (s *stand) session(user, password string) error {
	m, err := s.dial()
	if err != nil {
		return err
	}
	defer m.under.Close()
	if err := errors.Join(m.login(user, password), m.asks("STAT", "+OK", "QUIT", "+OK")); err != nil {
		return err
	}
	if rest, err := io.ReadAll(m.in); err != nil || len(rest) > 0 {
		return fmt.Errorf("after QUIT: %q, %w", rest, err)
	}
	return nil
}
