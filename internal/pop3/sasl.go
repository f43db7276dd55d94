package pop3

import (
	"bytes"
	"encoding/base64"
	"errors"
)

var (
	// ErrBase64 is a SASL response that does not decode strictly.
	ErrBase64 = errors.New("not base64")
	// ErrPlain is a PLAIN message without exactly two NULs.
	ErrPlain = errors.New("malformed PLAIN message")
	// ErrAuthzid is a PLAIN message that asks to act as somebody else.
	ErrAuthzid = errors.New("authorization identity differs")
)

// DecodeSASL decodes a SASL response from the wire. "=" alone is the empty
// response (RFC 5034 §4). The only error is [ErrBase64]: foreign characters
// (RFC 4648 §3.3), wrong padding, and non-zero trailing bits (§3.5).
func DecodeSASL(line []byte) ([]byte, error) {
	if len(line) == 1 && line[0] == '=' {
		return nil, nil
	}
	// encoding/base64 skips CR and LF inside its input, even when strict.
	if bytes.ContainsAny(line, "\r\n") {
		return nil, ErrBase64
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(line)))
	n, err := base64.StdEncoding.Strict().Decode(out, line)
	if err != nil {
		clear(out)
		return nil, ErrBase64
	}
	return out[:n], nil
}

// ParsePlain takes a decoded PLAIN message apart: [authzid] NUL authcid NUL
// passwd (RFC 4616 §2), and wipes it. Errors: [ErrPlain]; [ErrAuthzid] if
// authzid is neither empty nor the same as authcid; those of [CheckName] and
// [CheckPassword].
func ParsePlain(message []byte) (Credentials, error) {
	defer clear(message)
	fields := bytes.Split(message, []byte{0})
	if len(fields) != 3 {
		return Credentials{}, ErrPlain
	}
	authzid, name, password := fields[0], fields[1], fields[2]
	creds, err := NewCredentials("PLAIN", name, password)
	if err != nil {
		return Credentials{}, err
	}
	if len(authzid) > 0 && !bytes.Equal(authzid, name) {
		creds.Password.Wipe()
		return Credentials{}, ErrAuthzid
	}
	return creds, nil
}

// NewCredentials checks and copies a name and a password. Errors: those of
// [CheckName] and [CheckPassword].
func NewCredentials(mechanism string, name, password []byte) (Credentials, error) {
	if err := CheckName(name); err != nil {
		return Credentials{}, err
	}
	if err := CheckPassword(password); err != nil {
		return Credentials{}, err
	}
	return Credentials{Mechanism: mechanism, Name: string(name), Password: NewPassword(password)}, nil
}

// encodePlain returns the PLAIN message of name and password in base64.
// Both must have been checked.
func encodePlain(name string, password []byte) []byte {
	message := make([]byte, 0, len(name)+len(password)+2)
	message = append(message, 0)
	message = append(message, name...)
	message = append(message, 0)
	message = append(message, password...)
	defer clear(message)
	return base64.StdEncoding.AppendEncode(nil, message)
}
