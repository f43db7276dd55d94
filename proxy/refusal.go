package proxy

import (
	"strings"

	"popgate/internal/pop3"
	"popgate/internal/route"
)

// userRefused is what a backend's answer to USER means. Whatever it says when
// it refuses, the client is told what it would be told of a wrong password:
// here a backend knows nothing but the name.
func userRefused(reply pop3.Reply) error {
	switch {
	case reply.OK:
		return nil
	case strings.HasPrefix(reply.Code, "SYS/"):
		return fail(causeAuth, "backend_temporary", nil)
	case speaksOf(reply.Text, clearTextWords):
		return fail(causeAuth, "backend_wants_tls", nil)
	}
	return fail(causeAuth, "user_refused", nil)
}

// clearTextWords stand in the refusals of servers that are configured to take
// no password in clear (Dovecot, Courier, Cyrus): an operator's matter, which
// the log names. The client is told what it always is.
var clearTextWords = []string{"plaintext auth", "cleartext auth", "non-secure", "only available under a layer", "tls required", "ssl required"}

// passRefused is what a backend's -ERR to a password means: by its response
// code, else by its words, as old servers have no codes.
func passRefused(reply pop3.Reply, backend *route.Backend) error {
	switch code := reply.Code; {
	case code == "IN-USE":
		return fail(causeInUse, "in_use", nil)
	case code == "LOGIN-DELAY":
		return fail(causeLoginDelay, "login_delay", nil)
	case code == "SYS/PERM":
		return fail(causePermanent, "backend_permanent", nil)
	case strings.HasPrefix(code, "SYS/"):
		return fail(causeTemporary, "backend_temporary", nil)
	case speaksOf(reply.Text, clearTextWords):
		return fail(causeAuth, "backend_wants_tls", nil)
	case code != "":
		// AUTH, or one that is not registered: its words mean nothing more.
	case speaksOf(reply.Text, backend.InUseWords):
		return fail(causeInUse, "in_use", nil)
	case speaksOf(reply.Text, backend.TemporaryWords):
		return fail(causeTemporary, "backend_temporary", nil)
	}
	return fail(causeAuth, "password_refused", nil)
}

// speaksOf reports whether one of the words, which are in lower case, is in
// text; letters fold in ASCII only.
func speaksOf(text string, words []string) bool {
	folded := strings.Map(lower, text)
	for _, word := range words {
		if strings.Contains(folded, word) {
			return true
		}
	}
	return false
}

func lower(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + ('a' - 'A')
	}
	return r
}
