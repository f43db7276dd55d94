package acmetest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// letter is a request made by hand, to be spoilt in one place.
type letter struct {
	header  map[string]any
	url     string // where it is sent
	payload string
	key     *ecdsa.PrivateKey
	spoil   func(s *jws)
}

// send signs l as ES256 does and returns the type of the problem that it makes.
func (l letter) send(t *testing.T, ca *CA) string {
	t.Helper()
	header, err := json.Marshal(l.header)
	if err != nil {
		t.Fatal(err)
	}
	s := jws{Protected: encode(header), Payload: encode([]byte(l.payload))}
	sum := sha256.Sum256(s.signed())
	r, v, err := ecdsa.Sign(rand.Reader, l.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	s.Signature = encode(append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...))
	if l.spoil != nil {
		l.spoil(&s)
	}
	body, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return post(t, ca, l.url, "application/jose+json", body)
}

// want sends l and fails unless the CA's problem is of this type; "" is none.
func (l letter) want(t *testing.T, ca *CA, typ string) {
	t.Helper()
	if typ != "" {
		typ = urn + typ
	}
	if got := l.send(t, ca); got != typ {
		t.Errorf("problem %q, not %q", got, typ)
	}
}

// post sends body and returns the type of the problem that it makes.
func post(t *testing.T, ca *CA, url, contentType string, body []byte) string {
	t.Helper()
	client := http.Client{Transport: ca}
	res, err := client.Post(url, contentType, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.Header.Get("Replay-Nonce") == "" {
		t.Error("no fresh nonce")
	}
	var problem struct{ Type string }
	if err := json.NewDecoder(res.Body).Decode(&problem); err != nil {
		t.Fatal(err)
	}
	return problem.Type
}

// jwkOf is a key as newAccount shows it.
func jwkOf(t *testing.T, key *ecdsa.PrivateKey) json.RawMessage {
	t.Helper()
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, `{"kty":"EC","crv":"P-256","x":"%s","y":"%s"}`, encode(point[1:33]), encode(point[33:]))
}

// TestSignedRequests: a newOrder that is right, and ones with one thing wrong.
func TestSignedRequests(t *testing.T) {
	ca := New(t, Options{})
	client := member(t, ca)
	const url = "https://ca.test/new-order"
	used := ca.nonce()
	for _, tt := range []struct {
		name, problem string
		change        func(l *letter)
	}{
		{"good", "", func(l *letter) { l.header["nonce"] = used }},
		{"nonce used", "badNonce", func(l *letter) { l.header["nonce"] = used }},
		{"nonce unknown", "badNonce", func(l *letter) { l.header["nonce"] = "abc" }},
		{"no nonce", "badNonce", func(l *letter) { delete(l.header, "nonce") }},
		{"url of another", "unauthorized", func(l *letter) { l.header["url"] = "https://ca.test/new-account" }},
		{"sent elsewhere", "unauthorized", func(l *letter) { l.url = "https://ca.test/order/1" }},
		{"no url", "unauthorized", func(l *letter) { delete(l.header, "url") }},
		{"no kid", "malformed", func(l *letter) { delete(l.header, "kid") }},
		{"kid and jwk", "malformed", func(l *letter) { l.header["jwk"] = jwkOf(t, l.key) }},
		{"jwk", "malformed", func(l *letter) { delete(l.header, "kid"); l.header["jwk"] = jwkOf(t, l.key) }},
		{"kid unknown", "accountDoesNotExist", func(l *letter) { l.header["kid"] = "https://ca.test/account/999" }},
		{"kid elsewhere", "accountDoesNotExist", func(l *letter) { l.header["kid"] = "1" }},
		{"another key", "malformed", func(l *letter) { l.key = mustKey(t) }},
		{"payload changed", "malformed", func(l *letter) {
			l.spoil = func(s *jws) { s.Payload = encode([]byte(`{"identifiers":[{"type":"dns","value":"x.example"}]}`)) }
		}},
		{"signature short", "malformed", func(l *letter) { l.spoil = func(s *jws) { s.Signature = s.Signature[:8] } }},
		{"signature empty", "malformed", func(l *letter) { l.spoil = func(s *jws) { s.Signature = "" } }},
		{"signature padded", "malformed", func(l *letter) { l.spoil = func(s *jws) { s.Signature += "==" } }},
		{"header no JSON", "malformed", func(l *letter) { l.spoil = func(s *jws) { s.Protected = encode([]byte("{")) } }},
		{"alg none", "badSignatureAlgorithm", func(l *letter) { l.header["alg"] = "none" }},
		{"alg RS256", "badSignatureAlgorithm", func(l *letter) { l.header["alg"] = "RS256" }},
		{"payload no JSON", "malformed", func(l *letter) { l.payload = "{" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := letter{
				header:  map[string]any{"alg": "ES256", "kid": client.KID, "nonce": ca.nonce(), "url": url},
				url:     url,
				payload: `{"identifiers":[{"type":"dns","value":"pop.example.com"}]}`,
				key:     client.Key.(*ecdsa.PrivateKey),
			}
			tt.change(&l)
			l.want(t, ca, tt.problem)
		})
	}
	wantCount(t, "orders", ca.Orders(""), 1)
}

