package pop3

import (
	"fmt"
	"io"
)

// Credentials is what a client gave to log in.
type Credentials struct {
	// Mechanism is "USER", "PLAIN" or "LOGIN".
	Mechanism string
	// Name is the user name as typed; it passed [CheckName].
	Name string
	// Password passed [CheckPassword].
	Password Password
}

// Password holds a secret that has no printable form: fmt with any verb, JSON
// and text encoders get the word "[password]", and no more than an address
// where it is an unexported field of something printed. The zero value is no
// password.
type Password struct{ hidden }

// hidden keeps octets from being printed.
type hidden struct {
	// Deliberate: a pointer to a pointer. fmt can't call the methods of a
	// value in an unexported field and walks into it instead; it follows a
	// pointer to a slice in some cases, one to a pointer never.
	octets **[]byte
}

const masked = "[password]"

// hide takes b over.
func hide(b []byte) hidden {
	inner := &b
	return hidden{&inner}
}

// reveal returns the octets themselves, not a copy.
func (h hidden) reveal() []byte {
	if h.octets == nil {
		return nil
	}
	return **h.octets
}

// wipe overwrites the octets. Every copy of h is empty from then on.
func (h hidden) wipe() {
	if h.octets == nil {
		return
	}
	clear(**h.octets)
	**h.octets = nil
}

// NewPassword copies b.
func NewPassword(b []byte) Password {
	return Password{hide(append(make([]byte, 0, len(b)), b...))}
}

// Reveal returns the secret itself, not a copy.
func (p Password) Reveal() []byte { return p.reveal() }

// Wipe overwrites the secret. Every copy of p is empty from then on.
func (p Password) Wipe() { p.wipe() }

// Format writes a fixed word, whatever the verb.
func (p Password) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// String returns a fixed word.
func (p Password) String() string { return masked }

// GoString returns a fixed word.
func (p Password) GoString() string { return masked }

// MarshalText returns a fixed word; JSON and other encoders use it.
func (p Password) MarshalText() ([]byte, error) { return []byte(masked), nil }

// CheckPassword reports what is wrong with a password: [ErrEmpty] or
// [ErrControl]. Every other byte passes, in any encoding (RFC 4616 §2 forbids
// NUL; CR and LF would start a command of their own at a backend).
func CheckPassword(b []byte) error {
	switch {
	case len(b) == 0:
		return ErrEmpty
	case hasControl(b):
		return ErrControl
	}
	return nil
}
