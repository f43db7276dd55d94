package tlsconf

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// The alerts that clients are shown (RFC 8446 §6, RFC 7301 §3.2).
const (
	alertHandshakeFailure = 40
	alertProtocolVersion  = 70
	alertUnrecognizedName = 112
	alertNoProtocol       = 120
)

// handshake lets a client shake hands with s over loopback, and returns the
// client's view. The server greets with one byte, so that the client has read
// the tickets that come before it. Both sides must agree on the outcome.
func handshake(t testing.TB, s *Source, client *tls.Config) (state tls.ConnectionState, err error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	done := make(chan error, 1)
	go func() { done <- greet(l, s.ServerConfig()) }()

	raw, err := net.Dial("tcp", l.Addr().String())
	must(t, err)
	conn := tls.Client(raw, client)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	if err = conn.Handshake(); err == nil {
		_, err = io.ReadFull(conn, make([]byte, 1))
	}
	conn.Close()
	if server := <-done; (server == nil) != (err == nil) {
		t.Fatalf("the client says %v, the server %v", err, server)
	}
	return conn.ConnectionState(), err
}

// greet serves one connection.
func greet(l net.Listener, config *tls.Config) error {
	raw, err := l.Accept()
	if err != nil {
		return err
	}
	conn := tls.Server(raw, config)
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	if err := conn.Handshake(); err != nil {
		return err
	}
	_, err = conn.Write([]byte("+"))
	return err
}

// served returns the leaf that a client naming serverName is shown, or nil and
// the alert that it got instead.
func served(t testing.TB, s *Source, client *tls.Config) (leaf *x509.Certificate, alert int) {
	t.Helper()
	config := client.Clone()
	config.InsecureSkipVerify = true
	state, err := handshake(t, s, config)
	if err != nil {
		return nil, alertOf(t, err)
	}
	return state.PeerCertificates[0], 0
}

// alertOf returns the number of the alert that err tells of.
func alertOf(t testing.TB, err error) int {
	t.Helper()
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "remote error" {
		t.Fatalf("no alert from the server, but: %v", err)
	}
	// crypto/tls keeps the type of alerts to itself; it is a uint8.
	return int(reflect.ValueOf(op.Err).Uint())
}

func newTestSource(t testing.TB, opts Options) *Source {
	t.Helper()
	s, err := New(opts)
	must(t, err)
	return s
}

// event is one call to the recorder.
type event struct {
	kind, name string
	notAfter   time.Time
}

// recorder is an Observer whose loaded and failed calls can be waited for.
type recorder struct {
	mu                         sync.Mutex
	missing, unknown, standIns int
	events                     chan event
}

func newRecorder() *recorder { return &recorder{events: make(chan event, 1000)} }

func (r *recorder) count(n *int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*n++
}

func (r *recorder) ServerNameMissing() { r.count(&r.missing) }
func (r *recorder) ServerNameUnknown() { r.count(&r.unknown) }
func (r *recorder) StandInServed()     { r.count(&r.standIns) }

func (r *recorder) CertificateLoaded(_, name string, notAfter time.Time) {
	r.note(event{"loaded", name, notAfter})
}
func (r *recorder) CertificateFailed(name string)     { r.note(event{kind: "failed", name: name}) }
func (r *recorder) CertificateExpired(_, name string) { r.note(event{kind: "expired", name: name}) }
func (r *recorder) CertificateDropped(_, name string) { r.note(event{kind: "dropped", name: name}) }
func (r *recorder) CertificateOrdered()               { r.note(event{kind: "ordered"}) }
func (r *recorder) CertificateIssued(host string, _, notAfter time.Time, _ bool) {
	r.note(event{"issued", host, notAfter})
}
func (r *recorder) CertificateOrderFailed(problem string, _ time.Time) {
	r.note(event{kind: "order failed", name: problem})
}
func (r *recorder) ChallengeAnswered(challenge string, found bool) {
	if found {
		r.note(event{kind: "answered", name: challenge})
	}
}
func (r *recorder) CacheFailed(operation string) {
	r.note(event{kind: "cache failed", name: operation})
}

// note keeps an event, if there is room.
func (r *recorder) note(e event) {
	select {
	case r.events <- e:
	default:
	}
}

// counts returns missing, unknown and stand-ins, in that order.
func (r *recorder) counts() [3]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return [3]int{r.missing, r.unknown, r.standIns}
}

// wait returns the next event, which must be of this kind.
func (r *recorder) wait(t testing.TB, kind string) event {
	t.Helper()
	select {
	case e := <-r.events:
		if e.kind != kind {
			t.Fatalf("observed %v, want %s", e, kind)
		}
		return e
	case <-time.After(20 * time.Second):
		t.Fatalf("nothing observed, want %s", kind)
	}
	return event{}
}

// drain takes what was observed so far, and returns how many were of kind.
func (r *recorder) drain(kind string) (n int) {
	for {
		select {
		case e := <-r.events:
			if e.kind == kind {
				n++
			}
		default:
			return n
		}
	}
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

// lines returns the lines that hold text.
func (l *logBook) lines(text string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.buf.String()) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

func newLogger(level hclog.Level) (*logBook, hclog.Logger) {
	book := new(logBook)
	return book, hclog.New(&hclog.LoggerOptions{Name: "test", Level: level, Output: book})
}
