package logs

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"
)

// repeated is the message of the line that stands for those left out.
const repeated = "repeated"

// sampledKeys tell lines of one message apart: the value of the first of these
// that a line has. Ten backends that are down are ten kinds of line.
var sampledKeys = []string{
	"backend", "address", "host", "certificate", "listener", "networks", "socket", "call", "at", "message",
}

// maxText bounds what is kept of a message and of a value, in octets.
const maxText = 200

// kind is what lines have in common that are the same but for details.
type kind struct {
	level   hclog.Level
	message string
	key     string // one of sampledKeys, or ""
	value   string
	quoted  bool // value was an hclog.Quote, and has to be one again
}

// kindOf looks at a line's message and arguments, without those of the logger.
func kindOf(level hclog.Level, message string, args []any) kind {
	k := kind{level: level, message: cut(message)}
	best, found := len(sampledKeys), any(nil)
	for i := 0; i+1 < len(args); i += 2 {
		key, _ := args[i].(string)
		if rank := slices.Index(sampledKeys[:best], key); rank >= 0 {
			best, found = rank, args[i+1]
		}
	}
	if best < len(sampledKeys) {
		k.key = sampledKeys[best]
		k.value, k.quoted = textOf(found)
	}
	return k
}

// textOf is the text of a value, bounded.
func textOf(value any) (text string, quoted bool) {
	switch v := value.(type) {
	case string:
		return cut(v), false
	case hclog.Quote:
		return cut(string(v)), true
	}
	return cut(fmt.Sprint(value)), false // also of a nil pointer with methods
}

// cut bounds a text, at the end of a character.
func cut(text string) string {
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for end > maxText-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// clone lets go of what its texts were cut from.
func (k kind) clone() kind {
	k.message, k.value = strings.Clone(k.message), strings.Clone(k.value)
	return k
}

// args are those of the line that stands for r.left others.
func (r row) args() []any {
	args := []any{"repeated_message", fit(r.message, false), "count", r.left}
	if r.key != "" {
		args = append(args, r.key, fit(r.value, r.quoted))
	}
	return args
}

// fit keeps a text on its line: hclog writes one with line feeds below it.
func fit(text string, quoted bool) any {
	if quoted || strings.IndexFunc(text, unicode.IsControl) >= 0 {
		return hclog.Quote(text)
	}
	return text
}
