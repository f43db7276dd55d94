package tlsconf

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/poptest/acmetest"
)

// popHost is the host that most of these tests order for.
const popHost = "pop.example.com"

// acmeScene is a CA in memory and a Source that orders from it, in virtual time.
type acmeScene struct {
	ca        *acmetest.CA
	cache     *memory
	automatic *Automatic
	seen      *recorder
	book      *logBook
	log       hclog.Logger
	clock     *clock
	t         *testing.T

	opts    Options
	answers []string
	*Source
	stop func()
}

// clock is the machine's, which can be wrong.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) set(offset time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = offset
}

// inACME plays a scene in virtual time. Nothing runs before start.
func inACME(t *testing.T, caOpts acmetest.Options, play func(t *testing.T, s *acmeScene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &acmeScene{t: t, cache: newMemory(), seen: newRecorder(), clock: new(clock)}
		s.book, s.log = newLogger(hclog.Info)
		if caOpts.Validate == nil {
			caOpts.Validate = s.validate
		}
		s.ca = acmetest.New(t, caOpts)
		s.automatic = s.newAutomatic()
		s.opts = Options{ACME: &ACME{Directory: s.ca.DirectoryURL(), Hosts: []string{popHost}, Cache: s.cache}}
		s.answers = []string{HTTP01, TLSALPN01}
		s.stop = func() {}
		defer func() {
			s.stop()
			s.automatic.Close()
		}()
		play(t, s)
	})
}

func (s *acmeScene) newAutomatic() *Automatic {
	return NewAutomatic(AutomaticOptions{
		Logger: s.log, Observer: s.seen, Now: s.clock.now,
		Transport: func(*x509.CertPool) http.RoundTripper { return s.ca },
	})
}

// start makes the options those in force, as at the start or at a reload.
func (s *acmeScene) start() {
	s.t.Helper()
	s.opts.Automatic, s.opts.Logger, s.opts.Observer, s.opts.Now = s.automatic, s.log, s.seen, s.clock.now
	next := polling(s.t, s.opts)
	s.stop()
	s.Source = next
	next.Answer(s.answers...)
	s.stop = run(s.t, next)
	synctest.Wait()
}

// restart is a new process with the same cache.
func (s *acmeScene) restart() {
	s.t.Helper()
	s.stop()
	s.stop = func() {}
	s.automatic.Close()
	s.automatic = s.newAutomatic()
	s.start()
}

// pass lets virtual time go by.
func (s *acmeScene) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// settled lets orders under way end.
func (s *acmeScene) settled() { s.pass(10 * time.Second) }

// leaf is what a client that names host is shown; nil: it is refused.
func (s *acmeScene) leaf(host string) *x509.Certificate {
	s.t.Helper()
	cert, err := s.getCertificate(&tls.ClientHelloInfo{ServerName: host})
	must(s.t, err)
	if cert == nil {
		return nil
	}
	return cert.Leaf
}

// has insists that host has a certificate of the CA, and returns it.
func (s *acmeScene) has(host string) *x509.Certificate {
	s.t.Helper()
	leaf := s.leaf(host)
	if leaf == nil {
		s.t.Fatalf("no certificate for %s; the log says\n%s", host, s.book.buf.String())
	}
	if err := leaf.VerifyHostname(host); err != nil {
		s.t.Fatal(err)
	}
	return leaf
}

// state is what operators are shown of host.
func (s *acmeScene) state(host string) HostState {
	s.t.Helper()
	for _, c := range s.Certificates() {
		if c.Name == host && c.ACME != nil {
			return *c.ACME
		}
	}
	s.t.Fatalf("%s is not listed", host)
	return HostState{}
}

// orders insists on how many orders the CA has got in all.
func (s *acmeScene) orders(want int) {
	s.t.Helper()
	if got := s.ca.Orders(""); got != want {
		s.t.Errorf("%d orders, want %d; the log says\n%s", got, want, s.book.buf.String())
	}
}

// logged insists on n log lines that hold text.
func (s *acmeScene) logged(n int, text string) {
	s.t.Helper()
	if lines := s.book.lines(text); len(lines) != n {
		s.t.Errorf("%d lines hold %q, want %d; the log is\n%s", len(lines), text, n, s.book.buf.String())
	}
}

// validate is a CA's look at what the scene answers.
func (s *acmeScene) validate(_ context.Context, typ, host, token, keyAuth string) error {
	if typ == HTTP01 {
		return acmetest.CheckHTTP(s.automatic, host, token, keyAuth)
	}
	cert, err := s.ChallengeConfig().GetCertificate(&tls.ClientHelloInfo{ServerName: host, SupportedProtos: []string{ChallengeProtocol}})
	if err != nil || cert == nil {
		return &acmetest.Problem{Type: "tls", Detail: "no certificate was shown"}
	}
	return acmetest.CheckALPN(cert.Certificate[0], host, keyAuth)
}

// memory is a cache that can fail.
type memory struct {
	mu      sync.Mutex
	entries map[string][]byte
	aside   map[string][]byte
	getErr  error
	putErr  error
	reads   int
}

func newMemory() *memory {
	return &memory{entries: make(map[string][]byte), aside: make(map[string][]byte)}
}

func (m *memory) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	if m.getErr != nil {
		return nil, m.getErr
	}
	data, ok := m.entries[key]
	if !ok {
		return nil, ErrNoEntry
	}
	return bytes.Clone(data), nil
}

func (m *memory) Put(_ context.Context, key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.putErr != nil {
		return m.putErr
	}
	m.entries[key] = bytes.Clone(data)
	return nil
}

func (m *memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, key)
	return nil
}

func (m *memory) SetAside(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.putErr != nil {
		return m.putErr
	}
	m.aside[key] = m.entries[key]
	delete(m.entries, key)
	return nil
}

// Sweep has nothing to do: a process that ends takes everything with it.
func (m *memory) Sweep(time.Time) {}

// fail makes the cache fail, or work again.
func (m *memory) fail(get, put error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.getErr, m.putErr = get, put
}

// set puts an entry there from outside; nil removes it.
func (m *memory) set(key string, data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if data == nil {
		delete(m.entries, key)
		return
	}
	m.entries[key] = data
}

func (m *memory) entry(key string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.entries[key]
}

func (m *memory) keys() (keys []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key := range m.entries {
		keys = append(keys, key)
	}
	return keys
}

var errDiskFull = errors.New("no space left on device")

// transportTo is the network to a CA in memory.
func transportTo(ca *acmetest.CA) func(*x509.CertPool) http.RoundTripper {
	return func(*x509.CertPool) http.RoundTripper { return ca }
}
