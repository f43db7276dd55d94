package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// acmeHost is a name as a CA takes it: of two labels or more. Nothing resolves it but Pebble's DNS server.
const acmeHost = "pop.e2e.example"

// What popgate's log says of certificates, as regular expressions. These tests know no other words of it.
const (
	logOrdered  = `certificate ordered`
	logIssued   = `certificate issued`
	logRenewed  = `certificate renewed`
	logFailed   = `certificate order failed`
	logSetAside = `damaged`
	logNotKept  = `\[(WARN|ERROR)\].*certificate cache`
)

// about narrows a pattern of the log to lines that name the host.
func about(pattern, host string) string {
	return pattern + `.*` + strings.ReplaceAll(host, ".", `\.`) + `\b`
}

// site is a popgate that gets its certificates from a CA, and a mailbox behind it. The CA sends its validations to the
// site's ports, so a CA has one running site at a time.
type site struct {
	*popgate // the latest run; nil before the first one
	ca       *pebble
	joe      account // the user of the mailbox
	dir      string
	backend  string

	port                int // of the listener with implicit TLS
	httpPort, httpsPort int // of the challenges; the CA's, unless something stands between

	// The configuration. What is changed here counts from the next start or reload.
	hosts       []string
	http, https bool   // which challenges are answered
	directory   string // the CA's URL; "": as it is
	cache       string // the folder
	acme, more  string // more lines in the acme block, and more blocks

	env  []string // of all commands
	wrap []string // the command that popgate is the last arguments of; nil: none
}

// newSite makes a site of the hosts that hasn't begun. It answers both challenges.
func newSite(t testing.TB, ca *pebble, hosts ...string) *site {
	t.Helper()
	b := startBuiltin(t)
	s := &site{
		ca: ca, joe: b.mailbox(t, "joe", threeMails()), dir: folder(t), backend: backend("legacy", b.port()),
		port: freePort(t), httpPort: ca.http, httpsPort: ca.https, hosts: hosts, http: true, https: true,
	}
	s.cache = filepath.Join(s.dir, "acme")
	return s
}

// text returns the configuration as a file's content.
func (s *site) text(t testing.TB) string {
	t.Helper()
	address := func(on bool, port int) string {
		if !on {
			return "off"
		}
		return loopback(port)
	}
	directory := s.directory
	if directory == "" {
		directory = s.ca.directory()
	}
	hosts, err := json.Marshal(s.hosts)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`
hostname = %q
listener "pop3s" {
  address = %q
}
tls {
  acme {
    hosts         = %s
    directory     = %q
    ca_file       = %q
    cache         = %q
    http_address  = %q
    https_address = %q
    %s
  }
}
# All clients of the tests have one address.
limits {
  connections_per_ip = 5000
  connection_rate    = "off"
}
timeouts {
  failure_delay = %q
}
admin {
  socket = %q
}
`, host, loopback(s.port), hosts, directory, s.ca.caFile(), s.cache, address(s.http, s.httpPort),
		address(s.https, s.httpsPort), s.acme, failureDelay, filepath.Join(s.dir, "admin.sock")) + s.backend + s.more
}

// between starts the CA behind a gate that stands before the site's challenge at *asked, one of the CA's ports. The site
// must not have begun yet, nor the CA.
func (s *site) between(t testing.TB, asked *int) *gate {
	t.Helper()
	g := startGate(t, *asked)
	*asked = g.port()
	s.ca.start(t)
	return g
}

// save writes the configuration and returns its path.
func (s *site) save(t testing.TB) string {
	t.Helper()
	return write(t, filepath.Join(s.dir, "config.hcl"), s.text(t))
}

// launch runs `popgate serve` and doesn't wait for its listeners.
func (s *site) launch(t testing.TB) {
	t.Helper()
	p := &popgate{config: s.save(t)}
	p.process = start(t, "popgate", s.command(context.Background(), "serve", "--config", p.config))
	t.Cleanup(func() { p.check(t) })
	s.popgate = p
}

// command returns a run of popgate for the site that hasn't begun.
func (s *site) command(ctx context.Context, args ...string) *exec.Cmd {
	alone := command(args...)
	all := append(slices.Clone(s.wrap), alone.Args...)
	cmd := exec.CommandContext(ctx, all[0], all[1:]...)
	cmd.Env = append(alone.Env, s.env...)
	return cmd
}

// start runs `popgate serve` and waits for its listener.
func (s *site) start(t testing.TB) {
	t.Helper()
	s.launch(t)
	awaitPort(t, s.process, s.port, func(net.Conn) bool { return true })
}

