package poptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// CA is a certificate authority made at run time, for tests only. Keys are
// ECDSA P-256. Everything is valid from 1999 to 2060: now, and when a synctest
// bubble's clock starts (2000-01-01).
type CA struct {
	tb   testing.TB
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

// NewCA makes a CA that fails tb if anything goes wrong.
func NewCA(tb testing.TB) *CA {
	tb.Helper()
	ca := &CA{tb: tb, key: newKey(tb)}
	template := ca.template("popgate test CA")
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	ca.cert = ca.sign(template, template, ca.key)
	return ca
}

// Issue makes a server certificate for host names, wildcards and IP addresses.
// Its Leaf is set, its chain holds the leaf only.
func (ca *CA) Issue(names ...string) tls.Certificate {
	ca.tb.Helper()
	if len(names) == 0 {
		ca.tb.Fatal("issue: no name given")
	}
	template := ca.template(names[0])
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	key := newKey(ca.tb)
	leaf := ca.sign(template, ca.cert, key)
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
}

// Pool returns the roots that a client needs to trust ca.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// PEM is ca's own certificate, for clients that want it in a file.
func (ca *CA) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})
}

// WriteFiles issues a certificate and writes it and its key (mode 0600) into
// dir as NAME.crt and NAME.key, by the first name ("_" for a wildcard's "*").
// Files of that name are replaced.
func (ca *CA) WriteFiles(tb testing.TB, dir string, names ...string) (certFile, keyFile string) {
	tb.Helper()
	cert := ca.Issue(names...)
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		tb.Fatalf("marshal key: %v", err)
	}
	base := filepath.Join(dir, strings.ReplaceAll(names[0], "*", "_"))
	certFile, keyFile = base+".crt", base+".key"
	writePEM(tb, certFile, 0o644, "CERTIFICATE", cert.Certificate[0])
	writePEM(tb, keyFile, 0o600, "PRIVATE KEY", key)
	return certFile, keyFile
}

// template is what all certificates of ca have in common.
func (ca *CA) template(name string) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		ca.tb.Fatalf("serial number: %v", err)
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

func (ca *CA) sign(template, parent *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	ca.tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), ca.key)
	if err != nil {
		ca.tb.Fatalf("sign certificate: %v", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		ca.tb.Fatalf("parse certificate: %v", err)
	}
	return cert
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatalf("make key: %v", err)
	}
	return key
}

func writePEM(tb testing.TB, file string, mode os.FileMode, kind string, der []byte) {
	tb.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode); err != nil {
		tb.Fatalf("write certificate files: %v", err)
	}
}
