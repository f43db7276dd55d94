package tlsconf

import (
	"crypto/tls"
	"strings"
	"sync"
	"time"
)

// tokens are the answers to challenges that are under way, and to probes. There
// are as many as orders in flight; each is forgotten when its order ends, or
// when its time is over.
type tokens struct {
	now func() time.Time

	mu   sync.Mutex
	http map[string]answer // by token
	alpn map[string]answer // by host
}

// answer is what is shown to who asks.
type answer struct {
	body []byte           // for HTTP-01
	cert *tls.Certificate // for TLS-ALPN-01
	end  time.Time
}

// tokenLifetime is longer than any order takes.
const tokenLifetime = 10 * time.Minute

func newTokens(now func() time.Time) *tokens {
	return &tokens{now: now, http: make(map[string]answer), alpn: make(map[string]answer)}
}

// putHTTP answers token with body from now on.
func (t *tokens) putHTTP(token string, body []byte, lifetime time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep()
	t.http[token] = answer{body: body, end: t.now().Add(lifetime)}
}

// putALPN shows cert to who asks for host by acme-tls/1 from now on.
func (t *tokens) putALPN(host string, cert *tls.Certificate, lifetime time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep()
	t.alpn[host] = answer{cert: cert, end: t.now().Add(lifetime)}
}

// sweep forgets what is over; t.mu is held.
func (t *tokens) sweep() {
	now := t.now()
	for _, m := range []map[string]answer{t.http, t.alpn} {
		for key, a := range m {
			if now.After(a.end) {
				delete(m, key)
			}
		}
	}
}

// byToken returns the answer to an HTTP-01 token, or nil.
func (t *tokens) byToken(token string) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a, ok := t.http[token]; ok && !t.now().After(a.end) {
		return a.body
	}
	return nil
}

// byHost returns the certificate for a TLS-ALPN-01 hello, or nil.
func (t *tokens) byHost(host string) *tls.Certificate {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a, ok := t.alpn[host]; ok && !t.now().After(a.end) {
		return a.cert
	}
	return nil
}

func (t *tokens) deleteHTTP(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.http, token)
}

// deleteALPN forgets cert, but not another one that was put in its place.
func (t *tokens) deleteALPN(host string, cert *tls.Certificate) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.alpn[host].cert == cert {
		delete(t.alpn, host)
	}
}

// offerALPN shows cert to who asks for host, unless something else is shown: a
// challenge under way must not be disturbed. It returns what is shown.
func (t *tokens) offerALPN(host string, cert *tls.Certificate, lifetime time.Duration) *tls.Certificate {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep()
	if a, ok := t.alpn[host]; ok {
		return a.cert
	}
	t.alpn[host] = answer{cert: cert, end: t.now().Add(lifetime)}
	return cert
}

// maxToken bounds a token, in octets. RFC 8555 §8.1 asks for 128 bits at least,
// which are 22; CAs send 43.
const maxToken = 128

// validToken tells whether s can be a token: base64url without padding
// (RFC 8555 §8.3).
func validToken(s string) bool {
	return s != "" && len(s) <= maxToken && strings.Trim(s, tokenLetters) == ""
}

const tokenLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
