package tlsconf

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"strings"
	"time"
)

// challengePath begins the path of an HTTP-01 request (RFC 8555 §8.3).
const challengePath = "/.well-known/acme-challenge/"

// ServeHTTP answers HTTP-01 challenges for the hosts that certificates are
// ordered for; everything else is 404.
func (a *Automatic) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.URL.Path, challengePath)
	if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead || !validToken(token) || !a.ours(hostOf(r.Host)) {
		http.NotFound(w, r)
		return
	}
	body := a.answerTo(r.Context(), token)
	a.opts.Observer.ChallengeAnswered(HTTP01, body != nil)
	if body == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(body)
}

// hostOf is the host of a Host header, folded; a port behind it is dropped.
func hostOf(header string) string {
	if host, _, err := net.SplitHostPort(header); err == nil {
		header = host
	}
	return fold(header)
}

// ours tells whether certificates are ordered for a folded name.
func (a *Automatic) ours(name string) bool {
	a.mu.Lock()
	current := a.current
	a.mu.Unlock()
	return current != nil && current.wants(name)
}

// answerTo is the answer to a token: of an order of this process, or of another
// replica that shares the cache. Nil: there is none.
func (a *Automatic) answerTo(ctx context.Context, token string) []byte {
	if body := a.tokens.byToken(token); body != nil {
		return body
	}
	a.mu.Lock()
	current := a.current
	a.mu.Unlock()
	if current == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	body, err := current.cache().Get(ctx, token+tokenSuffix)
	if err != nil {
		return nil
	}
	return body
}

// cache is the cache in force.
func (a *authority) cache() Cache {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.acme.Cache
}

// NewChallengeServer returns the server that answers HTTP-01 challenges by
// handler. Whoever talks to it is a stranger: times and sizes are small, and a
// connection is good for one request.
func NewChallengeServer(handler http.Handler) *http.Server {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 3 * time.Second,
		ReadTimeout:       3 * time.Second,
		WriteTimeout:      5 * time.Second,
		IdleTimeout:       3 * time.Second,
		MaxHeaderBytes:    4 << 10,

		DisableGeneralOptionsHandler: true, // OPTIONS * is 404 like the rest
	}
	server.SetKeepAlivesEnabled(false)
	return server
}

// challengeConfig is config for a listener at which a CA validates hosts.
func (s *Source) challengeConfig(config *tls.Config, http bool) *tls.Config {
	challenged := config.Clone()
	challenged.NextProtos = append(challenged.NextProtos, ChallengeProtocol)
	if http {
		challenged.NextProtos = append(challenged.NextProtos, HTTPProtocol)
	}
	challenged.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		// RFC 8737 §3: the CA offers acme-tls/1 and nothing else.
		if len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == ChallengeProtocol {
			return s.challengeCertificate(fold(hello.ServerName)), nil
		}
		return s.getCertificate(hello)
	}
	return challenged
}

// challengeCertificate is what proves to a CA that a host is ours. Nil, which
// crypto/tls answers with unrecognized_name, where there is nothing to prove.
func (s *Source) challengeCertificate(name string) *tls.Certificate {
	var cert *tls.Certificate
	if s.automatic != nil && s.automatic.ours(name) {
		cert = s.automatic.tokens.byHost(name)
		s.observer.ChallengeAnswered(TLSALPN01, cert != nil)
	}
	return cert
}

// Probe is what popgate answers for a minute to who wants to know whether a host
// leads here.
type Probe struct {
	HTTPPath string // of a GET request for the host
	HTTPBody string // its answer
	// Certificate is the SHA-256 of the certificate that a hello with acme-tls/1
	// for the host gets.
	Certificate [sha256.Size]byte
	Expires     time.Time
}

const probeLifetime = time.Minute

// Probe makes a probe for a host that certificates are ordered for. While an
// order for it is validated, its certificate is shown and no other.
func (a *Automatic) Probe(name string) (*Probe, error) {
	name = fold(name)
	if !a.ours(name) {
		return nil, ErrUnknownHost
	}
	token, body := "popgate-probe-"+rand.Text(), rand.Text()
	cert, err := probeCertificate(name, a.opts.Now())
	if err != nil {
		return nil, err
	}
	a.tokens.putHTTP(token, []byte(body), probeLifetime)
	cert = a.tokens.offerALPN(name, cert, probeLifetime)
	return &Probe{
		HTTPPath: challengePath + token, HTTPBody: body,
		Certificate: sha256.Sum256(cert.Certificate[0]), Expires: a.opts.Now().Add(probeLifetime),
	}, nil
}

// probeCertificate is a certificate that proves nothing, and lasts a minute.
func probeCertificate(name string, now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		DNSNames:  []string{name},
		NotBefore: now.Add(-time.Hour),
		NotAfter:  now.Add(probeLifetime),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
