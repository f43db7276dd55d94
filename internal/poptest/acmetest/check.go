package acmetest

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
)

// CheckHTTP validates an HTTP-01 challenge (RFC 8555 §8.3) against whoever
// answers requests for host on port 80. For Options.Validate.
func CheckHTTP(handler http.Handler, host, token, keyAuth string) error {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://"+host+"/.well-known/acme-challenge/"+token, nil))
	if w.Code != http.StatusOK {
		return problem("unauthorized", "challenge of %s: status %d", host, w.Code)
	}
	// RFC 8555 §8.3: white space at the end is ignored.
	if got := strings.TrimRight(w.Body.String(), " \t\r\n"); got != keyAuth {
		return problem("unauthorized", "challenge of %s: the answer is %.80q", host, got)
	}
	return nil
}

// CheckALPN validates a TLS-ALPN-01 challenge (RFC 8737 §3) by the certificate,
// in DER, that a TLS server has shown to a client that named host and offered
// acme-tls/1 and nothing else. For Options.Validate.
func CheckALPN(leaf []byte, host, keyAuth string) error {
	cert, err := x509.ParseCertificate(leaf)
	if err != nil {
		return problem("tls", "%v", err)
	}
	if len(cert.DNSNames) != 1 || !strings.EqualFold(cert.DNSNames[0], host) || len(cert.IPAddresses) > 0 {
		return problem("unauthorized", "challenge of %s: certificate is for %q", host, cert.DNSNames)
	}
	if err := cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature); err != nil {
		return problem("tls", "challenge of %s: not self-signed: %v", host, err)
	}
	sum := sha256.Sum256([]byte(keyAuth))
	want, err := asn1.Marshal(sum[:])
	if err != nil {
		return fmt.Errorf("encode digest: %w", err)
	}
	for _, extension := range cert.Extensions {
		// RFC 8737 §6.1: acmeIdentifier.
		if !extension.Id.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 31}) {
			continue
		}
		if !extension.Critical || !bytes.Equal(extension.Value, want) {
			return problem("unauthorized", "challenge of %s: acmeIdentifier is wrong", host)
		}
		return nil
	}
	return problem("unauthorized", "challenge of %s: certificate without acmeIdentifier", host)
}