// end stops popgate as an operator does. It must end well.
func (s *site) end(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGTERM)
	if code := s.exit(t); code != 0 {
		t.Errorf("popgate ended with code %d", code)
	}
}

// at is the way to a port of the site under one of its names.
func (s *site) at(host string, port int) endpoint {
	return endpoint{host: host, port: port, security: implicitTLS, version: "1.3", ca: s.ca.roots()}
}

// reads fails the test unless joe's mails can be read there, under a certificate of the CA for the name.
func (s *site) reads(t testing.TB, e endpoint) {
	t.Helper()
	w := dial(t, e)
	if answer := w.login(s.joe); !strings.HasPrefix(answer, "+OK") {
		t.Fatalf("login at port %d: %q", e.port, answer)
	}
	if got := len(w.fetch()); got != 3 {
		t.Errorf("%d mails at port %d, want 3", got, e.port)
	}
}

// client returns the settings of a TLS client that asks for the host and verifies its certificate.
func (s *site) client(t testing.TB, host string) *tls.Config {
	t.Helper()
	options := trust(t, s.ca.roots())
	options.ServerName, options.NextProtos = host, []string{"pop3"}
	return options
}

// certificate returns the certificate that the site shows for the host. It must be one of the CA's.
func (s *site) certificate(t testing.TB, host string) *x509.Certificate {
	t.Helper()
	state, err := greet(s.port, s.client(t, host))
	if err != nil {
		t.Fatalf("handshake for %s: %v", host, err)
	}
	return state.PeerCertificates[0]
}

// greet makes one connection with TLS, reads the greeting and leaves. It may run in any goroutine.
func greet(port int, options *tls.Config) (tls.ConnectionState, error) {
	c, err := net.DialTimeout("tcp", loopback(port), patience)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	secure := tls.Client(c, options)
	if err := secure.Handshake(); err != nil {
		return tls.ConnectionState{}, err
	}
	line, err := bufio.NewReader(secure).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "+OK") {
		err = fmt.Errorf("greeting %q", line)
	}
	return secure.ConnectionState(), err
}

// verified tells what is wrong with the certificate of a connection for the host.
func verified(state tls.ConnectionState, roots *x509.CertPool, host string) error {
	options := x509.VerifyOptions{DNSName: host, Roots: roots, Intermediates: x509.NewCertPool()}
	for _, issuer := range state.PeerCertificates[1:] {
		options.Intermediates.AddCert(issuer)
	}
	_, err := state.PeerCertificates[0].Verify(options)
	return err
}

// unrecognized tells whether the server refused the client's server name with the alert that says so.
func unrecognized(err error) bool {
	return err != nil && strings.HasSuffix(err.Error(), "tls: unrecognized name")
}

// cert runs `popgate cert` with the site's configuration and returns its standard output beside the rest.
func (s *site) cert(t testing.TB, verb string, args ...string) ([]byte, result) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := s.command(ctx, append([]string{"cert", verb, "--config", s.save(t)}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("popgate cert %s didn't end:\n%s%s", verb, out.String(), errs.String())
	}
	return out.Bytes(), result{exitCode(err), errs.String()}
}

// renew asks the running popgate for a new certificate of the host, and fails the test unless it has one afterwards.
func (s *site) renew(t testing.TB, host string) {
	t.Helper()
	old, _ := greet(s.port, s.client(t, host)) // there may be none
	_, r := s.cert(t, "renew", host)
	r.ok(t)
	eventually(t, "a new certificate for "+host, func() bool {
		now, err := greet(s.port, s.client(t, host))
		return err == nil && (old.PeerCertificates == nil || !now.PeerCertificates[0].Equal(old.PeerCertificates[0]))
	})
}

// obtains waits until the host's first certificate of this run is there and served.
func (s *site) obtains(t testing.TB, host string) {
	t.Helper()
	s.log.wait(t, 1, about(logIssued, host))
	eventually(t, "the certificate of "+host+" is served", func() bool {
		_, err := greet(s.port, s.client(t, host))
		return err == nil
	})
}

// ordersNoMore fails the test unless the CA has got so many orders and no other one is under way: at most one order
// of a host is, so that one more that is asked for must be the next.
func (s *site) ordersNoMore(t testing.TB, want int) {
	t.Helper()
	s.ca.ordered(t, want)
	s.renew(t, s.hosts[0])
	s.ca.ordered(t, want+1)
}