// TestNewAccountKey: newAccount comes with a jwk that can be used.
func TestNewAccountKey(t *testing.T) {
	ca := New(t, Options{})
	const url = "https://ca.test/new-account"
	key := mustKey(t)
	for _, tt := range []struct{ name, jwk, problem string }{
		{"good", string(jwkOf(t, key)), ""},
		{"no jwk", `null`, "malformed"},
		{"other key", string(jwkOf(t, mustKey(t))), "malformed"},
		{"not on the curve", fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":"%s","y":"%[1]s"}`, encode(make([]byte, 32))), "badPublicKey"},
		{"too short", `{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}`, "badPublicKey"},
		{"other curve", `{"kty":"EC","crv":"P-384","x":"AQ","y":"AQ"}`, "badPublicKey"},
		{"symmetric", `{"kty":"oct","k":"AQ"}`, "badPublicKey"},
		{"small RSA", `{"kty":"RSA","n":"AQAB","e":"AQAB"}`, "badPublicKey"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := map[string]any{"alg": "ES256", "nonce": ca.nonce(), "url": url}
			if tt.jwk != "null" {
				header["jwk"] = json.RawMessage(tt.jwk)
			}
			l := letter{header: header, url: url, payload: `{"termsOfServiceAgreed":true}`, key: key}
			l.want(t, ca, tt.problem)
		})
	}
	wantCount(t, "accounts", ca.Accounts(), 1)
}

// TestNoJWS: what is no JWS at all.
func TestNoJWS(t *testing.T) {
	ca := New(t, Options{})
	for _, tt := range []struct{ contentType, body string }{
		{"application/json", `{}`},
		{"application/jose+json", ``},
		{"application/jose+json", `{"protected":"","payload":"","signature":""}`},
		{"application/jose+json", `{"protected":"e30","payload":"","signature":"","header":{}}`},
	} {
		if got := post(t, ca, "https://ca.test/new-account", tt.contentType, []byte(tt.body)); got != urn+"malformed" {
			t.Errorf("%s %s: problem %q", tt.contentType, tt.body, got)
		}
	}
}

// TestRejectNonces: the client gets over every second nonce being refused.
func TestRejectNonces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := New(t, Options{})
		ca.RejectNonces(2)
		client := newClient(t, ca)
		client.RetryBackoff = nil // its own, of some seconds
		for range 3 {
			if _, err := client.GetReg(t.Context(), ""); err == nil {
				t.Error("no account, no error")
			}
		}
		before := ca.Requests("account")
		if before < 4 {
			t.Errorf("%d requests", before)
		}
		ca.RejectNonces(0)
		client.GetReg(t.Context(), "")
		wantCount(t, "requests without a refusal", ca.Requests("account"), before+1)
		ca.RejectNonces(1)
		client.RetryBackoff = func(n int, _ *http.Request, _ *http.Response) time.Duration { return time.Duration(3 - n) }
		_, err := client.GetReg(t.Context(), "")
		wantProblem(t, err, "badNonce")
	})
}
