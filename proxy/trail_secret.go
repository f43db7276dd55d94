package proxy

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"popgate/internal/pop3"
)

// shown is what a trace may have of a backend's line in its user's own session:
// all of it, or, where its words repeat some of the password, what is before them.
func shown(line []byte, password pop3.Password) string {
	head, words := kindOf(line), line
	if reply, err := pop3.ParseReply(line); err == nil {
		words = line[len(head):]
		if slices.Contains(shownCodes, reply.Code) {
			head, words = head+" ["+reply.Code+"]", []byte(reply.Text)
		}
	}
	if len(words) == 0 || !repeats(words, password.Reveal()) {
		return foreign(string(line))
	}
	return head + " " + hidden
}

// shownCodes are the response codes that are registered (RFC 2449, 3206 and 6856).
// Any other word in brackets may be a secret.
var shownCodes = []string{"AUTH", "IN-USE", "LOGIN-DELAY", "SYS/PERM", "SYS/TEMP", "UTF8"}

// kindOf is what of a backend's line is the same whoever logs in.
func kindOf(line []byte) string {
	reply, err := pop3.ParseReply(line)
	switch {
	case err != nil:
		return "(not a POP3 answer)"
	case reply.OK:
		return string(line[:3])
	}
	return string(line[:4])
}

// How much of a password may stand in a text by chance, in characters. Of a
// shorter password it is all of it.
const (
	runClear  = 4
	runHex    = 6 // three octets
	runBase64 = 4 // three octets
	// runLeast is how much tells something where it isn't the password itself.
	runLeast = 3
)

// repeats reports whether a text tells some of the password: a run of it in any
// ASCII case, with other characters in between, in hex, or in base64 wherever it
// stood in what was encoded. Without a password to compare nobody can know.
//
// Deliberate: by chance a text is taken for one that does. A trace has less then.
func repeats(text, password []byte) bool {
	if len(password) == 0 || altered(text, password) {
		return true
	}
	said, secret := fold(text), fold(password)
	letters := bytes.Map(onlyLetters, secret)
	switch {
	case shareRun(said, secret, min(runClear, len(secret))),
		len(letters) >= runClear && shareRun(bytes.Map(onlyLetters, said), letters, runClear),
		repeatsHex(bytes.Map(onlyHex, said), password):
		return true
	}
	return repeatsBase64([]byte(ofURL.Replace(string(said))), password)
}

func repeatsHex(said, password []byte) bool {
	coded := []byte(hex.EncodeToString(password))
	run := min(runHex, len(coded))
	return run >= runLeast && shareRun(said, coded, run)
}

func repeatsBase64(said, password []byte) bool {
	for before := range 3 {
		coded := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), password...))
		// The ends share their characters with what stands around.
		from, to := (before*8+5)/6, (before+len(password))*8/6
		run := min(runBase64, to-from)
		if run >= runLeast && shareRun(said, fold([]byte(coded[from:to])), run) {
			return true
		}
	}
	return false
}

// ofURL makes base64 for URLs that of mail.
var ofURL = strings.NewReplacer("-", "+", "_", "/")

// altered reports whether a text may hold the password in a form that only who
// wrote it knows: another character set, or quoted as in URLs, HTML, programs or
// mail. Letters and digits of ASCII stay what they are in all of these.
func altered(text, password []byte) bool {
	return bytes.ContainsFunc(password, func(r rune) bool { return r >= 0x80 || onlyLetters(lower(r)) < 0 }) &&
		bytes.ContainsFunc(text, func(r rune) bool { return r >= 0x80 || strings.ContainsRune(`%\&=`, r) })
}

// shareRun reports whether n octets in a row of secret stand in text.
func shareRun(text, secret []byte, n int) bool {
	for i := 0; i+n <= len(secret); i++ {
		if bytes.Contains(text, secret[i:i+n]) {
			return true
		}
	}
	return false
}

// fold is b with its ASCII letters in lower case.
func fold(b []byte) []byte {
	b = bytes.Clone(b)
	for i, c := range b {
		b[i] = byte(lower(rune(c)))
	}
	return b
}

// onlyLetters keeps lower-case letters and digits of ASCII.
func onlyLetters(r rune) rune {
	if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
		return r
	}
	return -1
}

// onlyHex keeps hexadecimal digits.
func onlyHex(r rune) rune {
	if 'a' <= r && r <= 'f' || '0' <= r && r <= '9' {
		return r
	}
	return -1
}
