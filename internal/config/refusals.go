package config

import (
	"fmt"
	"strings"
	"unicode"
)

// Backends refuse a PASS in words of their own, and few old ones send response
// codes. The words below tell the refusals that aren't about the password. Each
// is looked for anywhere in the text, so it must be long enough never to stand in
// a plain refusal: "in use" stands in "login username", "lock" in "account locked
// after too many wrong passwords" and in "blocked", "try again" in "bad password,
// try again". Taken for a passing fault, a bad password isn't counted, and whoever
// guesses has free tries.

// defaultInUseWords tell that another session holds the mailbox. In brackets: a
// server that says so.
var defaultInUseWords = []string{
	"lock busy", "another session", // (qpopper)
	"already locked", "lock maildrop", "lock the maildrop", // (RFC 1939's examples, hMailServer, Cyrus)
	"get lock", "acquire lock", "obtain lock", "waiting for lock", "session lock", // (UW ipop3d, Dovecot)
	"lock mailbox", "lock the mailbox", // (solid-pop3d)
	"mailbox locked", "mailbox is locked", "locked by pop", // (James, CommuniGate, Cyrus)
	"maildrop locked", "maildrop is locked", "inbox is locked", // (Lotus Domino)
	"locked by another", "opened by another", // (Dovecot, IMail)
	"mailbox in use", "maildrop in use", "already in use", "currently in use", // (UW ipop3d, GNU pop3d, InterMail)
	"is in use", "be in use", "in use by",
	"mailbox busy", "mailbox is busy", "maildrop busy", "maildrop is busy", "may be busy", // (Mercury)
}

// defaultTemporaryWords tell that the backend can't work just now.
var defaultTemporaryWords = []string{
	"temporar", "try again later", "try later", // (Courier, Dovecot; qpopper's temporary file)
	"unavailable", "service not available", "server not available", // (Exchange, Cyrus)
	"internal error", "internal server error", "system error", "server error", "i/o error", // (Dovecot, qpopper, Cyrus)
	"server busy", "server is busy", "service busy", "service is busy", "system busy", "system is busy",
	"overload", "out of memory", "no space left", "disk quota", // (qpopper copies the mailbox)
	"shutting down", "in maintenance", "for maintenance", "under maintenance", // (Dovecot, Zimbra)
	"too many connection", "number of connections", "connection limit", // (Dovecot, Courier)
	"unable to open", "child crashed", "authdaemon", // (UW ipop3d, Cyrus; qmail-popup; Courier)
}

// plainRefusals are what servers say to a bad password: no word may stand in one.
var plainRefusals = []string{
	"Password supplied for \"joe\" is incorrect.", // qpopper
	"Invalid login",                          // Cyrus
	"authenticating: authentication failure", // Cyrus
	"Login failed.",                          // Courier
	"Bad login",                              // UW ipop3d
	"Bad authentication",                     // UW ipop3d
	"Authentication failed.",                 // Dovecot
	"Logon failure: unknown user name or bad password.",                          // Exchange
	"Authentication failure: unknown user name or bad password",                  // Exchange
	"Invalid user name or password.",                                             // hMailServer
	"Invalid user name or password. Please use full email address as user name.", // hMailServer
	"authorization failed",                                                       // qmail-popup
	"Authentication failed (bad password?)",                                      // popa3d
	"invalid username/password",                                                  // Zimbra
	"Username or password incorrect.",                                            // James
	"Invalid username and/or password.",                                          // James
	"LOGIN failed, invalid user name or password !",                              // LumiSoft
	"Invalid login username or password",
	"Wrong password, try again",
	"Invalid password, please try again.",
	"access denied",
	"permission denied",
	"sorry, no mailbox for joe here",
	"user unknown",
	"Account locked",
	"Account is locked out",
	"Your address is blocked",
	"Account disabled",
	"Password expired",
	"Too many login failures",
	"Too many invalid logon attempts.",
}

// minRefusalWord is the shortest word to look for in a refusal, in octets.
const minRefusalWord = 3

// refusalWord checks a word to look for in refusals and returns it in lower case.
func refusalWord(s string) (string, *fault) {
	if len(strings.TrimSpace(s)) < minRefusalWord || strings.ContainsFunc(s, unicode.IsControl) {
		return "", &fault{"Word too short",
			fmt.Sprintf("%q would be found in nearly every refusal: write at least %d letters, as in \"mailbox locked\".", s, minRefusalWord)}
	}
	return lower(s), nil
}

// falseFriend doubts words that stand in a plain refusal.
func falseFriend(word string) *fault {
	for _, refusal := range plainRefusals {
		if strings.Contains(lower(refusal), word) {
			return &fault{"Word hides refusals", fmt.Sprintf(
				"%q also stands in %q, with which servers refuse a bad password: such logins wouldn't count as failed, and whoever guesses passwords has free tries. Write more of the text.",
				word, refusal)}
		}
	}
	return nil
}
