package tlsconf

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// orderLimit bounds an order. It is what autocert gives one, too.
const orderLimit = 5 * time.Minute

// autocertIssuer is the Issuer over autocert.
//
// Deliberate: a Manager for each order, and not one for all. A Manager keeps a
// host's private key for ever, renews by timers that can't be stopped, asks
// nobody whether the host is still ours, and holds a lock during reads of the
// cache. A Manager that makes one order has a key of its own, an error of its
// own, requests that are told apart from those of other hosts, and an end.
type autocertIssuer struct {
	directory string
	email     string
	eab       *EAB
	account   crypto.Signer // of the account
	transport http.RoundTripper
	tokens    *tokens
	shared    Cache // where other replicas find HTTP-01's answers
	now       func() time.Time
}

// Issue makes one order.
func (i *autocertIssuer) Issue(ctx context.Context, host, challenge string) (tls.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, orderLimit)
	defer cancel()
	w := &wire{base: i.transport, directory: i.directory, challenge: challenge, now: i.now, over: ctx}
	m := &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      &orderCache{host: host, tokens: i.tokens, shared: i.shared},
		HostPolicy: autocert.HostWhitelist(host),
		Email:      i.email,
		Client: &acme.Client{
			Key:          i.account,
			DirectoryURL: i.directory,
			UserAgent:    "popgate",
			HTTPClient:   &http.Client{Transport: w, CheckRedirect: noRedirect},
			RetryBackoff: w.backoff,
		},
		// The most that autocert takes: the sooner its renewal timer rings, the
		// sooner it is gone. See orderCache.Get.
		RenewBefore: 30 * 24 * time.Hour,
	}
	if i.eab != nil {
		m.ExternalAccountBinding = &acme.ExternalAccountBinding{KID: i.eab.KeyID, Key: i.eab.Key}
	}
	if challenge == HTTP01 {
		m.HTTPHandler(nil) // only to let it use HTTP-01
	}
	cert, err := m.GetCertificate(ecdsaHello(host))
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return tls.Certificate{}, ctx.Err()
	}
	if err != nil {
		return tls.Certificate{}, w.blame(err)
	}
	return *cert, nil
}

// noRedirect: a CA has no reason to send its signed requests elsewhere.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// ecdsaHello is a hello that autocert orders an ECDSA certificate for. Anything
// less would get an RSA one.
func ecdsaHello(host string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{
		ServerName:       host,
		CipherSuites:     []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
		SupportedCurves:  []tls.CurveID{tls.CurveP256},
	}
}

// orderCache is the cache of one order's Manager: it takes the answers to
// challenges, and keeps nothing else. What becomes of the certificate is not
// the Manager's business.
type orderCache struct {
	host   string
	tokens *tokens
	shared Cache
	asked  atomic.Bool
	cert   atomic.Pointer[tls.Certificate] // that is shown by acme-tls/1
}

// Get has nothing. The first to ask for the certificate is the order itself.
// The second is the renewal timer of the Manager, weeks later.
//
// Deliberate: that one's goroutine ends here, since autocert offers no other
// way to stop a timer that would order on its own, and again for ever. It holds
// no lock of ours, and those of its own it gives back by defer.
func (c *orderCache) Get(_ context.Context, key string) ([]byte, error) {
	if key == c.host && c.asked.Swap(true) {
		runtime.Goexit()
	}
	return nil, autocert.ErrCacheMiss
}

// Put takes an answer to a challenge.
func (c *orderCache) Put(ctx context.Context, key string, data []byte) error {
	if token, ok := strings.CutSuffix(key, tokenSuffix); ok && validToken(token) {
		c.tokens.putHTTP(token, bytes.Clone(data), tokenLifetime)
		if c.shared != nil {
			_ = c.shared.Put(ctx, key, data) // its own answer doesn't need it
		}
	}
	if key == c.host+"+token" {
		cert, err := tls.X509KeyPair(data, data)
		if err != nil {
			return fmt.Errorf("certificate of a challenge: %w", err)
		}
		c.cert.Store(&cert)
		c.tokens.putALPN(c.host, &cert, tokenLifetime)
	}
	return nil
}

// Delete forgets an answer.
func (c *orderCache) Delete(ctx context.Context, key string) error {
	if token, ok := strings.CutSuffix(key, tokenSuffix); ok && validToken(token) {
		c.tokens.deleteHTTP(token)
		if c.shared != nil {
			_ = c.shared.Delete(ctx, key)
		}
	}
	if key == c.host+"+token" {
		c.tokens.deleteALPN(c.host, c.cert.Load())
	}
	return nil
}

// NewTransport is the way to a CA: HTTPS by the environment's proxy, and
// certificates that roots verify.
func NewTransport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConns:           4,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}
