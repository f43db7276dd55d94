package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"popgate/internal/config"
	"popgate/internal/poptest/acmetest"
	"popgate/tlsconf"
)

// certHost is a host that a CA can issue for.
const certHost = "pop.example.com"

// certSite is a folder with a configuration, and a CA that asks at its addresses
// as real ones do at ports 80 and 443.
type certSite struct {
	dir, config string // the folder, and the configuration's path
	socket      string
	http, https string // addresses; "" for "off"
	hosts       []string
	acme, more  string // more lines of the acme block, and more blocks
	ca          *acmetest.CA
	server      *httptest.Server
}

// newCertSite makes a site whose CA is made of opts. Its validations are honest
// unless opts say otherwise.
func newCertSite(t testing.TB, opts acmetest.Options, hosts ...string) *certSite {
	t.Helper()
	// A socket's path must be short.
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &certSite{
		dir: dir, config: filepath.Join(dir, "config.hcl"), socket: filepath.Join(dir, "s"), hosts: hosts,
		http: freeAddress(t), https: freeAddress(t),
	}
	if opts.Validate == nil {
		opts.Validate = s.validate
	}
	s.ca = acmetest.New(t, opts)
	s.server = httptest.NewUnstartedServer(s.ca)
	s.server.Config.ErrorLog = quiet()
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.server.Certificate().Raw})
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), ca, 0o600); err != nil {
		t.Fatal(err)
	}
	s.write(t)
	return s
}

// givenPorts are those that freeAddress has given away.
var givenPorts sync.Map

// freeAddress is one of loopback that nobody listens on and that no other test of
// this run is given. Deliberate: its port lies below those that the kernel gives
// to others all the time, and below those that the end-to-end tests choose.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(5000+rand.IntN(5000)))
		if _, taken := givenPorts.LoadOrStore(address, true); taken {
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		l.Close()
		return address
	}
	t.Fatal("no free port on the loopback interface")
	return ""
}

func (s *certSite) directory() string { return s.server.URL + "/directory" }

// cache is the folder of the CA within the cache.
func (s *certSite) cache(t testing.TB) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(s.dir, "cache", "*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the cache has %q, %v", found, err)
	}
	return found[0]
}

// write writes the configuration.
func (s *certSite) write(t testing.TB) {
	t.Helper()
	hosts, err := json.Marshal(s.hosts)
	if err != nil {
		t.Fatal(err)
	}
	address := func(a string) string {
		if a == "" {
			return "off"
		}
		return a
	}
	text := fmt.Sprintf(`
listener "pop3s" { address = "127.0.0.1:0" }
tls {
  acme {
    hosts         = %s
    directory     = %q
    ca_file       = "ca.pem"
    cache         = "cache"
    http_address  = %q
    https_address = %q
    %s
  }
  %s
}
admin { socket = %q }
backend "legacy" { address = "127.0.0.1:11110" }
`, hosts, s.directory(), address(s.http), address(s.https), s.acme, s.more, s.socket)
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// load reads the configuration.
func (s *certSite) load(t testing.TB) *config.Config {
	t.Helper()
	cfg, diags, _ := config.Load(s.config)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return cfg
}

// run runs `popgate cert` with args.
func (s *certSite) run(t testing.TB, args ...string) result {
	t.Helper()
	return runHere(t, append([]string{"cert", "--config", s.config}, args...)...)
}

// serve runs popgate in this process until the function that it returns is
// called, or the test ends.
func (s *certSite) serve(t testing.TB) (book *output, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	book = newOutput()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if code := run(ctx, []string{"serve", "--config", s.config}, streams{in: eof{}, out: book, err: book}); code != exitOK {
			t.Errorf("popgate ends with code %d:\n%s", code, book)
		}
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	book.wait(t, done, 1, listening)
	return book, stop
}

// issued runs popgate until the hosts have certificates, which the cache keeps.
func (s *certSite) issued(t testing.TB) {
	t.Helper()
	log, stop := s.serve(t)
	log.wait(t, nil, len(s.hosts), `certificate issued`)
	stop()
}

// validate is a CA's look at a host.
func (s *certSite) validate(ctx context.Context, kind, host, token, keyAuth string) error {
	switch kind {
	case "http-01":
		body, err := getFrom(ctx, s.http, "http://"+host+"/.well-known/acme-challenge/"+token)
		if err != nil {
			return &acmetest.Problem{Type: "connection", Detail: err.Error()}
		}
		if body != keyAuth {
			return &acmetest.Problem{Type: "unauthorized", Detail: "the answer is not the challenge's"}
		}
		return nil
	case "tls-alpn-01":
		leaf, err := challengeLeaf(s.https, host)
		if err != nil {
			return &acmetest.Problem{Type: "connection", Detail: err.Error()}
		}
		return acmetest.CheckALPN(leaf.Raw, host, keyAuth)
	}
	return &acmetest.Problem{Type: "malformed", Detail: "no such challenge"}
}

// getFrom gets a page from an address, whatever host its URL names.
func getFrom(ctx context.Context, address, page string) (string, error) {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
		DisableKeepAlives: true,
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return "", err
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return string(body), err
}

// challengeLeaf is the certificate that an address shows to acme-tls/1.
func challengeLeaf(address, host string) (*x509.Certificate, error) {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", address, &tls.Config{
		ServerName: host, NextProtos: []string{tlsconf.ChallengeProtocol}, InsecureSkipVerify: true,
	})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0], nil
}

// port is an address's port, in digits.
func port(t testing.TB, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	return port
}

// wantCode insists on an exit code, and on texts in what a command wrote.
func (r result) wantCode(t testing.TB, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	r.wantTexts(t, texts...)
}

func (r result) wantTexts(t testing.TB, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.out+r.err, text) {
			t.Errorf("nothing of %q in\n%s%s", text, r.out, r.err)
		}
	}
}

// listenUnix opens a socket that is not popgate's.
func listenUnix(t testing.TB, path string) net.Listener {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// refuse is a CA that finds every host wanting.
func refuse(kind, detail string) func(context.Context, string, string, string, string) error {
	return func(context.Context, string, string, string, string) error {
		return &acmetest.Problem{Type: kind, Detail: detail}
	}
}

// quiet is the log of a server whose clients may go in the middle.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
