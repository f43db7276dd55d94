package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

// TestReadToken: one line ending behind a token is cut, what can't be a token is
// refused without being shown, and a file that all can read is warned of.
func TestReadToken(t *testing.T) {
	const token = "0123456789abcdef0123456789abcdef"
	for name, test := range map[string]struct {
		text   string
		mode   os.FileMode
		err    string // "": none
		warned bool
	}{
		"plain":           {token, 0o600, "", false},
		"with a line end": {token + "\n", 0o640, "", false},
		"with CRLF":       {token + "\r\n", 0o600, "", false},
		"open to all":     {token, 0o644, "", true},
		"two line ends":   {token + "\n\n", 0o600, "one line", false},
		"with a space":    {"x " + token, 0o600, "without spaces", false},
		"short":           {token[1:], 0o600, "32 octets at least", false},
		"empty":           {"", 0o600, "32 octets at least", false},
		"much too long":   {strings.Repeat(token, 1000), 0o600, "longer than 4096 octets", false},
		"not ASCII":       {token + "é", 0o600, "printable ASCII", false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, test.mode); err != nil {
				t.Fatal(err)
			}
			book := new(strings.Builder)
			got, err := readToken(path, hclog.New(&hclog.LoggerOptions{Output: book}))
			switch {
			case test.err == "" && (err != nil || got != token):
				t.Errorf("%q, %v", got, err)
			case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), token[1:])):
				t.Errorf("error %v, want one with %q and without the token", err, test.err)
			}
			if warned := strings.Contains(book.String(), "can be read by every user"); warned != test.warned {
				t.Errorf("warned: %v, want %v", warned, test.warned)
			}
		})
	}
	if _, err := readToken(t.TempDir(), hclog.NewNullLogger()); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := readToken(filepath.Join(t.TempDir(), "none"), hclog.NewNullLogger()); err == nil {
		t.Error("a file that isn't there has a token")
	}
}
