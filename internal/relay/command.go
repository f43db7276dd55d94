package relay

import "bytes"

// verdict says what answer one of the client's lines gets, and from whom.
type verdict byte

const (
	oneLine      verdict = iota // the backend's: a status line
	manyLines                   // the backend's: a status line and, behind +OK, lines up to a dot
	unknownLines                // the backend's, whatever it is behind +OK: see observer
	noDelete                    // ours, and so are those below
	noCommand
	noCRLF
	noControl
	tooLong
)

// refusal reports whether popgate gives the answer, and not the backend.
func (v verdict) refusal() bool { return v >= noDelete }

// refusals are what popgate says itself.
var refusals = [...][]byte{
	noDelete:  []byte("-ERR this mailbox is read-only\r\n"),
	noCommand: []byte("-ERR no such command, this mailbox is read-only\r\n"),
	noCRLF:    []byte("-ERR a line must end in CRLF\r\n"),
	noControl: []byte("-ERR control characters are not allowed\r\n"),
	tooLong:   []byte("-ERR line too long\r\n"),
}

// allowed are the commands that change nothing. RSET takes back what could not
// be done, and a QUIT has nothing to carry out. Deliberate: no AUTH, whose lines
// would not be commands, no STLS, and no extension that nobody has looked at.
var allowed = [...]struct {
	keyword string  // lower case
	alone   verdict // what it gets
	arg     verdict // what it gets with an argument
}{
	{"stat", oneLine, oneLine},
	{"list", manyLines, oneLine},
	{"uidl", manyLines, oneLine},
	{"retr", manyLines, manyLines},
	{"top", manyLines, manyLines},
	{"noop", oneLine, oneLine},
	{"rset", oneLine, oneLine},
	{"capa", manyLines, manyLines},
	{"quit", oneLine, oneLine},
}

// judge says which answer a line gets, and with it whether the backend may see
// it. Deliberate: a line with a bare LF at its end, or with a control octet
// in it, never goes on. Servers differ in what ends a line for them; a NOOP\r or
// NOOP\n before a DELE could be one line here and two there.
func judge(line []byte) verdict {
	text, whole := bytes.CutSuffix(line, []byte("\r\n"))
	switch {
	case !whole:
		return noCRLF
	case bytes.ContainsFunc(text, isControl):
		return noControl
	}
	// RFC 1939 §3: one space, and none before the keyword.
	keyword, arg, _ := bytes.Cut(text, []byte(" "))
	for _, command := range allowed {
		if !isWord(keyword, command.keyword) {
			continue
		}
		if len(bytes.Trim(arg, " ")) == 0 {
			return command.alone
		}
		return command.arg
	}
	if isWord(keyword, "dele") {
		return noDelete
	}
	return noCommand
}

// isControl reports whether r is an ASCII control character.
func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

// isWord reports whether b is word, which has lower-case letters only, in any
// ASCII case (RFC 1939 §3).
func isWord(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i := range b {
		if b[i]|0x20 != word[i] {
			return false
		}
	}
	return true
}
