package main

import (
	"io"
	"strings"
	"unicode/utf8"
)

// fact is a line of what is known of something.
type fact struct{ name, text string }

// maxFact bounds a fact's text, in characters.
const maxFact = 300

// factLines are the facts that have a text, one a line.
func factLines(facts []fact) []string {
	wide := 0
	for _, f := range facts {
		if f.text != "" {
			wide = max(wide, utf8.RuneCountInString(f.name))
		}
	}
	var lines []string
	for _, f := range facts {
		if f.text != "" {
			pad := strings.Repeat(" ", wide-utf8.RuneCountInString(f.name)+columnGap)
			lines = append(lines, f.name+pad+oneLine(f.text, maxFact))
		}
	}
	return lines
}

func writeFacts(w io.Writer, facts []fact) error { return writeLines(w, factLines(facts)) }

func writeLines(w io.Writer, lines []string) error {
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}
