package admin

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"
)

// maxText bounds foreign text on the wire, maxBrief within a sentence, maxLogged
// in a log line, in octets.
const (
	maxText   = 1000
	maxBrief  = 300
	maxLogged = 300
)

// printable makes the text of a CA or a certificate fit for a terminal: bounded,
// on one line, without anything that moves a cursor.
func printable(text string) string {
	text, cut := bound(text, maxText)
	return visible(text) + cut
}

// visible is text of any length on one line, without anything that moves a cursor.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// brief is printable text within a sentence of popgate's own.
func brief(text string) string {
	text, cut := bound(text, maxBrief)
	return printable(text) + cut
}

// quoted makes foreign text fit for a log line: bounded and always in quotes, so
// that it can't forge a second key.
func quoted(text string) hclog.Quote {
	text, cut := bound(text, maxLogged)
	return hclog.Quote(text + cut)
}

// bound cuts text at a character's end.
func bound(text string, limit int) (short, cut string) {
	if len(text) <= limit {
		return text, ""
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit], "…"
}
