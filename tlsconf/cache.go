package tlsconf

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Cache keeps what a CA's certificates need over restarts, by key. Keys are
// host names and tokens in ASCII, some with a suffix that starts with "+";
// they never hold a path separator. One Cache belongs to one CA.
//
// The layout is autocert's: `acme_account+key`, and for each host an entry of
// its name with the private key and then the chain, in PEM form. popgate adds
// `HOST+failure` and `acme_account+pause`.
type Cache interface {
	// Get returns an entry, or ErrNoEntry.
	Get(ctx context.Context, key string) ([]byte, error)
	// Put replaces an entry, whole or not at all.
	Put(ctx context.Context, key string, data []byte) error
	// Delete removes an entry; one that isn't there is no error.
	Delete(ctx context.Context, key string) error
	// SetAside keeps a damaged entry for people to look at, but makes it one
	// that Get doesn't find. One that isn't there is no error.
	SetAside(ctx context.Context, key string) error
	// Sweep removes what processes that were killed have left behind.
	Sweep(now time.Time)
}

// ErrNoEntry is a Cache's answer for a key that it doesn't have.
var ErrNoEntry = errors.New("no such entry")

// errDamaged is what an entry is that is there and can't be understood.
var errDamaged = errors.New("damaged entry")

// The keys of entries that are no certificate's.
const (
	accountKey    = "acme_account+key"
	pauseKey      = "acme_account+pause"
	failureSuffix = "+failure"
	tokenSuffix   = "+http-01"
)

// maxKey is how long a key may be, in octets.
const maxKey = 255

// cacheTimeout bounds one access to a cache.
const cacheTimeout = 30 * time.Second

// readCertificate reads a host's certificate from c. It may have expired: that
// is for who uses it to decide. The error is ErrNoEntry, errDamaged, or that
// of the cache.
func readCertificate(ctx context.Context, c Cache, host string) (*pair, error) {
	data, err := c.Get(ctx, host)
	if err != nil {
		return nil, err
	}
	if err := checkChain(data); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	cert, err := tls.X509KeyPair(data, data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if err := cert.Leaf.VerifyHostname(host); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return newPair(cert), nil
}

// writeCertificate writes a host's certificate to c.
func writeCertificate(ctx context.Context, c Cache, host string, cert *tls.Certificate) error {
	data, err := encodeKey(cert.PrivateKey)
	if err != nil {
		return err
	}
	for _, der := range cert.Certificate {
		data = append(data, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return c.Put(ctx, host, data)
}

// encodeKey writes a private key as autocert does, where it can.
func encodeKey(key crypto.PrivateKey) ([]byte, error) {
	if ec, ok := key.(*ecdsa.PrivateKey); ok {
		der, err := x509.MarshalECPrivateKey(ec)
		if err != nil {
			return nil, err
		}
		return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// damagedStill tells whether an entry can't be understood, now that it is to be
// set aside: it may have been written anew meanwhile.
func damagedStill(ctx context.Context, c Cache, key string) bool {
	var err error
	switch {
	case key == accountKey:
		var data []byte
		if data, err = c.Get(ctx, key); err == nil {
			_, err = decodeKey(data)
		}
	case key == pauseKey, strings.HasSuffix(key, failureSuffix):
		_, err = readFailure(ctx, c, key)
	default:
		_, err = readCertificate(ctx, c, key)
	}
	return errors.Is(err, errDamaged)
}

// decodeKey reads a private key of an account.
func decodeKey(data []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errDamaged
	}
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errDamaged
	}
	return signer, nil
}

// failure is what is kept of failed orders over restarts, so that a process
// that is started again and again does not order again and again.
type failure struct {
	Failures int `json:"failures"`
	// Unvalidated are those in which the CA could not validate the host.
	Unvalidated int `json:"unvalidated,omitempty"`

	At      time.Time `json:"at"`       // of the last one
	NextTry time.Time `json:"next_try"` // not before
	Type    string    `json:"type"`
	Detail  string    `json:"detail"`
}

// readFailure reads a record of failures; the error is ErrNoEntry, errDamaged,
// or that of the cache.
func readFailure(ctx context.Context, c Cache, key string) (*failure, error) {
	data, err := c.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	f := new(failure)
	if err := json.Unmarshal(data, f); err != nil || f.Failures < 0 || f.Unvalidated < 0 {
		return nil, errDamaged
	}
	return f, nil
}

// writeFailure writes a record of failures.
func writeFailure(ctx context.Context, c Cache, key string, f failure) error {
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return c.Put(ctx, key, append(data, '\n'))
}
