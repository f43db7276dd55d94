package tlsconf

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"time"
)

const (
	// standInLifetime is how long a stand-in is valid.
	standInLifetime = 30 * 24 * time.Hour
	// standInRenewal is how long before its end a stand-in is replaced.
	standInRenewal = standInLifetime / 3
	// maxStandInNames bounds the names written into a stand-in, which every
	// client gets in full. Others it serves just the same, unnamed.
	maxStandInNames = 50
)

// newStandIn makes a self-signed certificate for hosts, with a new ECDSA P-256
// key that never leaves this process.
func newStandIn(hosts []string, now time.Time) (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make self-signed certificate: %w", err)
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "popgate self-signed"},
		// An hour back, for clients whose clocks are slow.
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(standInLifetime),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, host := range hosts {
		if validHost(host) && len(template.DNSNames) < maxStandInNames {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make self-signed certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make self-signed certificate: %w", err)
	}
	return newPair(tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}), nil
}

// renewStandIn replaces the stand-in when its end is near, and tells whether it
// did. Called by Run's goroutine.
func (s *Source) renewStandIn(now time.Time) bool {
	if s.standIn == nil || now.Before(s.standIn.notAfter().Add(-standInRenewal)) {
		return false
	}
	next, err := newStandIn(s.hosts, now)
	if err != nil {
		s.log.Error("self-signed certificate not renewed", "error", quoted(err.Error()))
		return false
	}
	s.standIn = next
	s.reportStandIn()
	return true
}

// reportStandIn warns of a new stand-in.
func (s *Source) reportStandIn() {
	s.log.Warn("self-signed certificate in use, clients can't verify it",
		"certificate", SourceSelfSigned, "not_after", s.standIn.notAfter())
}
