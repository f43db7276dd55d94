package pop3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

var (
	// ErrSyntax is a line that is no command: no keyword, or one with
	// characters other than ASCII letters and digits.
	ErrSyntax = errors.New("no command")
	// ErrControl is an octet 0x00–0x1f or 0x7f in an argument, or a code
	// point U+0080–U+009F in a name.
	ErrControl = errors.New("control character")
	// ErrEmpty is an argument that must not be empty, and is.
	ErrEmpty = errors.New("empty argument")
	// ErrSpaces is a name that starts or ends with a space.
	ErrSpaces = errors.New("space around the name")
	// ErrUTF8 is a name that is not valid UTF-8.
	ErrUTF8 = errors.New("name is not valid UTF-8")
)

// Command is one command line of a client.
type Command struct {
	// Keyword is folded to upper case. Only ASCII letters fold: a keyword
	// with look-alikes such as U+017F is [ErrSyntax].
	Keyword string
	// Arg is everything after the first space, byte for byte, spaces
	// included (RFC 1939 §7: a password may hold spaces). It is a part of
	// the parsed line and lives as long.
	Arg []byte
	// HasArg tells `PASS ` with an empty argument from `PASS`.
	HasArg bool
}

// Format writes the keyword, whatever the verb: the argument of PASS is a
// password.
func (c Command) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.Keyword) }

// ParseCommand takes a line, without its CRLF, apart. Errors: [ErrSyntax] and
// [ErrControl]; the command's keyword is set with the latter.
func ParseCommand(line []byte) (Command, error) {
	word, arg, hasArg := bytes.Cut(line, []byte{' '})
	if len(word) == 0 {
		return Command{}, ErrSyntax
	}
	for _, b := range word {
		if !isAlnum(b) {
			return Command{}, ErrSyntax
		}
	}
	c := Command{Keyword: keyword(word), Arg: arg, HasArg: hasArg}
	if hasControl(arg) {
		return c, ErrControl
	}
	return c, nil
}

// keywords are the commands of RFC 1939, 2449, 2595, 5034 and 6856, and of
// RFC 1081 and 1460 before them.
var keywords = map[string]string{
	"APOP": "APOP", "AUTH": "AUTH", "CAPA": "CAPA", "DELE": "DELE", "LANG": "LANG",
	"LAST": "LAST", "LIST": "LIST", "NOOP": "NOOP", "PASS": "PASS", "QUIT": "QUIT",
	"RETR": "RETR", "RPOP": "RPOP", "RSET": "RSET", "STAT": "STAT", "STLS": "STLS",
	"TOP": "TOP", "UIDL": "UIDL", "USER": "USER", "UTF8": "UTF8", "XCLIENT": "XCLIENT",
}

// Known reports whether the keyword is one that a POP3 client may say. Other
// protocols' first lines (GET, EHLO, a tag) are not.
func (c Command) Known() bool {
	_, ok := keywords[c.Keyword]
	return ok
}

// keyword folds word to upper case, without an allocation if it is a known one.
func keyword(word []byte) string {
	var up [8]byte
	if len(word) > len(up) {
		return string(asciiUpper(bytes.Clone(word)))
	}
	folded := asciiUpper(append(up[:0], word...))
	if k, ok := keywords[string(folded)]; ok {
		return k
	}
	return string(folded)
}

// CheckName reports what is wrong with a user name as typed: [ErrEmpty],
// [ErrSpaces], [ErrControl] or [ErrUTF8]. RFC 4616 §2 wants UTF-8; the rest
// keeps a name from meaning one thing here and another at a backend.
func CheckName(name []byte) error {
	switch {
	case len(name) == 0:
		return ErrEmpty
	case name[0] == ' ' || name[len(name)-1] == ' ':
		return ErrSpaces
	case !utf8.Valid(name):
		return ErrUTF8
	case bytes.IndexFunc(name, unicode.IsControl) >= 0:
		return ErrControl
	}
	return nil
}

// EqualFold reports whether word is keyword, which is upper-case ASCII,
// in any ASCII case (RFC 1939 §3). strings.EqualFold matches more.
func EqualFold(word []byte, keyword string) bool {
	if len(word) != len(keyword) {
		return false
	}
	for i, b := range word {
		if upper(b) != keyword[i] {
			return false
		}
	}
	return true
}

func asciiUpper(b []byte) []byte {
	for i := range b {
		b[i] = upper(b[i])
	}
	return b
}

func upper(b byte) byte {
	if 'a' <= b && b <= 'z' {
		return b - ('a' - 'A')
	}
	return b
}

func isAlnum(b byte) bool {
	return '0' <= b && b <= '9' || 'A' <= upper(b) && upper(b) <= 'Z'
}

func hasControl(b []byte) bool {
	for _, c := range b {
		if c < 0x20 || c == 0x7f {
			return true
		}
	}
	return false
}
