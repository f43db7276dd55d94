package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"io"
	"net/http"
	"time"

	"popgate/internal/admin"
	"popgate/tlsconf"
)

// substitute answers at the gates as a running popgate would, when none runs. It
// has one answer for all hosts, which nobody can guess.
type substitute struct {
	probe       admin.Probe
	certificate tls.Certificate
}

// substituteAt opens the gates, those that can be opened, and lets a substitute
// answer there. The function that it returns closes them.
func substituteAt(ctx context.Context, all gates) (*substitute, func(), error) {
	s, err := newSubstitute(time.Now())
	if err != nil {
		return nil, nil, err
	}
	all.open(ctx)
	return s, all.serve(s, &tls.Config{
		Certificates: []tls.Certificate{s.certificate},
		NextProtos:   []string{tlsconf.ChallengeProtocol},
	}), nil
}

func newSubstitute(now time.Time) (*substitute, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		DNSNames:  []string{"probe.popgate.invalid"},
		NotBefore: now.Add(-time.Hour),
		NotAfter:  now.Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(der)
	return &substitute{
		certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		probe: admin.Probe{
			HTTPPath: "/.well-known/acme-challenge/popgate-probe-" + rand.Text(), HTTPBody: rand.Text(),
			TLSALPNHash: hex.EncodeToString(sum[:]), Expires: now.Add(time.Hour),
		},
	}, nil
}

// Probe returns the answer.
func (s *substitute) Probe(context.Context, string) (admin.Probe, error) { return s.probe, nil }

// ServeHTTP gives the answer to who asks for it.
func (s *substitute) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || r.URL.Path != s.probe.HTTPPath {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = io.WriteString(w, s.probe.HTTPBody)
}
