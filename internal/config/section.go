package config

import (
	"bytes"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// section is one block as it was written: values that were read, blocks within.
type section struct {
	is      *block
	label   string
	at      hcl.Range            // the header; where the block isn't written, the start of the first file
	values  map[string]*value    // by word; nil: written, but wrong
	blocks  []*section           // in the order of the files
	headers map[string]hcl.Range // of blocks, by kind and label
}

func newSection(b *block) *section {
	return &section{is: b, values: make(map[string]*value, len(b.words))}
}

// read adds to s what body holds. It is called once a file for the top of the
// document, and once for each block.
func (l *loader) read(s *section, body *hclsyntax.Body) {
	for name, attr := range body.Attributes {
		w := s.is.word(name)
		switch {
		case l.spoiled(attr.SrcRange):
			s.values[name] = nil
		case w == nil:
			l.unknown(s, name, attr.NameRange)
		case s.values[name] != nil:
			l.fail(attr.NameRange, "Word written twice", "%s stands at %s already: keep one of the two.", name, place(s.values[name].name))
		default:
			s.values[name] = l.value(w, attr)
		}
	}
	for _, b := range body.Blocks {
		is := s.is.block(b.Type)
		if is == nil {
			l.unknown(s, b.Type, b.TypeRange)
			continue
		}
		inner := newSection(is)
		inner.at = b.DefRange()
		inner.label = l.blockLabel(is, b)
		l.unique(s, inner)
		l.read(inner, b.Body)
		s.blocks = append(s.blocks, inner)
	}
	if s.is != document {
		l.required(s)
	}
}

// unknown reports a word or block that s doesn't have.
func (l *loader) unknown(s *section, name string, at hcl.Range) {
	if shown := l.files[at.Filename].Bytes; !bytes.Contains(shown[at.Start.Byte:at.End.Byte], []byte(name)) {
		l.fail(at, unreadable.summary, "%s", unreadable.detail) // masked: a secret on a line of its own
		return
	}
	where := "at the top of a file"
	if s.is.name != "" {
		where = "in " + s.is.a()
	}
	if w := s.is.word(name); w != nil {
		l.fail(at, "Value expected here", "%s is not a block but %s: write %s = %s.", name, w.kind.noun(), name, w.like)
		return
	}
	if s.is.block(name) != nil {
		l.fail(at, "Block expected here", "%s is a block: write %s { … } without an equals sign.", name, name)
		return
	}
	hint := didYouMean(name, s.is.names())
	homes, within := document.home(name), s.is.home(name)
	switch {
	case len(within) > 0:
		hint = belongs(within)
	case document.word(name) != nil || document.block(name) != nil:
		hint = " It belongs at the top of a file, outside all blocks."
	case len(homes) > 0:
		hint = belongs(homes)
	}
	l.fail(at, "Unknown configuration word", "There is no %q %s.%s Known here: %s.", name, where, hint, strings.Join(s.is.names(), ", "))
}

// belongs is the sentence that names the kinds of blocks for a word.
func belongs(homes []string) string {
	return " It belongs in a block of the kind " + strings.Join(homes, " or ") + "."
}

// blockLabel checks and returns the label of b.
func (l *loader) blockLabel(is *block, b *hclsyntax.Block) string {
	if !is.labelled {
		if len(b.Labels) > 0 {
			l.fail(b.LabelRanges[0], "Unexpected block label", "%s has no name: write %s { … }.", capital(is.a()), is.name)
		}
		return ""
	}
	if len(b.Labels) == 0 {
		l.fail(b.TypeRange, "Missing block label", "%s needs a name of its own: write %s \"name\" { … }.", capital(is.a()), is.name)
		return ""
	}
	if len(b.Labels) > 1 {
		l.fail(b.LabelRanges[1], "Unexpected block label", "%s has one name only: take this one away.", capital(is.a()))
	}
	if !validLabel(b.Labels[0]) {
		l.fail(b.LabelRanges[0], "Invalid block label",
			"Names of blocks stand in logs and metrics: write 1 to %d ASCII letters, digits and characters like . _ - @, without spaces and quotes.", maxLabel)
	}
	return b.Labels[0]
}

// capital begins a sentence with s, which begins with an ASCII letter.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// maxLabel is the longest name of a block, in octets.
const maxLabel = 64

// validLabel reports whether s can name a block: visible ASCII without quotes and
// backslashes, so that it stays one word in logs, metrics and on command lines.
func validLabel(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || strings.IndexByte("\"'`\\", s[i]) >= 0 {
			return false
		}
	}
	return s != "" && len(s) <= maxLabel
}

// unique reports inner if s holds a block of its kind and name already.
func (l *loader) unique(s, inner *section) {
	key := inner.is.name + "\x00" + inner.label
	first, taken := s.headers[key]
	switch {
	case !taken:
		if s.headers == nil {
			s.headers = make(map[string]hcl.Range)
		}
		s.headers[key] = inner.at
	case !inner.is.labelled:
		l.fail(inner.at, "Duplicate single block", "There can be one %s block only, and one stands at %s: write everything in one.", inner.is.name, place(first))
	case inner.label != "":
		l.fail(inner.at, "Duplicate block label", "There is a %s %q at %s already: give this one another name.", inner.is.name, inner.label, place(first))
	}
}

// required reports the words that s must have and doesn't.
func (l *loader) required(s *section) {
	if l.incomplete {
		return
	}
	for i := range s.is.words {
		w := &s.is.words[i]
		if _, written := s.values[w.name]; w.required && !written {
			l.fail(s.at, "Missing required word", "%s needs %s: add %s = %s with your own value.", capital(s.is.a()), w.name, w.name, w.like)
		}
	}
}

// get returns the value of a word: what was written, or else its default.
func (s *section) get(name string) *value {
	if v := s.values[name]; v != nil {
		return v
	}
	w := s.is.word(name)
	if w == nil {
		panic("config: " + s.is.name + " has no word " + name)
	}
	return w.standard(s.at)
}

// wrong reports whether the word was written with a value that was refused.
func (s *section) wrong(name string) bool {
	v, written := s.values[name]
	return written && v == nil
}

// all returns the blocks of one kind within s.
func (s *section) all(b *block) []*section {
	var found []*section
	for _, inner := range s.blocks {
		if inner.is == b {
			found = append(found, inner)
		}
	}
	return found
}

// one returns the block of that kind within s, or an empty one.
func (s *section) one(b *block) *section {
	for _, inner := range s.blocks {
		if inner.is == b {
			return inner
		}
	}
	inner := newSection(b)
	inner.at = s.at
	return inner
}
