package main

import (
	"fmt"
	"strings"
)

// roff writes a page of a manual in the language of man(7).
type roff struct{ out strings.Builder }

// newRoff begins a page. date and source, which says what it is part of, stand in
// its footer.
func newRoff(name string, section int, date, source string) *roff {
	r := new(roff)
	fmt.Fprintf(&r.out, ".TH %s %d %s %s\n", roffArgument(strings.ToUpper(name)), section, roffArgument(date), roffArgument(source))
	// Deliberate: words are not cut, so that names can be searched and copied.
	r.out.WriteString(".nh\n.ad l\n")
	return r
}

func roffArgument(text string) string { return `"` + roffText(text) + `"` }

// section begins a section, of which name is the head.
func (r *roff) section(name string) { fmt.Fprintf(&r.out, ".SH %s\n", roffArgument(name)) }

// part begins a part of a section.
func (r *roff) part(name string) { fmt.Fprintf(&r.out, ".SS %s\n", roffArgument(name)) }

// paragraphs writes text that is broken into lines anew; an empty line ends a
// paragraph.
func (r *roff) paragraphs(text string) {
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		r.out.WriteString(".PP\n")
		r.lines(paragraph)
	}
}

// term writes a term in bold, behind it what takes its values, and what it means.
func (r *roff) term(name, values, meaning string) {
	r.out.WriteString(".TP\n\\fB" + roffText(name) + "\\fR")
	if values != "" {
		r.out.WriteString(" \\fI" + roffText(values) + "\\fR")
	}
	r.out.WriteByte('\n')
	r.lines(meaning)
}

// literal writes lines as they are.
func (r *roff) literal(text string) {
	r.out.WriteString(".PP\n.nf\n")
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		r.line(line)
	}
	r.out.WriteString(".fi\n")
}

func (r *roff) lines(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		r.line(strings.TrimSpace(line))
	}
}

// line writes one line of text, which can't be taken for a command.
func (r *roff) line(text string) {
	// A dot, an apostrophe or a space would mean something in the first column.
	r.out.WriteString(`\&` + roffText(text) + "\n")
}

// roffText writes a text so that it looks as it is, in each terminal.
func roffText(text string) string {
	var b strings.Builder
	for _, c := range text {
		switch c {
		case '\\':
			b.WriteString(`\e`)
		case '-': // else a hyphen, which can't be copied into a shell
			b.WriteString(`\-`)
		case '\'':
			b.WriteString(`\(aq`)
		case '"':
			b.WriteString(`\(dq`)
		case '`':
			b.WriteString(`\(ga`)
		case '^':
			b.WriteString(`\(ha`)
		case '~':
			b.WriteString(`\(ti`)
		default:
			if c < 0x80 {
				b.WriteRune(c)
			} else {
				fmt.Fprintf(&b, `\[u%04X]`, c)
			}
		}
	}
	return b.String()
}
