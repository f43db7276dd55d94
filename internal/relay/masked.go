package relay

import (
	"bytes"
	"fmt"
)

// masked is what may be told of a client's line: the keyword, if it is one of the
// commands that popgate knows, and the numbers behind it. Whatever else a client
// says may be a secret in the wrong place.
func masked(line []byte) string {
	text := bytes.TrimRight(line, "\r\n")
	keyword, arg, hasArg := bytes.Cut(text, []byte(" "))
	for _, command := range shown {
		switch {
		case !isWord(keyword, command.keyword):
		case !hasArg:
			return command.text
		case command.numbers && areNumbers(arg):
			return command.text + " " + string(arg)
		default:
			return command.text + " ***"
		}
	}
	return fmt.Sprintf("(unknown command, %d octets)", len(text))
}

// shown are the commands that may be told, with numbers behind them if they take
// any.
var shown = [...]struct {
	keyword, text string
	numbers       bool
}{
	{"stat", "STAT", false},
	{"list", "LIST", true},
	{"uidl", "UIDL", true},
	{"retr", "RETR", true},
	{"top", "TOP", true},
	{"dele", "DELE", true},
	{"noop", "NOOP", false},
	{"rset", "RSET", false},
	{"capa", "CAPA", false},
	{"quit", "QUIT", false},
}

// areNumbers reports whether arg is one or two numbers as messages have them, with
// a space between them.
func areNumbers(arg []byte) bool {
	first, second, two := bytes.Cut(arg, []byte(" "))
	return isNumber(first) && (!two || isNumber(second))
}

// isNumber reports whether b is a decimal number of at most 10 digits.
func isNumber(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return 0 < len(b) && len(b) <= 10
}
