package config

import (
	"errors"
	"fmt"
	"os"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// socketWord is admin { socket }.
const socketWord = "socket"

// Socket finds admin { socket } in the configuration at path, its default where it
// isn't written, and "" where it is off. Nothing else is evaluated or checked: who
// asks a popgate that runs must not fail because of what stands elsewhere.
//
// The doubts are what could not be read, a line each: the socket may stand there.
// The error is that path can't be read at all, or that the socket itself is wrong.
func Socket(path string) (socket string, doubts []string, err error) {
	names, err := sources(path)
	if err != nil {
		return "", nil, fmt.Errorf("popgate can't read %q: %w", path, cause(err))
	}
	l := newLoader()
	found := newSection(adminBlock)
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			doubts = append(doubts, fmt.Sprintf("%s can't be read: %v", name, cause(err)))
			continue
		}
		if torn := l.parseSocket(found, name, src); torn != nil {
			doubts = append(doubts, fmt.Sprintf("%s can't be read: %s", place(*torn.Subject), torn.Summary))
		}
	}
	for _, d := range l.sorted() {
		if d.Severity == hcl.DiagError {
			return "", doubts, fmt.Errorf("%s: %s: %s", place(*d.Subject), d.Summary, d.Detail)
		}
	}
	if found.wrong(socketWord) {
		return "", doubts, errors.New("admin { socket } can't be read")
	}
	socket, _ = decodeUnlessOff(found, socketWord)
	return socket, doubts, nil
}

// parseSocket reads the socket in one file into found, and returns the first thing
// that spoils the file; nil: nothing does.
func (l *loader) parseSocket(found *section, name string, src []byte) *hcl.Diagnostic {
	file, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	var torn *hcl.Diagnostic
	for _, d := range diags {
		l.torn = append(l.torn, *d.Subject)
		if torn == nil {
			torn = d
		}
	}
	// What is left of a file whose blocks aren't known may be another block's.
	if file == nil || !structured(diags) {
		return torn
	}
	body, _, _ := file.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: adminBlock.name}}})
	for _, b := range body.Blocks {
		content, ok := b.Body.(*hclsyntax.Body)
		if !ok || content.Attributes[socketWord] == nil {
			continue
		}
		attr := content.Attributes[socketWord]
		if l.spoiled(attr.SrcRange) {
			continue
		}
		found.values[socketWord] = l.value(adminBlock.word(socketWord), attr)
	}
	return torn
}
