package acmetest

import (
	"crypto/rand"
	"net/http"
)

// directory is RFC 8555 §7.1.1.
func (ca *CA) directory(c *call) (*reply, error) {
	if c.method != http.MethodGet && c.method != http.MethodHead {
		return nil, methodNotAllowed(c)
	}
	return jsonReply(http.StatusOK, map[string]any{
		"newNonce":   c.base + "/new-nonce",
		"newAccount": c.base + "/new-account",
		"newOrder":   c.base + "/new-order",
		"meta": map[string]any{
			"termsOfService":          c.base + "/terms",
			"externalAccountRequired": len(ca.opts.RequireEAB) > 0,
		},
	}), nil
}

// newNonce is RFC 8555 §7.2. The nonce itself comes with every answer.
func (ca *CA) newNonce(c *call) (*reply, error) {
	switch c.method {
	case http.MethodHead:
		return &reply{status: http.StatusOK, header: make(http.Header)}, nil
	case http.MethodGet:
		return &reply{status: http.StatusNoContent, header: make(http.Header)}, nil
	}
	return nil, methodNotAllowed(c)
}

func methodNotAllowed(c *call) *Problem {
	return &Problem{Status: http.StatusMethodNotAllowed, Type: "malformed", Detail: "method " + c.method + " not allowed"}
}

// nonce makes a nonce that can be used once.
func (ca *CA) nonce() string {
	nonce := rand.Text()
	ca.mu.Lock()
	defer ca.mu.Unlock()
	ca.nonces[nonce] = true
	return nonce
}

// useNonce uses up a nonce.
func (ca *CA) useNonce(nonce string) error {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	good := ca.nonces[nonce]
	delete(ca.nonces, nonce)
	ca.signed++
	if !good {
		return problem("badNonce", "nonce %q is not one of ours, or was used before", nonce)
	}
	if ca.rejectNonce > 0 && ca.signed%ca.rejectNonce == 0 {
		return problem("badNonce", "nonce refused because the test wants it so")
	}
	return nil
}
