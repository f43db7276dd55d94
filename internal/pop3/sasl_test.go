package pop3_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"popgate/internal/pop3"
)

func TestDecodeSASL(t *testing.T) {
	tests := []struct{ line, want string }{
		{"", ""},
		{"=", ""}, // RFC 5034 §4: the empty response
		{"QQ==", "A"},
		{"QUI=", "AB"},
		{"QUJD", "ABC"},
		{"AGpvZQBzZWNyZXQ=", "\x00joe\x00secret"},
		{"//79", "\xff\xfe\xfd"},
		{"++++", "\xfb\xef\xbe"},
	}
	for _, tt := range tests {
		got, err := pop3.DecodeSASL([]byte(tt.line))
		if err != nil || string(got) != tt.want {
			t.Errorf("DecodeSASL(%q) = %q, %v, want %q", tt.line, got, err, tt.want)
		}
	}
}

func TestDecodeSASLRefuses(t *testing.T) {
	for _, line := range []string{
		"A", "AA", "AAA", "AAAAA", // cut short
		"A===", "====", "==", "===", "QQ=", "QQ===", "=QQ=", "Q=Q=", "QQ==QQ==", "QUJD=", "QUJD====", // padding
		"QUJ-", "QUJ_", // the URL alphabet
		" QUJD", "QUJD ", "QU JD", "Q UJD", "QUJD\t", "\tQUJD",
		"QUJD\r", "QUJD\n", "QU\r\nJD", "\r\n", "=\r", "=\n",
		"QUJD\x00", "QUJD\x80", "QUJ\u017f", "\xef\xbb\xbfQUJD",
		"QR==", "QQ=\xff", "QUJ=", // bits left over, RFC 4648 §3.5
		"*", "* ", // a cancel is no response: the caller looks for it first
	} {
		got, err := pop3.DecodeSASL([]byte(line))
		if got != nil || !errors.Is(err, pop3.ErrBase64) {
			t.Errorf("DecodeSASL(%q) = %q, %v, want ErrBase64", line, got, err)
		}
	}
}

func TestParsePlain(t *testing.T) {
	tests := []struct {
		message        string
		name, password string
		err            error
	}{
		{"\x00joe\x00secret", "joe", "secret", nil},
		{"joe\x00joe\x00secret", "joe", "secret", nil},
		{"\x00joe@example.com\x00 a b  ", "joe@example.com", " a b  ", nil},
		{"\x00j\u00f6\x00\xff\u0085", "j\u00f6", "\xff\u0085", nil},
		{"\x00\u00a0joe\x00\u00a0pw", "\u00a0joe", "\u00a0pw", nil},
		// RFC 4616 §2: [authzid] NUL authcid NUL passwd.
		{"", "", "", pop3.ErrPlain},
		{"joe", "", "", pop3.ErrPlain},
		{"joe\x00secret", "", "", pop3.ErrPlain},
		{"\x00joe\x00secret\x00", "", "", pop3.ErrPlain},
		{"\x00joe\x00sec\x00ret", "", "", pop3.ErrPlain},
		{"\x00\x00\x00\x00", "", "", pop3.ErrPlain},
		{"\x00\x00secret", "", "", pop3.ErrEmpty},
		{"\x00joe\x00", "", "", pop3.ErrEmpty},
		{"\x00\x00", "", "", pop3.ErrEmpty},
		{"joe\x00\x00secret", "", "", pop3.ErrEmpty},
		{"admin\x00joe\x00secret", "", "", pop3.ErrAuthzid},
		{"JOE\x00joe\x00secret", "", "", pop3.ErrAuthzid},
		{"joe \x00joe\x00secret", "", "", pop3.ErrAuthzid},
		{"joe\r\n\x00joe\x00secret", "", "", pop3.ErrAuthzid},
		{"\x00joe\xff\x00secret", "", "", pop3.ErrUTF8},
		{"\x00 joe\x00secret", "", "", pop3.ErrSpaces},
		{"\x00joe \x00secret", "", "", pop3.ErrSpaces},
		{"\x00joe\u0085\x00secret", "", "", pop3.ErrControl},
		// What would be a line of its own at a backend.
		{"\x00joe\x00secret\r\nDELE 1", "", "", pop3.ErrControl},
		{"\x00joe\x00secret\nDELE 1", "", "", pop3.ErrControl},
		{"\x00joe\x00secret\r", "", "", pop3.ErrControl},
		{"\x00joe\r\nPASS x\x00secret", "", "", pop3.ErrControl},
		{"\x00joe\n\x00secret", "", "", pop3.ErrControl},
		{"joe\r\n\x00joe\r\n\x00secret", "", "", pop3.ErrControl},
	}
	for _, tt := range tests {
		message := []byte(tt.message)
		creds, err := pop3.ParsePlain(message)
		if !errors.Is(err, tt.err) || creds.Name != tt.name || string(creds.Password.Reveal()) != tt.password {
			t.Errorf("ParsePlain(%q) = %q, %q, %v, want %q, %q, %v",
				tt.message, creds.Name, creds.Password.Reveal(), err, tt.name, tt.password, tt.err)
		}
		if err == nil && creds.Mechanism != "PLAIN" {
			t.Errorf("ParsePlain(%q): mechanism %q", tt.message, creds.Mechanism)
		}
		if !bytes.Equal(message, make([]byte, len(message))) {
			t.Errorf("ParsePlain(%q) left %q behind", tt.message, message)
		}
	}
}

// A message of any length that a SASL line can bring is decoded.
func TestPlainOfGreatLength(t *testing.T) {
	password := strings.Repeat("p", 9000)
	line := base64.StdEncoding.EncodeToString([]byte("\x00joe\x00" + password))
	got, err := pop3.NewReader(strings.NewReader(line + "\r\n")).ReadSASL()
	if err != nil {
		t.Fatal(err)
	}
	message, err := pop3.DecodeSASL(got)
	if err != nil {
		t.Fatal(err)
	}
	creds, err := pop3.ParsePlain(message)
	if err != nil || string(creds.Password.Reveal()) != password {
		t.Errorf("got a password of %d octets, %v", len(creds.Password.Reveal()), err)
	}
}

func TestNewCredentials(t *testing.T) {
	name, password := []byte("joe"), []byte("secret")
	creds, err := pop3.NewCredentials("LOGIN", name, password)
	if err != nil {
		t.Fatal(err)
	}
	// The line they came from is overwritten by the next one.
	clear(name)
	clear(password)
	if creds.Mechanism != "LOGIN" || creds.Name != "joe" || string(creds.Password.Reveal()) != "secret" {
		t.Errorf("got %q, %q, %q", creds.Mechanism, creds.Name, creds.Password.Reveal())
	}
	tests := []struct {
		name, password string
		want           error
	}{
		{"", "secret", pop3.ErrEmpty},
		{"joe", "", pop3.ErrEmpty},
		{"joe ", "secret", pop3.ErrSpaces},
		{"joe\xff", "secret", pop3.ErrUTF8},
		{"joe\r\n", "secret", pop3.ErrControl},
		{"joe\x00", "secret", pop3.ErrControl},
		{"joe", "secret\r\n", pop3.ErrControl},
		{"joe", "sec\x00ret", pop3.ErrControl},
	}
	for _, tt := range tests {
		creds, err := pop3.NewCredentials("USER", []byte(tt.name), []byte(tt.password))
		if !errors.Is(err, tt.want) || creds != (pop3.Credentials{}) {
			t.Errorf("NewCredentials(%q, %q) = %v, %v, want none and %v", tt.name, tt.password, creds, err, tt.want)
		}
	}
}
