package pop3_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"popgate/internal/pop3"
)

// FuzzPlain takes its input as a line of base64, and as the message in one.
func FuzzPlain(f *testing.F) {
	for _, message := range []string{
		"", "\x00joe\x00secret", "joe\x00joe\x00secret", "admin\x00joe\x00secret", "\x00\x00", "\x00joe\x00se\x00cret",
		"\x00joe\x00secret\r\nDELE 1", "\x00joe\r\n\x00secret", "\x00jo\u0085\x00\u0085", "\x00j\xff\x00\xff", "\x00 joe\x00 p ",
	} {
		f.Add([]byte(message))
		f.Add([]byte(base64.StdEncoding.EncodeToString([]byte(message))))
	}
	for _, line := range []string{"=", "*", "A", "====", "QR==", "QU\r\nJD", "QUJ-"} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if message, err := pop3.DecodeSASL(in); err == nil {
			if again := base64.StdEncoding.EncodeToString(message); again != string(in) && string(in) != "=" {
				t.Fatalf("%q decodes, but %q is its one spelling", in, again)
			}
			checkPlain(t, message)
		} else if !errors.Is(err, pop3.ErrBase64) || message != nil {
			t.Fatalf("DecodeSASL(%q) = %q, %v", in, message, err)
		}
		message, err := pop3.DecodeSASL([]byte(base64.StdEncoding.EncodeToString(in)))
		if err != nil || !bytes.Equal(message, in) {
			t.Fatalf("%q came out of base64 as %q, %v", in, message, err)
		}
		checkPlain(t, message)
	})
}

// checkPlain parses a message, and sends on the credentials in it.
func checkPlain(t *testing.T, message []byte) {
	t.Helper()
	typed := string(message)
	creds, err := pop3.ParsePlain(message)
	if strings.Trim(string(message), "\x00") != "" {
		t.Fatalf("%q was left as %q", typed, message)
	}
	if err != nil {
		if creds != (pop3.Credentials{}) {
			t.Fatalf("%q: credentials beside error %v", typed, err)
		}
		return
	}
	password := string(creds.Password.Reveal())
	checkArguments(t, creds.Name, password)
	short := "\x00" + creds.Name + "\x00" + password
	if typed != short && typed != creds.Name+short || strings.Count(typed, "\x00") != 2 {
		t.Fatalf("%q gave name %q and password %q", typed, creds.Name, password)
	}
	var w recorder
	switch err := pop3.Send(&w, pop3.PlainResponse(creds.Name, creds.Password)); {
	case errors.Is(err, pop3.ErrTooLong):
		if len(short) <= 9000 {
			t.Fatalf("%d octets are too long", len(short))
		}
	case err != nil || w.writes[0] != base64.StdEncoding.EncodeToString([]byte(short))+"\r\n":
		t.Fatalf("%q sent as %q, %v", short, w.writes, err)
	}
}

// checkArguments insists that accepted credentials are harmless in any line.
func checkArguments(t *testing.T, name, password string) {
	t.Helper()
	if name == "" || strings.Trim(name, " ") != name || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		t.Fatalf("name %q was accepted", name)
	}
	if password == "" || hasControlOctet([]byte(password)) {
		t.Fatalf("password %q was accepted", password)
	}
}

// FuzzSend: whatever name and password are, a backend gets the lines that
// were meant for it, or nothing.
func FuzzSend(f *testing.F) {
	for _, s := range []string{
		"joe", "", " ", "a b", "\x00", "\r", "\n", "joe\r\nDELE 1\r\n", "\u0085", "\x85", "\u00a0", "\xff", "\x7f", "\t",
		strings.Repeat("a", 505), strings.Repeat("a", 506), strings.Repeat("a", 9000), strings.Repeat("a", 10_000),
	} {
		f.Add(s, "secret")
		f.Add("joe", s)
	}
	f.Fuzz(func(t *testing.T, name, password string) {
		p := secret(password)
		encoded := base64.StdEncoding.EncodeToString([]byte("\x00" + name + "\x00" + password))
		harmless := pop3.CheckName([]byte(name)) == nil && pop3.CheckPassword([]byte(password)) == nil
		tests := []struct {
			requests []pop3.Request
			want     []string
			fits     bool
		}{
			{[]pop3.Request{pop3.User(name), pop3.Pass(p)}, []string{"USER " + name, "PASS " + password},
				max(len(name), len(password)) <= pop3.MaxRequest-7},
			{[]pop3.Request{pop3.AuthPlain(), pop3.PlainResponse(name, p)}, []string{"AUTH PLAIN", encoded},
				len(encoded) <= pop3.MaxSASL-2},
		}
		for _, tt := range tests {
			var w recorder
			err := pop3.Send(&w, tt.requests...)
			if fit := harmless && tt.fits; fit != (err == nil) {
				t.Fatalf("%q: error %v, want one: %v", tt.want, err, !fit)
			}
			if err != nil {
				if len(w.writes) > 0 || !errors.Is(err, pop3.ErrRequest) {
					t.Fatalf("error %v, written %q", err, w.writes)
				}
				continue
			}
			checkArguments(t, name, password)
			if len(w.writes) != 1 || w.writes[0] != strings.Join(tt.want, "\r\n")+"\r\n" {
				t.Fatalf("written %q, want %q", w.writes, tt.want)
			}
			for _, end := range []string{"\r", "\n"} {
				if n := strings.Count(w.writes[0], end); n != len(tt.want) {
					t.Fatalf("%d times %q in %q, want %d lines", n, end, w.writes[0], len(tt.want))
				}
			}
		}
	})
}
