package proxy

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxForeign bounds foreign text in a log, in octets before escaping. One TLS
// hello made a line of 159,592 octets without it.
const maxForeign = 200

// foreign makes text of strangers fit for a log value: printable, one line,
// bounded, with no `=` or quote that could pass for another value.
func foreign(text string) string {
	cut := ""
	if len(text) > maxForeign {
		text, cut = text[:maxForeign], "..."
	}
	if strings.IndexFunc(text, unfit) < 0 && utf8.ValidString(text) {
		return text + cut
	}
	var b strings.Builder
	for rest := text; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		switch {
		case r == utf8.RuneError && size == 1, r < utf8.RuneSelf && unfit(r):
			b.WriteString(`\x`)
			if rest[0] < 0x10 {
				b.WriteByte('0')
			}
			b.WriteString(strconv.FormatUint(uint64(rest[0]), 16))
		case unfit(r):
			b.WriteString(`\u{` + strconv.FormatInt(int64(r), 16) + `}`)
		default:
			b.WriteString(rest[:size])
		}
		rest = rest[size:]
	}
	return b.String() + cut
}

// unfit reports whether r could end, split or forge a value.
func unfit(r rune) bool { return !unicode.IsPrint(r) || r == '"' || r == '\\' || r == '=' }
