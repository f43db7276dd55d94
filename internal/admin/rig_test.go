package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"
)

// stock is a small program behind a Server. A nil function stands for a host
// that nobody knows.
type stock struct {
	list  []Certificate
	renew func(ctx context.Context, host string) (Certificate, error)
	probe func(host string) (Probe, error)

	explain func(q Question) (Explanation, error)
	blocks  []Block
	unblock func(which Blocked) int

	sessions []Session
	kick     func(id string) error
	trace    func(ctx context.Context, opts TraceOptions, each func(TraceEvent) error) error

	backends []Backend
	turn     func(name string, drain bool) (Backend, error)

	status   Status
	ready    Readiness
	config   string
	reload   func(ctx context.Context) error
	warnings []string // of a reload
	drain    func()
	setLevel func(level string, d time.Duration)
}

func (s stock) Sessions() []Session { return s.sessions }

func (s stock) Kick(id string) error {
	if s.kick == nil {
		return ErrUnknownSession
	}
	return s.kick(id)
}

func (s stock) Trace(ctx context.Context, opts TraceOptions, each func(TraceEvent) error) error {
	if s.trace == nil {
		return ErrTooManyTraces
	}
	return s.trace(ctx, opts, each)
}

func (s stock) Backends() []Backend { return s.backends }

func (s stock) turnBackend(name string, drain bool) (Backend, error) {
	if s.turn == nil {
		return Backend{}, ErrUnknownBackend
	}
	return s.turn(name, drain)
}

func (s stock) DrainBackend(name string) (Backend, error)   { return s.turnBackend(name, true) }
func (s stock) UndrainBackend(name string) (Backend, error) { return s.turnBackend(name, false) }

func (s stock) Status() Status                        { return s.status }
func (s stock) Ready() Readiness                      { return s.ready }
func (s stock) Config() string                        { return s.config }
func (s stock) LogLevel() (level string, _ time.Time) { return "info", time.Time{} }

func (s stock) Upgrade(context.Context) (int, error) { return 4711, nil }

func (s stock) Reload(ctx context.Context) ([]string, error) {
	if s.reload == nil {
		return s.warnings, nil
	}
	return nil, s.reload(ctx)
}

func (s stock) Drain() {
	if s.drain != nil {
		s.drain()
	}
}

func (s stock) SetLogLevel(level string, d time.Duration) {
	if s.setLevel != nil {
		s.setLevel(level, d)
	}
}

func (s stock) List() []Certificate { return s.list }

func (s stock) Renew(ctx context.Context, host string) (Certificate, error) {
	if s.renew == nil {
		return Certificate{}, ErrUnknownHost
	}
	return s.renew(ctx, host)
}

func (s stock) Probe(host string) (Probe, error) {
	if s.probe == nil {
		return Probe{}, ErrUnknownHost
	}
	return s.probe(host)
}

func (s stock) Explain(_ context.Context, q Question) (Explanation, error) {
	if s.explain == nil {
		return Explanation{Question: q}, nil
	}
	return s.explain(q)
}

func (s stock) Blocks(context.Context) []Block { return s.blocks }

func (s stock) Unblock(_ context.Context, which Blocked) int {
	if s.unblock == nil {
		return 0
	}
	return s.unblock(which)
}

// program is all that a Server tells of.
type program interface {
	Certificates
	Logins
	Sessions
	Backends
	Process
}

// logBook collects log lines.
type logBook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// want fails unless the log has exactly n lines that hold all of texts.
func (l *logBook) want(t *testing.T, n int, texts ...string) {
	t.Helper()
	found := 0
	for line := range strings.Lines(l.String()) {
		all := true
		for _, text := range texts {
			all = all && strings.Contains(line, text)
		}
		if all {
			found++
		}
	}
	if found != n {
		t.Errorf("%d lines with %q, want %d, in:\n%s", found, texts, n, l)
	}
}

func newServer(t testing.TB, p program) (*Server, *logBook) {
	t.Helper()
	book := new(logBook)
	s, err := New(Options{
		Certificates: p, Logins: p, Sessions: p, Backends: p, Process: p, Metrics: prometheus.NewRegistry(),
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: book}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, book
}

// rig is a server on a socket.
type rig struct {
	server   *Server
	listener net.Listener
	socket   string
	log      *logBook
	served   chan error // what Serve returned
}

// serve starts a server on a socket of its own; it ends with the test.
func serve(t testing.TB, p program) *rig {
	t.Helper()
	s, book := newServer(t, p)
	r := &rig{server: s, socket: newPath(t), log: book, served: make(chan error, 1)}
	r.listener = mustListen(t, r.socket)
	go func() { r.served <- s.Serve(r.listener) }()
	t.Cleanup(func() { _ = s.Close() })
	return r
}

func (r *rig) client() *Client { return NewClient(r.socket) }

// dial opens a connection for a client without manners.
func (r *rig) dial(t testing.TB) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", r.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// ask sends a request as it stands, and returns the answer and its body.
func (r *rig) ask(t testing.TB, request string) (*http.Response, []byte) {
	t.Helper()
	conn := r.dial(t)
	defer conn.Close()
	// The server may answer and close before it has everything.
	go io.WriteString(conn, request)
	method, _, _ := strings.Cut(request, " ")
	return readAnswer(t, conn, method)
}

func readAnswer(t testing.TB, from io.Reader, method string) (*http.Response, []byte) {
	t.Helper()
	answer, err := http.ReadResponse(bufio.NewReader(from), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, body
}

// refusal reads the error in an answer.
func refusal(t testing.TB, body []byte) Error {
	t.Helper()
	var failed errorAnswer
	if err := json.Unmarshal(body, &failed); err != nil || failed.Error == nil {
		t.Fatalf("no error in %q: %v", body, err)
	}
	return *failed.Error
}

// newPath is where nothing is yet. A socket has a short path, so that
// tests must have short names.
func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "s") }

func mustListen(t testing.TB, path string) net.Listener {
	t.Helper()
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// wantError fails unless err is target and its text holds all of texts.
func wantError(t testing.TB, err, target error, texts ...string) {
	t.Helper()
	if err == nil || target != nil && !errors.Is(err, target) {
		t.Fatalf("error %v, want %v", err, target)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ptr[T any](v T) *T { return &v }

// sample is a certificate with a value in each field.
func sample() Certificate {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return Certificate{
		Name: "pop.example.com", Source: SourceACME, Names: []string{"pop.example.com"}, Issuer: "Some CA",
		NotBefore: ptr(at), NotAfter: ptr(at.AddDate(0, 0, 90)), DaysLeft: ptr(0), State: StateExpiring,
		LastError: &Problem{Time: ptr(at), Type: "urn:ietf:params:acme:error:connection", Detail: `can't reach "pop"`},
		NextTry:   ptr(at.Add(time.Hour)), LastSuccess: ptr(at),
	}
}
