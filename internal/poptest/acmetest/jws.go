package acmetest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// jws is a flattened JSON web signature, the only form that RFC 8555 §6.2
// allows.
type jws struct {
	Protected string `json:"protected"`
	Payload   string `json:"payload"`
	Signature string `json:"signature"`
}

// jwsHeader is the protected header.
type jwsHeader struct {
	Alg   string          `json:"alg"`
	KID   string          `json:"kid"`
	JWK   json.RawMessage `json:"jwk"`
	Nonce string          `json:"nonce"`
	URL   string          `json:"url"`
}

// parseJWS takes body apart without verifying anything.
func parseJWS(body []byte) (s jws, header jwsHeader, payload []byte, err error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	// RFC 8555 §6.2: neither an unprotected header nor several signatures.
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return s, header, nil, problem("malformed", "JWS: %v", err)
	}
	protected, err := decode(s.Protected)
	if err != nil {
		return s, header, nil, problem("malformed", "protected header: %v", err)
	}
	if err := json.Unmarshal(protected, &header); err != nil {
		return s, header, nil, problem("malformed", "protected header: %v", err)
	}
	if payload, err = decode(s.Payload); err != nil {
		return s, header, nil, problem("malformed", "payload: %v", err)
	}
	return s, header, payload, nil
}

// signed is what the signature is over.
func (s jws) signed() []byte { return []byte(s.Protected + "." + s.Payload) }

// decode is base64url without padding (RFC 7515 §2).
func decode(text string) ([]byte, error) { return base64.RawURLEncoding.Strict().DecodeString(text) }

// encode is the reverse of decode.
func encode(octets []byte) string { return base64.RawURLEncoding.EncodeToString(octets) }

// authenticate checks who has sent c, and that it was meant for here and now.
func (ca *CA) authenticate(c *call) error {
	if c.method != http.MethodPost {
		return methodNotAllowed(c)
	}
	if c.contentType != "application/jose+json" {
		return &Problem{Status: http.StatusUnsupportedMediaType, Type: "malformed", Detail: "content type is not application/jose+json"}
	}
	s, header, payload, err := parseJWS(c.body)
	if err != nil {
		return err
	}
	key, err := ca.signer(c, header)
	if err != nil {
		return err
	}
	signature, err := decode(s.Signature)
	if err != nil {
		return problem("malformed", "signature: %v", err)
	}
	if err := key.verify(header.Alg, s.signed(), signature); err != nil {
		return err
	}
	if err := ca.useNonce(header.Nonce); err != nil {
		return err
	}
	want := strings.TrimSuffix(c.url(c.kind, c.id), "/")
	if header.URL != want {
		return problem("unauthorized", "signed for %q, sent to %q", header.URL, want)
	}
	if c.account != nil && ca.deactivated(c.account) {
		return errDeactivated
	}
	c.payload = payload
	return nil
}

// signer finds the key that c must be signed with: its own for newAccount, an
// account's for all else (RFC 8555 §6.2).
func (ca *CA) signer(c *call, header jwsHeader) (*jwk, error) {
	if c.kind == "new-account" {
		if header.KID != "" || len(header.JWK) == 0 {
			return nil, problem("malformed", "newAccount needs a jwk and no kid")
		}
		key, err := parseJWK(header.JWK)
		if err != nil {
			return nil, err
		}
		c.jwk = key
		return key, nil
	}
	if header.KID == "" || len(header.JWK) > 0 {
		return nil, problem("malformed", "%s needs a kid and no jwk", c.kind)
	}
	id, ours := strings.CutPrefix(header.KID, c.base+"/account/")
	ca.mu.Lock()
	defer ca.mu.Unlock()
	if c.account = ca.accounts[id]; c.account == nil || !ours {
		return nil, problem("accountDoesNotExist", "no account %q", header.KID)
	}
	return c.account.key, nil
}
