package tlsconf

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// issue says what a test certificate is like. Keys are made at run time.
type issue struct {
	names     []string
	rsa       bool
	notBefore time.Time // zero: an hour ago
	notAfter  time.Time // zero: a day from now
}

// pemPair is a certificate and its key as files hold them.
type pemPair struct {
	cert, key []byte
	leaf      *x509.Certificate
}

// rsaKey is made once, as it takes long.
var rsaKey = sync.OnceValue(func() crypto.Signer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newPEM(t testing.TB, want issue) pemPair {
	t.Helper()
	var key crypto.Signer
	if want.rsa {
		key = rsaKey()
	} else {
		ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(t, err)
		key = ec
	}
	if want.notBefore.IsZero() {
		want.notBefore = time.Now().Add(-time.Hour)
	}
	if want.notAfter.IsZero() {
		want.notAfter = time.Now().Add(24 * time.Hour)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<60))
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: serial,
		DNSNames:     want.names,
		NotBefore:    want.notBefore,
		NotAfter:     want.notAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	leaf, err := x509.ParseCertificate(der)
	must(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	return pemPair{
		cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
		leaf: leaf,
	}
}

// write puts the pair into dir as NAME.crt and NAME.key.
func (p pemPair) write(t testing.TB, dir, name string) Files {
	t.Helper()
	f := Files{
		Name:     name,
		CertFile: filepath.Join(dir, name+".crt"),
		KeyFile:  filepath.Join(dir, name+".key"),
	}
	must(t, os.WriteFile(f.CertFile, p.cert, 0o600))
	must(t, os.WriteFile(f.KeyFile, p.key, 0o600))
	return f
}

// newFiles makes a pair for names and writes it.
func newFiles(t testing.TB, dir, name string, names ...string) (Files, pemPair) {
	t.Helper()
	p := newPEM(t, issue{names: names})
	return p.write(t, dir, name), p
}

// leafPair is a pair without a usable key, for what only looks at names.
func leafPair(names ...string) *pair {
	return newPair(tls.Certificate{Leaf: &x509.Certificate{
		DNSNames: names,
		NotAfter: time.Now().Add(time.Hour),
	}})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
