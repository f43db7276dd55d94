package config

import (
	"bytes"
	"regexp"

	"github.com/hashicorp/hcl/v2"
)

// withinLine lists hcl's syntax errors that spoil one attribute and leave the
// blocks around it as they were written. After any other one it isn't known what
// belongs where, and what was read would only bring wrong messages.
var withinLine = map[string]bool{
	"Attribute redefined":            true,
	"Invalid escape sequence":        true,
	"Invalid expression":             true,
	"Invalid number literal":         true,
	"Missing expression":             true,
	"Missing newline after argument": true,
}

// structured reports whether the blocks of a file with these syntax errors are
// worth reading.
func structured(diags hcl.Diagnostics) bool {
	for _, d := range diags {
		if !withinLine[d.Summary] {
			return false
		}
	}
	return true
}

// spoiled reports whether a syntax error was found in the lines of at.
func (l *loader) spoiled(at hcl.Range) bool {
	for _, t := range l.torn {
		if t.Filename == at.Filename && at.Start.Line <= t.Start.Line && t.Start.Line <= at.End.Line {
			return true
		}
	}
	return false
}

// bareTime is a time that was written without quotes, up to the end of its line.
var bareTime = regexp.MustCompile(`=[ \t]*([0-9.]+(?:ns|us|ms|s|m|h|d|min|sec)[0-9a-z]*)[ \t]*(?:#.*|//.*)?\r?$`)

// mended explains the syntax errors of one file that operators make most often
// in the words of this file rather than of hcl.
func mended(diags hcl.Diagnostics, src []byte) hcl.Diagnostics {
	for _, d := range diags {
		if d.Summary != "Missing newline after argument" {
			continue
		}
		from := bytes.LastIndexByte(src[:d.Subject.Start.Byte], '\n') + 1
		line, _, _ := bytes.Cut(src[from:], []byte{'\n'})
		if m := bareTime.FindSubmatch(line); m != nil {
			d.Summary = "Missing quotes here"
			d.Detail = `A time is written in quotes: "` + string(m[1]) + `".`
		}
	}
	return diags
}
