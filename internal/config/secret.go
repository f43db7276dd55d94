package config

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
)

// Secret is a value that has no printed form: fmt with any verb, and JSON and text
// encoders, get the word "[secret]", and no more than an address where it is an
// unexported field of something printed. The zero value is no secret.
type Secret struct {
	// Deliberate: a pointer to a pointer. fmt can't call the methods of a value in
	// an unexported field and walks into it instead; it follows a pointer to a
	// slice in some cases, one to a pointer never.
	octets **[]byte
}

// secretWord is what is printed in a secret's place.
const secretWord = "[secret]"

// NewSecret copies b. An empty b is no secret.
func NewSecret(b []byte) Secret {
	if len(b) == 0 {
		return Secret{}
	}
	own := &[]byte{}
	*own = append(*own, b...)
	return Secret{&own}
}

// Reveal returns the secret itself, not a copy: who changes it changes it for all.
// It is nil where there is none.
func (s Secret) Reveal() []byte {
	if s.octets == nil {
		return nil
	}
	return **s.octets
}

// Empty reports whether there is no secret.
func (s Secret) Empty() bool { return s.octets == nil }

// Format writes a fixed word, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, secretWord) }

// String returns a fixed word.
func (s Secret) String() string { return secretWord }

// GoString returns a fixed word.
func (s Secret) GoString() string { return secretWord }

// MarshalJSON returns a fixed word.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + secretWord + `"`), nil }

// MarshalText returns a fixed word.
func (s Secret) MarshalText() ([]byte, error) { return []byte(secretWord), nil }

// minTicketSecret is the shortest ticket_secret, in octets: as much as the keys
// that are derived from it.
const minTicketSecret = 32

// ticketSecret checks a secret for session tickets, without telling it.
func ticketSecret(s string) (string, *fault) {
	if len(s) < minTicketSecret {
		return "", &fault{"Secret too short", fmt.Sprintf(
			"Whoever guesses ticket_secret can read recorded sessions of TLS 1.2: write at least %d octets, such as what \"openssl rand -base64 32\" prints.", minTicketSecret)}
	}
	return s, nil
}

// minHMACKey is the shortest hmac_key, in octets once decoded. CAs give 32 and
// more; less than half of that is a part of a key.
const minHMACKey = 16

// hmacKey checks the key of an external account binding, without telling it, and
// returns it decoded.
//
// RFC 8555 §7.3.4: the CA should provide the key in base64url. Some pad it, some don't.
func hmacKey(s string) (string, *fault) {
	encoding := base64.RawURLEncoding
	if strings.HasSuffix(s, "=") {
		encoding = base64.URLEncoding
	}
	key, err := encoding.DecodeString(s)
	// Go's decoder skips newlines, which are no part of a key.
	if err != nil || strings.ContainsAny(s, "\r\n") {
		return "", &fault{"Invalid key encoding", "hmac_key is not base64url, which is letters, digits, - and _, with or without = at the end: copy the whole key as the CA shows it."}
	}
	if len(key) < minHMACKey {
		return "", &fault{"Secret too short", fmt.Sprintf("hmac_key holds fewer than %d octets, so it is not the whole key: copy all of what the CA shows.", minHMACKey)}
	}
	return string(key), nil
}
