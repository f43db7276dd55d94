package config

import (
	"slices"
	"strings"
	"time"
)

// kind is the form in which a word's value is written.
type kind int

const (
	kindText      kind = iota // a string
	kindTexts                 // a list of strings
	kindNumber                // a whole number
	kindFlag                  // true or false
	kindPeriod                // a time such as "10m"
	kindRate                  // how often, such as "60/m", or "off"
	kindCondition             // an expression that gives a bool, evaluated at each login
	kindUserName              // an expression that gives a text, evaluated at each login
)

// noun says what a value of kind k is.
func (k kind) noun() string {
	switch k {
	case kindText:
		return "a text in quotes"
	case kindTexts:
		return "a list of texts in quotes"
	case kindNumber:
		return "a whole number without quotes"
	case kindFlag:
		return "true or false, without quotes"
	case kindPeriod:
		return "a time in quotes, with its unit"
	case kindRate:
		return "a rate in quotes, with its unit"
	case kindCondition:
		return "an expression that is true or false"
	default:
		return "an expression that gives a text"
	}
}

// word is one attribute of a block: how it is written, what it means when it
// isn't there, and what is allowed.
type word struct {
	name string
	kind kind
	like string // an example of a value, as it is written

	unit     string // what is counted, for docs and messages; "" where the kind says it, or nothing is
	required bool
	filled   bool // texts: an empty list isn't allowed, as it never is where required
	def      any  // nil: none; a string, []string, int or bool, a period and a rate as a string

	oneOf       []string                      // text and texts: nothing else is allowed
	least, most int                           // number: both included
	from, to    time.Duration                 // period: both included
	advised     time.Duration                 // period: below it a warning
	why         string                        // the reason for advised, a sentence
	clean       func(string) (string, *fault) // text and texts: checks one and gives its canonical form
	doubt       func(string) (unwise *fault)  // text and texts: allowed but unwise
	path        bool                          // text: a path, relative to the folder of the file that holds it
	off         bool                          // text: may be "off" as well, which clean, doubt and path don't see
	secret      bool                          // text: is never shown; clean and doubt must not tell it either
}

// count says what a number is one of: "number of connections", or just "number".
func (w *word) count() string {
	if w.unit == "" {
		return "number"
	}
	return "number of " + w.unit
}

// block is one kind of block: its words, and the blocks within. Labelled blocks
// may stand any number of times, each with a label of its own; others once.
type block struct {
	name     string
	of       string // the block that it stands in, where there are others of its name
	labelled bool
	words    []word
	blocks   []*block
}

// title names this kind of block: "tls", "listener's limits".
func (b *block) title() string {
	if b.of != "" {
		return b.of + "'s " + b.name
	}
	return b.name
}

// a names a block of this kind in the middle of a sentence: "a tls block".
func (b *block) a() string {
	if strings.ContainsAny(b.title()[:1], "aeiou") {
		return "an " + b.title() + " block"
	}
	return "a " + b.title() + " block"
}

// word returns the word of that name, or nil.
func (b *block) word(name string) *word {
	for i := range b.words {
		if b.words[i].name == name {
			return &b.words[i]
		}
	}
	return nil
}

// block returns the kind of block of that name that may stand in b, or nil.
func (b *block) block(name string) *block {
	for _, inner := range b.blocks {
		if inner.name == name {
			return inner
		}
	}
	return nil
}

// names lists what may be written in b, words first.
func (b *block) names() []string {
	var names []string
	for _, w := range b.words {
		names = append(names, w.name)
	}
	for _, inner := range b.blocks {
		names = append(names, inner.name)
	}
	return names
}

// home finds the blocks, at any depth below b, in which name may be written.
func (b *block) home(name string) []string {
	var homes []string
	for _, inner := range b.blocks {
		if inner.word(name) != nil || inner.block(name) != nil {
			homes = append(homes, inner.title())
		}
		homes = append(homes, inner.home(name)...)
	}
	slices.Sort(homes)
	return slices.Compact(homes)
}
