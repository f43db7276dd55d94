package acmetest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/big"
)

// jwk is a public key as a client shows it (RFC 7517).
type jwk struct {
	key        crypto.PublicKey // *ecdsa.PublicKey on P-256, or *rsa.PublicKey
	thumbprint string           // RFC 7638: the same for the same key
}

// parseJWK reads an EC key on P-256 or an RSA key of 2048 bits and more.
func parseJWK(text []byte) (*jwk, error) {
	var k struct{ Kty, Crv, X, Y, N, E string }
	if err := json.Unmarshal(text, &k); err != nil {
		return nil, problem("malformed", "jwk: %v", err)
	}
	switch k.Kty {
	case "EC":
		return parseEC(k.Crv, k.X, k.Y)
	case "RSA":
		return parseRSA(k.N, k.E)
	}
	return nil, problem("badPublicKey", "key type %q", k.Kty)
}

func parseEC(curve, xText, yText string) (*jwk, error) {
	if curve != "P-256" {
		return nil, problem("badPublicKey", "curve %q", curve)
	}
	x, errX := decode(xText)
	y, errY := decode(yText)
	// RFC 7518 §6.2.1.2: always as long as the curve's field.
	if errX != nil || errY != nil || len(x) != 32 || len(y) != 32 {
		return nil, problem("badPublicKey", "a coordinate is not 32 octets of base64url")
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), bytes.Join([][]byte{{4}, x, y}, nil))
	if err != nil {
		return nil, problem("badPublicKey", "%v", err)
	}
	canonical := fmt.Sprintf(`{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, xText, yText)
	return &jwk{key: key, thumbprint: thumbprint(canonical)}, nil
}

func parseRSA(nText, eText string) (*jwk, error) {
	n, errN := decode(nText)
	e, errE := decode(eText)
	if errN != nil || errE != nil || len(e) == 0 || len(e) > 4 {
		return nil, problem("badPublicKey", "modulus or exponent is not base64url, or too long")
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	if key.N.BitLen() < 2048 {
		return nil, problem("badPublicKey", "RSA key of %d bits", key.N.BitLen())
	}
	canonical := fmt.Sprintf(`{"e":"%s","kty":"RSA","n":"%s"}`, eText, nText)
	return &jwk{key: key, thumbprint: thumbprint(canonical)}, nil
}

// thumbprint is RFC 7638 §3: over the required members in their alphabetical
// order, without spaces.
func thumbprint(canonical string) string {
	sum := sha256.Sum256([]byte(canonical))
	return encode(sum[:])
}

// verify checks a signature by the algorithm that the header names, which must
// be the one for this kind of key.
func (k *jwk) verify(alg string, message, signature []byte) error {
	sum := sha256.Sum256(message)
	good, fits := false, ""
	switch key := k.key.(type) {
	case *ecdsa.PublicKey:
		fits = "ES256"
		// RFC 7518 §3.4: R and S, 32 octets each.
		if len(signature) == 64 {
			r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
			good = ecdsa.Verify(key, sum[:], r, s)
		}
	case *rsa.PublicKey:
		fits = "RS256"
		good = rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil
	}
	if alg != fits {
		return problem("badSignatureAlgorithm", "%q where the key needs %s", alg, fits)
	}
	if !good {
		return problem("malformed", "signature is wrong")
	}
	return nil
}

// is says whether pub is the same key.
func (k *jwk) is(pub any) bool {
	key, comparable := k.key.(interface{ Equal(crypto.PublicKey) bool })
	return comparable && key.Equal(pub)
}
