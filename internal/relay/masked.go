package relay

import "bytes"

// Masked is what may be told of a client's line: the keyword, if it is one of the
// commands of a session after its login, and the numbers behind it. Whatever else a
// client says may be a secret in the wrong place. Of other lines, for which known is
// false, nothing is told, not even the length: it may be a password's.
func Masked(line []byte) (text string, known bool) {
	line = bytes.TrimRight(line, "\r\n")
	keyword, arg, hasArg := bytes.Cut(line, []byte(" "))
	for _, command := range shown {
		switch {
		case !isWord(keyword, command.keyword):
		case !hasArg:
			return command.text, true
		case command.numbers && areNumbers(arg):
			return command.text + " " + string(arg), true
		default:
			return command.text + " " + hidden, true
		}
	}
	return "(unknown command)", false
}

// hidden stands for what isn't told.
const hidden = "***"

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
