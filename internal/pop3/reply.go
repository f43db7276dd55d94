package pop3

import (
	"bytes"
	"errors"
)

// ErrReply is a backend's line that starts with neither +OK nor -ERR.
var ErrReply = errors.New("not a POP3 reply")

// Reply is a status line.
type Reply struct {
	// OK is true for +OK, false for -ERR.
	OK bool
	// Code is the response code without its brackets, in upper case, such
	// as "IN-USE" or "SYS/TEMP" (RFC 2449 §8, RFC 3206); empty if none.
	Code string
	// Text is what follows the indicator and the code.
	Text string
}

// ParseReply takes a backend's status line, without its line ending, apart.
// The indicator must be upper case (RFC 1939 §3) and must not run on into a
// word; the rest may be anything. The only error is [ErrReply].
func ParseReply(line []byte) (Reply, error) {
	var reply Reply
	rest, ok := bytes.CutPrefix(line, []byte("+OK"))
	if ok {
		reply.OK = true
	} else if rest, ok = bytes.CutPrefix(line, []byte("-ERR")); !ok {
		return Reply{}, ErrReply
	}
	if len(rest) > 0 && isAlnum(rest[0]) {
		return Reply{}, ErrReply
	}
	reply.Code, rest = cutCode(bytes.TrimLeft(rest, " "))
	reply.Text = string(rest)
	return reply, nil
}

// maxCode bounds a response code, in octets; the longest registered one,
// LOGIN-DELAY, has 11.
const maxCode = 64

// cutCode cuts a leading response code off text. RFC 2449 §8: the code stands
// first in the text, in brackets. Case is not held against an old server.
func cutCode(text []byte) (code string, rest []byte) {
	if len(text) == 0 || text[0] != '[' {
		return "", text
	}
	end := bytes.IndexByte(text, ']')
	if end < 2 || end-1 > maxCode {
		return "", text
	}
	for _, b := range text[1:end] {
		// RFC 2449 §3 allows no space in a code, and no "]". Deliberate:
		// no "[" either, which no registered code has.
		if b <= 0x20 || b >= 0x7f || b == '[' {
			return "", text
		}
	}
	code = string(asciiUpper(bytes.Clone(text[1:end])))
	return code, bytes.TrimLeft(text[end+1:], " ")
}

// Presentable reports whether a backend's status line, without its line
// ending, may be passed on to a client: short enough with its CRLF (RFC 1939
// §3) and free of control characters.
func Presentable(line []byte) bool {
	return len(line)+2 <= MaxOwnReply && !hasControl(line)
}
