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
// and text encoders all get the word "[password]", also when it is a field,
// exported or not, of something printed. The zero value is no password.
type Password struct {
	// Deliberate: a pointer. fmt can't call the methods of a value in an
	// unexported field and prints its bytes instead; of a pointer below the
	// top level it prints the address.
	secret *[]byte
}

const masked = "[password]"

// NewPassword copies b.
func NewPassword(b []byte) Password {
	secret := append(make([]byte, 0, len(b)), b...)
	return Password{&secret}
}

// Reveal returns the secret itself, not a copy.
func (p Password) Reveal() []byte {
	if p.secret == nil {
		return nil
	}
	return *p.secret
}

// Wipe overwrites the secret. Every copy of p is empty from then on.
func (p Password) Wipe() {
	if p.secret == nil {
		return
	}
	clear(*p.secret)
	*p.secret = nil
}

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
