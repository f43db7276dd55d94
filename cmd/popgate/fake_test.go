package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"

	"popgate/internal/admin"
)

// noon is when everything happens in tables.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fake is a program behind a real admin server, with values of a test's. It
// stands for the running popgate where only what commands show matters.
type fake struct {
	mu       sync.Mutex
	sessions []admin.Session
	backends []admin.Backend
	ready    admin.Readiness
	status   admin.Status
	hosts    []admin.Certificate
	blocks   []admin.Block
	config   string
	reload   error
	upgrade  error
	warnings []string
	trace    func(ctx context.Context, opts admin.TraceOptions, each func(admin.TraceEvent) error) error
	level    string
	until    time.Time
	did      []string      // what was asked to change
	stuck    chan struct{} // not nil: Ready waits for it
}

func (f *fake) do(words ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.did = append(f.did, strings.Join(words, " "))
}

func (f *fake) done() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.did)
}

func (f *fake) Sessions() []admin.Session { return f.sessions }

func (f *fake) Kick(id string) error {
	if !slices.ContainsFunc(f.sessions, func(s admin.Session) bool { return s.ID == id }) {
		return admin.ErrUnknownSession
	}
	f.do("kick", id)
	return nil
}

func (f *fake) Trace(ctx context.Context, opts admin.TraceOptions, each func(admin.TraceEvent) error) error {
	if f.trace == nil {
		return admin.ErrTooManyTraces
	}
	return f.trace(ctx, opts, each)
}

func (f *fake) Backends() []admin.Backend { return f.backends }

func (f *fake) turn(name, verb, state string) (admin.Backend, error) {
	for _, b := range f.backends {
		if b.Name == name {
			f.do(verb, name)
			b.State = state
			return b, nil
		}
	}
	return admin.Backend{}, admin.ErrUnknownBackend
}

func (f *fake) DrainBackend(name string) (admin.Backend, error) {
	return f.turn(name, "drain", admin.BackendDraining)
}

func (f *fake) UndrainBackend(name string) (admin.Backend, error) {
	return f.turn(name, "undrain", admin.BackendUp)
}

func (f *fake) Status() admin.Status { return f.status }

func (f *fake) Ready() admin.Readiness {
	if f.stuck != nil {
		<-f.stuck
	}
	return f.ready
}

func (f *fake) Config() string { return f.config }

func (f *fake) Reload(context.Context) ([]string, error) {
	f.do("reload")
	return f.warnings, f.reload
}

func (f *fake) Upgrade(context.Context) (int, error) {
	f.do("upgrade")
	return 4711, f.upgrade
}

func (f *fake) Drain() { f.do("drain") }

func (f *fake) LogLevel() (string, time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.level, f.until
}

func (f *fake) SetLogLevel(level string, d time.Duration) {
	f.do("level", level, d.String())
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.level = level; d > 0 {
		f.until = noon.Add(d)
	}
}

func (f *fake) List() []admin.Certificate { return f.hosts }

func (f *fake) Renew(context.Context, string) (admin.Certificate, error) {
	return admin.Certificate{}, admin.ErrUnknownHost
}

func (f *fake) Probe(string) (admin.Probe, error) { return admin.Probe{}, admin.ErrUnknownHost }

func (f *fake) Explain(_ context.Context, q admin.Question) (admin.Explanation, error) {
	return admin.Explanation{Question: q, Outcome: admin.Outcome{Result: admin.ResultLetIn}}, nil
}

func (f *fake) Blocks(context.Context) []admin.Block { return f.blocks }

func (f *fake) Unblock(context.Context, admin.Blocked) int { return 0 }

// serve answers as f on a socket, until the test ends.
func (f *fake) serve(t testing.TB) (socket string) {
	t.Helper()
	server, err := admin.New(admin.Options{
		Certificates: f, Logins: f, Sessions: f, Backends: f, Process: f, Metrics: prometheus.NewRegistry(), Logger: hclog.NewNullLogger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	// A socket's path must be short.
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	listener, err := admin.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	f.answer(t, server, listener)
	return socket
}

func (f *fake) answer(t testing.TB, server *admin.Server, listener net.Listener) {
	t.Helper()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// asked runs a command that asks f.
func (f *fake) asked(t testing.TB, args ...string) result {
	t.Helper()
	return runHere(t, append(args, "--socket", f.serve(t))...)
}

// twoSessions are sessions with a value of each kind.
func twoSessions() []admin.Session {
	return []admin.Session{
		{ID: "3k9f2m-1a", State: admin.SessionLoggedIn, Began: noon.Add(-2 * time.Hour), Client: "192.0.2.7:50112", Listener: "pop3s",
			TLSVersion: "1.3", Cipher: "TLS_AES_128_GCM_SHA256", ServerName: "pop.example.com", User: "bob@example.com", Tenant: "example",
			Mechanism: "PLAIN", Policy: "slow", ReadOnly: true, Backend: "legacy", Address: "10.0.0.5:110", Route: "tenant example",
			Failures: 1, LastReason: "password_refused", FromClient: 812, FromBackend: 20 << 20},
		{ID: "3k9f2m-1c", State: admin.SessionWaiting, Began: noon.Add(-42 * time.Second), Client: "[2001:db8::7]:50113", Listener: "pop3"},
	}
}

// twoBackends are one that works and one that doesn't.
func twoBackends() []admin.Backend {
	return []admin.Backend{
		{Name: "legacy", Addresses: []string{"10.0.0.5:110"}, State: admin.BackendUp, Sessions: 12, Connections: 200, LastOK: ptr(noon)},
		{Name: "new", Addresses: []string{"10.0.0.6:110", "10.0.0.7:110"}, State: admin.BackendDown,
			LastError: &admin.Problem{Time: ptr(noon), Detail: "backend_unreachable: dial tcp 10.0.0.6:110: connect: connection refused"}},
	}
}

// written is what a function writes.
func written(t testing.TB, write func(*bytes.Buffer) error) string {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
