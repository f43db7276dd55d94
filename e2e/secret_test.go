package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// canary is part of every password that the tests use, so one search of a log finds any of them.
const canary = "CanaryPw7"

// newPassword returns a password that no other run uses.
func newPassword() string { return canary + rand.Text()[:10] }

// leaks returns the form in which text holds one of the tests' passwords; "" if it holds none.
func leaks(text []byte) string {
	if bytes.Contains(text, []byte(canary)) {
		return "plain"
	}
	if decimals := strings.Trim(fmt.Sprint([]byte(canary)), "[]"); bytes.Contains(text, []byte(decimals)) {
		return "decimal"
	}
	lower := bytes.ToLower(text)
	if bytes.Contains(lower, []byte(hex.EncodeToString([]byte(canary)))) {
		return "hex"
	}
	// Inside a base64 text the canary starts at one of three places of a group; the characters at both ends mix with
	// what stands beside it.
	for skip := range 3 {
		code := base64.StdEncoding.EncodeToString([]byte("..."[:skip] + canary))
		from, to := (skip*8+5)/6, (skip+len(canary))*8/6
		if bytes.Contains(text, []byte(code[from:to])) {
			return "base64"
		}
	}
	return ""
}

func TestLeaksAreFound(t *testing.T) {
	password := newPassword()
	plain := func(user string) string {
		return base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
	}
	for text, want := range map[string]string{
		"PASS " + password:                               "plain",
		hex.EncodeToString([]byte(password)):             "hex",
		"AUTH PLAIN " + plain("joe"):                     "base64",
		"AUTH PLAIN " + plain("joes"):                    "base64",
		"AUTH PLAIN " + plain("joseph"):                  "base64",
		fmt.Sprintf("line=%v", []byte("PASS "+password)): "decimal",
		"+OK logged in user=joe bytes_in=67 67 97":       "",
	} {
		if got := leaks([]byte(text)); got != want {
			t.Errorf("leaks(%q) = %q, want %q", text, got, want)
		}
	}
}
