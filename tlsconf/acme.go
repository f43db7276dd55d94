package tlsconf

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/net/idna"
)

// ACME says which CA certificates are ordered from, and for which hosts
// (RFC 8555). Directory and Cache must be set.
type ACME struct {
	// Directory is the URL of the CA's directory, which is also what its state
	// goes by: another URL is another CA.
	Directory string

	// Hosts are the names to have a certificate each. Names of one label and
	// addresses are left out, as autocert and public CAs refuse them.
	Hosts []string

	// Email is where the CA may write to about the account; may be empty.
	Email string

	// Roots are whom to trust for the CA's own HTTPS. Nil: the system's.
	Roots *x509.CertPool

	// EAB binds the account to one that the CA knows otherwise (RFC 8555
	// §7.3.4). Nil: it isn't.
	EAB *EAB

	// Cache keeps the account's key, certificates and back-off over restarts.
	Cache Cache
}

// EAB is the key of an external account. It has no printed form.
type EAB struct {
	KeyID string
	Key   []byte // of the HMAC, decoded
}

// Format writes a fixed word, whatever the verb.
func (EAB) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[secret]") }

// The types of challenges that can be answered (RFC 8555 §8.3, RFC 8737).
const (
	HTTP01    = "http-01"
	TLSALPN01 = "tls-alpn-01"
)

// ChallengeProtocol is what a CA names in a handshake that validates a host, and
// nothing else beside it (RFC 8737 §3).
const ChallengeProtocol = "acme-tls/1"

// HTTPProtocol is what an HTTP client names that can do without HTTP/2 (RFC 7301 §6).
const HTTPProtocol = "http/1.1"

// Issuer orders certificates from one CA.
//
// It is so narrow that golang.org/x/crypto/acme, or another kind of CA, could
// take autocert's place.
type Issuer interface {
	// Issue orders one certificate for host, with a key that it makes for it.
	// It makes one order at most and lets it be validated by a challenge of
	// that type. Its error is an *OrderError, or ctx's.
	Issue(ctx context.Context, host, challenge string) (tls.Certificate, error)
}

// OrderError is why a CA didn't issue a certificate.
type OrderError struct {
	// Type is the CA's own word, an RFC 8555 §6.7 type without its prefix
	// ("rateLimited", "dns"), or one of the Problem constants.
	Type string
	// Detail is the CA's own text, or that of the error. It is foreign text.
	Detail string
	// RetryAfter is how long the CA wants to be left alone; 0: it didn't say.
	RetryAfter time.Duration
	// Validation: the order failed as the CA could not validate the host, and
	// another type of challenge may do better.
	Validation bool
	// Skew is how far this machine's clock is ahead of the CA's, as far as
	// that is known and worth telling; it may be why.
	Skew time.Duration
	Err  error
}

// The values of OrderError.Type for problems that are not the CA's words.
const (
	ProblemNetwork     = "network"     // no answer from the CA
	ProblemCertificate = "certificate" // what the CA issued can't be used
	ProblemChallenge   = "challenge"   // the CA offers none that can be answered
	ProblemInternal    = "internal"    // anything else
)

// rateLimited is the CA's word for "later" (RFC 8555 §6.6).
const rateLimited = "rateLimited"

// Error returns one line with everything in it.
func (e *OrderError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.Type, e.Detail)
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, " (retry after %v)", e.RetryAfter)
	}
	if e.Skew != 0 {
		fmt.Fprintf(&b, " (%s)", skewText(e.Skew))
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *OrderError) Unwrap() error { return e.Err }

// asOrderError makes an *OrderError of any error of an Issuer.
func asOrderError(err error) *OrderError {
	if order, ok := errors.AsType[*OrderError](err); ok {
		return order
	}
	return &OrderError{Type: ProblemInternal, Detail: err.Error(), Err: err}
}

// skewText says in words what a clock's skew is.
func skewText(skew time.Duration) string {
	if skew < 0 {
		return fmt.Sprintf("this machine's clock is %v behind the CA's", -skew)
	}
	return fmt.Sprintf("this machine's clock is %v ahead of the CA's", skew)
}

// orderable tells whether a CA can issue a certificate for a folded name.
func orderable(name string) bool {
	if !validHost(name) || !strings.Contains(name, ".") || len(name)+len(failureSuffix) > maxKey {
		return false
	}
	ascii, err := idna.Lookup.ToASCII(name) // as autocert asks
	return err == nil && ascii == name
}

// problemTypes are the error types of RFC 8555 §6.7, RFC 9773 and those in use.
// A CA's other words are counted as "other", as they become labels.
var problemTypes = map[string]bool{
	"accountDoesNotExist": true, "alreadyReplaced": true, "badCSR": true, "badNonce": true, "badPublicKey": true,
	"badSignatureAlgorithm": true, "caa": true, "compound": true, "connection": true, "dns": true,
	"externalAccountRequired": true, "incorrectResponse": true, "invalidContact": true, "malformed": true,
	"orderNotReady": true, rateLimited: true, "rejectedIdentifier": true, "serverInternal": true, "tls": true,
	"unauthorized": true, "unsupportedContact": true, "unsupportedIdentifier": true, "userActionRequired": true,
	ProblemNetwork: true, ProblemCertificate: true, ProblemChallenge: true, ProblemInternal: true,
}

// problemLabel bounds the words that a CA can bring into the numbers.
func problemLabel(word string) string {
	if problemTypes[word] {
		return word
	}
	return "other"
}
