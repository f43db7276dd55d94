package config

import (
	"fmt"
	"strings"
)

// writer writes blocks as a config.hcl.
type writer struct{ text strings.Builder }

// body writes the words of p, which is of the kind b, and the blocks within.
func (w *writer) body(b *block, p part, indent string) {
	literals, longest := make([]string, len(b.words)), 0
	for i := range b.words {
		literals[i] = literal(&b.words[i], p.words[b.words[i].name], indent)
		if literals[i] != "" {
			longest = max(longest, len(b.words[i].name))
		}
	}
	for i := range b.words {
		if literals[i] != "" {
			fmt.Fprintf(&w.text, "%s%-*s = %s\n", indent, longest, b.words[i].name, literals[i])
		}
	}
	first := longest == 0
	for _, kind := range b.blocks {
		for _, inner := range p.blocks {
			if inner.is != kind {
				continue
			}
			if !first {
				w.text.WriteByte('\n')
			}
			first = false
			w.block(inner, indent)
		}
	}
}

// block writes p with its braces.
func (w *writer) block(p part, indent string) {
	w.text.WriteString(indent + p.is.name)
	if p.is.labelled {
		w.text.WriteString(" " + Quote(p.label))
	}
	w.text.WriteString(" {\n")
	w.body(p.is, p, indent+"  ")
	w.text.WriteString(indent + "}\n")
}
