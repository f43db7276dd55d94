package route

import (
	"slices"
	"strings"
)

// withheld are the capabilities that no backend can make popgate promise before
// login: popgate says its own about logging in, and the rest can't be held by a
// proxy that doesn't know the backend yet (Outlook breaks on a UTF8 that the
// backend lacks).
var withheld = []string{
	"USER", "SASL", "STLS", "RESP-CODES", "AUTH-RESP-CODE",
	"UTF8", "LANG", "EXPIRE", "IMPLEMENTATION",
}

// Capabilities returns what CAPA can promise before login on behalf of the
// backends: the lines that all of them declare, in the first one's order and
// spelling, each once; PIPELINING only if each declares it, like any other. Lines
// are compared whole, with ASCII case folded: two backends with different
// arguments share nothing. Never among them are the capabilities about logging
// in, which are popgate's own to list, nor UTF8, LANG, EXPIRE and IMPLEMENTATION.
func (t *Table) Capabilities() []string { return slices.Clone(t.capabilities) }

// shared returns what Capabilities promises.
func shared(backends []*Backend) []string {
	if len(backends) == 0 {
		return nil
	}
	counts := make(map[string]int)
	for _, b := range backends {
		own := make(map[string]bool, len(b.Capabilities))
		for _, line := range b.Capabilities {
			own[fold(line)] = true
		}
		for key := range own {
			counts[key]++
		}
	}
	var lines []string
	for _, line := range backends[0].Capabilities {
		key := fold(line)
		tag, _, _ := strings.Cut(line, " ")
		if counts[key] == len(backends) && !slices.Contains(withheld, strings.ToUpper(tag)) {
			lines = append(lines, line)
			delete(counts, key)
		}
	}
	return lines
}

// validCapability reports whether line can stand in a CAPA reply.
//
// RFC 2449 §3: a tag without a dot, then parameters, each set off by one space;
// printable ASCII; at most 512 octets with CRLF.
func validCapability(line string) bool {
	for word := range strings.SplitSeq(line, " ") {
		if word == "" || strings.ContainsFunc(word, func(r rune) bool { return r < '!' || r > '~' }) {
			return false
		}
	}
	tag, _, _ := strings.Cut(line, " ")
	return !strings.Contains(tag, ".") && len(line) <= 510
}
