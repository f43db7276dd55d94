package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"popgate/bench/internal/backend"
	"popgate/bench/internal/load"
	"popgate/bench/internal/maildrop"
)

// host is the server name in the certificates.
const host = "bench.test"

// site is a folder for one run, popgate's program, and the backend, which runs in
// this process: its CPU time isn't popgate's.
type site struct {
	dir      string
	program  string
	password string
	messages []maildrop.Message
	backend  string // its address
	stop     context.CancelFunc
	served   chan error
}

func newSite(ctx context.Context, o options) (_ *site, err error) {
	s := &site{program: o.popgate, password: rand.Text(), messages: maildrop.Standard(), served: make(chan error, 1)}
	if s.dir, err = os.MkdirTemp("", "popgate-capacity-"); err != nil {
		return nil, err
	}
	if s.program == "" {
		s.program = filepath.Join(s.dir, "popgate")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", s.program, "popgate/cmd/popgate")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return nil, errors.Join(fmt.Errorf("build popgate: %w\n%s", err, out), os.RemoveAll(s.dir))
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	s.backend = listener.Addr().String()
	ctx, s.stop = context.WithCancel(ctx)
	go func() { // close waits for it
		s.served <- backend.ServePOP3(ctx, listener, backend.Options{Password: s.password, Messages: s.messages})
	}()
	return s, nil
}

func (s *site) close() error {
	s.stop()
	return errors.Join(<-s.served, os.RemoveAll(s.dir))
}

// config is popgate's. The limits count, and keep nobody out.
const config = `
hostname = %q
listener "pop3s" {
  address = %q
}
tls {
  certificate "bench" {
    cert_file = "cert.pem"
    key_file  = "key.pem"
  }
}
backend "memory" {
  address = %q
}
admin {
  socket = "off"
}
limits {
  connections              = 1000000
  connections_per_ip       = 1000000
  connections_before_login = 1000000
  connections_per_user     = 1000000
  connection_rate          = "1000000/s"
  login_rate               = "1000000/s"
  login_rate_per_ip        = "1000000/s"
  login_rate_per_user      = "1000000/s"
}
timeouts {
  login = "10m"
}
`

// running is a popgate that runs.
type running struct {
	cmd    *exec.Cmd
	log    *os.File
	target load.Target
}

// start runs a fresh popgate with a new certificate, and logs in once: what is
// made once for all belongs to the empty process.
func (s *site) start(ctx context.Context, key crypto.Signer) (*running, error) {
	roots, err := s.certify(key)
	if err != nil {
		return nil, err
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := free.Addr().String()
	path := filepath.Join(s.dir, "config.hcl")
	err = errors.Join(free.Close(), os.WriteFile(path, fmt.Appendf(nil, config, host, address, s.backend), 0o600))
	if err != nil {
		return nil, err
	}
	r := &running{cmd: exec.Command(s.program, "serve", "--config", path)}
	if r.log, err = os.Create(filepath.Join(s.dir, "log")); err != nil {
		return nil, err
	}
	r.cmd.Stderr = r.log
	if err := r.cmd.Start(); err != nil {
		return nil, errors.Join(err, r.log.Close())
	}
	r.target = load.Target{
		Address: address, TLS: load.TLSConfig(roots, host, tls.X25519MLKEM768, tls.X25519),
		User: "user", Password: s.password, Messages: s.messages,
	}
	ready, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for {
		if _, err = load.Check(ready, r.target); err == nil {
			return r, nil
		}
		if wait(ready, 20*time.Millisecond) != nil {
			return nil, errors.Join(fmt.Errorf("popgate doesn't serve: %w", err), r.stop())
		}
	}
}

// stop ends popgate at once.
func (r *running) stop() error {
	_ = r.cmd.Process.Signal(syscall.SIGKILL)
	_ = r.cmd.Wait() // it was killed
	return r.log.Close()
}

// certify writes a certificate for host, good for a day.
func (s *site) certify(key crypto.Signer) (*x509.CertPool, error) {
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return roots, errors.Join(
		os.WriteFile(filepath.Join(s.dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(filepath.Join(s.dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}

// newKeys are the kinds of keys that CAs certify.
func newKeys() (ecdsaKey, rsaKey crypto.Signer, err error) {
	e, ecdsaErr := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	r, rsaErr := rsa.GenerateKey(rand.Reader, 2048)
	return e, r, errors.Join(ecdsaErr, rsaErr)
}

// wait waits, but not beyond the end of ctx.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
