package relay

import (
	"bytes"
	"strings"
)

// hush is how much is told of a status line.
type hush byte

const (
	tellAll  hush = iota
	tellSize      // its kind, and the size of a mail
	tellKind      // its kind: +OK or -ERR
)

// hushOf says how much is told of the answer to a command, of which text is what is
// told of itself. Backends like to repeat the words of a command. And where mail
// follows, a backend that takes its end for somewhere else than popgate does makes
// a line of mail of any status line near it.
func hushOf(text string, known bool) hush {
	switch {
	case !known || strings.HasSuffix(text, hidden):
		return tellKind
	case asksMail(text):
		return tellSize
	}
	return tellAll
}

// asksMail reports whether a command, as it is told, is one that mail follows.
func asksMail(text string) bool {
	keyword, _, _ := strings.Cut(text, " ")
	return keyword == "RETR" || keyword == "TOP"
}

// of is what is told of a status line.
func (h hush) of(status []byte) []byte {
	if h == tellAll {
		return status
	}
	size := len("+OK")
	if status[0] == '-' {
		size = len("-ERR")
	}
	if len(status) == size || h == tellSize && status[0] == '+' && isSize(status[size:]) {
		return status
	}
	return append(status[:size:size], " "+hidden...)
}

// isSize reports whether the words behind +OK are a number of octets, and nothing
// else.
func isSize(words []byte) bool {
	words, space := bytes.CutPrefix(words, []byte(" "))
	number, octets := bytes.CutSuffix(words, []byte(" octets"))
	return space && octets && isNumber(number)
}
