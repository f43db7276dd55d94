package config

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode"
)

// expression is the text of one, as it is written.
type expression string

// literal writes a value as it stands behind word and equals sign, "" where it is
// left out. v is what Config has for the word: a string, an int, a bool, a list of
// strings or networks, a time, a [Rate], a [Secret], or an expression; nil and empty ones are left out, or off where the word can be.
func literal(w *word, v any, indent string) string {
	if secret, is := v.(Secret); w.secret || is {
		return masked(is && secret.Empty())
	}
	switch v := v.(type) {
	case nil:
		return ""
	case expression:
		return string(v)
	case string:
		return textLiteral(w, v)
	case []string:
		if len(v) == 0 && w.def == nil {
			return ""
		}
		return list(v, indent)
	case []netip.Prefix:
		if v == nil {
			return ""
		}
		texts := make([]string, len(v))
		for i, p := range v {
			texts[i] = p.String()
		}
		return list(texts, indent)
	case time.Duration:
		if v == 0 {
			return ""
		}
		return Quote(short(v))
	case Rate:
		return Quote(v.text())
	default:
		return fmt.Sprint(v)
	}
}

// masked stands in the place of a secret.
func masked(none bool) string {
	if none {
		return ""
	}
	return Quote(secretWord)
}

func textLiteral(w *word, s string) string {
	switch {
	case s == "" && w.off:
		return Quote(off)
	case s == "":
		return ""
	default:
		return Quote(s)
	}
}

// lineRoom is the longest line of a list, in octets.
const lineRoom = 100

// list writes texts in brackets, on several lines where one is too long.
func list(texts []string, indent string) string {
	quoted := make([]string, len(texts))
	for i, s := range texts {
		quoted[i] = Quote(s)
	}
	one := "[" + strings.Join(quoted, ", ") + "]"
	if len(indent)+len(one) <= lineRoom {
		return one
	}
	var b strings.Builder
	b.WriteString("[")
	used := lineRoom // the first one begins a line
	for _, q := range quoted {
		if used+len(q)+2 > lineRoom {
			b.WriteString("\n" + indent + "  " + q + ",")
			used = len(indent) + 2 + len(q) + 1
			continue
		}
		b.WriteString(" " + q + ",")
		used += len(q) + 2
	}
	b.WriteString("\n" + indent + "]")
	return b.String()
}

// Quote writes s as a text in quotes that means s in a configuration, in visible
// characters only: neither is a part of it taken for a template, nor does it
// command a terminal. What isn't UTF-8 can't be written, and becomes U+FFFD.
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString("\\" + string(r))
		case (r == '$' || r == '%') && strings.HasPrefix(s[i+1:], "{"):
			b.WriteString(strings.Repeat(string(r), 2))
		default:
			b.WriteString(visibly(r))
		}
	}
	b.WriteByte('"')
	return b.String()
}

// visibly returns r as it may stand in a text in quotes, where it is neither a
// quote nor a backslash.
func visibly(r rune) string {
	switch {
	case unicode.IsPrint(r):
		return string(r)
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	default:
		return fmt.Sprintf(`\U%08x`, r)
	}
}
