package acmetest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"
)

// authority signs certificates: a root that clients trust, and an intermediate
// that does the work.
type authority struct {
	root         *x509.Certificate
	intermediate *x509.Certificate
	key          *ecdsa.PrivateKey // the intermediate's
}

func newAuthority() (*authority, error) {
	rootKey, err := newKey()
	if err != nil {
		return nil, err
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	template := authorityTemplate("popgate test ACME root", 1)
	root, err := sign(template, template, rootKey.Public(), rootKey)
	if err != nil {
		return nil, err
	}
	intermediate, err := sign(authorityTemplate("popgate test ACME intermediate", 0), root, key.Public(), rootKey)
	if err != nil {
		return nil, err
	}
	return &authority{root: root, intermediate: intermediate, key: key}, nil
}

// authorityTemplate is valid now, and when a synctest bubble's clock starts
// (2000-01-01).
func authorityTemplate(name string, below int) *x509.Certificate {
	return &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA:                  true,
		MaxPathLen:            below,
		MaxPathLenZero:        below == 0,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

// leafTemplate is a server certificate for names.
func leafTemplate(names []string, lifetime time.Duration) *x509.Certificate {
	from := time.Now().Add(-time.Hour).Truncate(time.Second)
	return &x509.Certificate{
		Subject:               pkix.Name{CommonName: names[0]},
		DNSNames:              names,
		NotBefore:             from,
		NotAfter:              from.Add(lifetime),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

// issue signs template for pub and returns the leaf and the chain as PEM.
func (a *authority) issue(template *x509.Certificate, pub crypto.PublicKey) (*x509.Certificate, []byte, error) {
	leaf, err := sign(template, a.intermediate, pub, a.key)
	if err != nil {
		return nil, nil, err
	}
	var chain []byte
	for _, cert := range []*x509.Certificate{leaf, a.intermediate} {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	}
	return leaf, chain, nil
}

// sign signs template, under a serial number of its own if it has none.
func sign(template, parent *x509.Certificate, pub crypto.PublicKey, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	if template.SerialNumber == nil {
		serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
		if err != nil {
			return nil, err
		}
		template.SerialNumber = serial
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }
