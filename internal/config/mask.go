package config

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// span is a part of a file, in octets: from the first to before the last.
type span struct{ from, to int }

// secretWords are the words whose values are secrets, and ordinaryWords all others
// and the kinds of blocks.
var secretWords, ordinaryWords = document.bySecrecy()

// bySecrecy sorts the words at any depth below b.
func (b *block) bySecrecy() (secret []string, ordinary map[string]bool) {
	ordinary = make(map[string]bool)
	for _, w := range b.words {
		if w.secret {
			secret = append(secret, w.name)
		} else {
			ordinary[w.name] = true
		}
	}
	for _, inner := range b.blocks {
		ordinary[inner.name] = true
		s, o := inner.bySecrecy()
		secret = append(secret, s...)
		maps.Copy(ordinary, o)
	}
	return secret, ordinary
}

// secretive reports whether what is written behind name is, or was probably meant
// to be, a secret.
func secretive(name string) bool {
	if ordinaryWords[name] {
		return false
	}
	given := lower(name)
	for _, part := range []string{"secret", "ticket", "hmac", "_key", "passw", "token"} {
		if strings.Contains(given, part) {
			return true
		}
	}
	return strings.HasSuffix(given, "key") || strings.HasSuffix(given, "mac") || nearest(name, secretWords) != ""
}

// mask returns src as it may be shown, with an asterisk for each octet of a
// secret, and where those are. body is what src was parsed into, as far as it was.
func mask(src []byte, body *hclsyntax.Body) (shown []byte, secrets []span) {
	secrets = append(written(src), parsed(src, body)...)
	if len(secrets) == 0 {
		return src, nil
	}
	shown = bytes.Clone(src)
	for _, s := range secrets {
		for i := s.from; i < s.to; i++ {
			if shown[i] != '\n' && shown[i] != '\r' {
				shown[i] = '*'
			}
		}
	}
	return shown, secrets
}

// written finds the secrets in src by their looks, as they must be found where the
// syntax is wrong, too.
func written(src []byte) []span {
	var found []span
	secret := make(map[string]bool) // of the names so far
	for i := 0; i < len(src); i++ {
		name := nameBefore(src, i)
		if name == "" {
			continue
		}
		is, known := secret[name]
		if !known {
			is = secretive(name)
			secret[name] = is
		}
		if !is {
			continue
		}
		var s span
		switch src[i] {
		case '{':
			s = span{i + 1, endOf(src, i)}
		case '=', ':':
			s = valueAt(src, i+1)
		default:
			s = valueAt(src, i)
		}
		found = append(found, s)
		i = max(i, s.to-1)
	}
	return found
}

// signs are what a value or a block may stand behind, or begin with.
const signs = `=:"{`

// nameBefore returns the name before src[i], or "" where no value can be expected
// there: there is one of signs, or the name is the first of a line or block.
func nameBefore(src []byte, i int) string {
	sign := strings.IndexByte(signs, src[i]) >= 0
	if !sign && (i == 0 || isNamePart(src[i]) || !isNamePart(src[i-1])) {
		return ""
	}
	before := bytes.TrimRight(src[:i], " \t\r\n")
	if src[i] == '"' && len(before) == i {
		return "" // the end of a text
	}
	bare := bytes.TrimSuffix(before, []byte{'"'})
	first := len(bare)
	for first > 0 && isNamePart(bare[first-1]) {
		first--
	}
	name := string(bare[first:])
	ahead := bytes.TrimRight(bytes.TrimSuffix(bare[:first], []byte{'"'}), " \t")
	begins := len(ahead) == 0 || strings.IndexByte("\n{,;", ahead[len(ahead)-1]) >= 0
	if quoted := len(bare) < len(before); src[i] == '{' && quoted && !begins {
		return "" // a label
	}
	if !sign {
		next := afterBlanks(src, i)
		if !begins || len(bytes.TrimSuffix(lineAt(src, next), []byte{'\r'})) == 0 || strings.IndexByte(signs, src[next]) >= 0 {
			return "" // or else told by what is next
		}
	}
	return name
}

func isNamePart(c byte) bool {
	return c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

var (
	// fromElsewhere is a value that doesn't stand here.
	fromElsewhere = regexp.MustCompile(`^(?:env|file)\([ \t]*"[^"]*"[ \t]*\)[ \t]*(?:#.*|//.*|\}.*)?\r?$`)
	// plainText is a text with nothing behind it but a comment or the end of a block.
	plainText = regexp.MustCompile(`^"((?:[^"\\]|\\.)*)"[ \t]*(?:#.*|//.*|\}.*)?\r?$`)
	// hereDocument is the beginning of a text of several lines.
	hereDocument = regexp.MustCompile(`<<-?([^ \t\r"]+)[ \t]*\r?$`)
	// closing is a line that does nothing but end blocks or lists.
	closing = regexp.MustCompile(`^[ \t]*[)\]}][)\]} \t]*\r?$`)
	// item is the beginning of a line that gives a value or begins a block.
	item = regexp.MustCompile(`^[ \t]*"?([A-Za-z0-9_-]+)"?[ \t]*[=:"{]`)
)

// valueAt returns what is secret in the value that begins at src[i], behind blanks:
// what stands in quotes, or else all up to the end of the last line of it.
func valueAt(src []byte, i int) span {
	i = afterBlanks(src, i)
	line := lineAt(src, i)
	first, end := i+len(line), endOf(src, i)
	if end > first && len(bytes.TrimSpace(line)) == 0 {
		return valueAt(src, first+1) // on a line of its own
	}
	if fromElsewhere.Match(line) {
		if end > first {
			return span{first, end}
		}
		return span{i, i}
	}
	if m := plainText.FindSubmatchIndex(line); m != nil && end == first {
		if !isAside(line[m[3]+1:]) {
			return span{i + m[2], end}
		}
		return span{i + m[2], i + m[3]}
	}
	return span{i, end}
}

// isAside reports whether what stands behind a text in quotes is nothing, or a
// comment that is set off from it and has no quote without its twin. Anything else
// may be the rest of a secret with quotes in it.
func isAside(behind []byte) bool {
	comment := bytes.TrimLeft(behind, "} \t\r")
	if len(comment) == 0 {
		return true
	}
	setOff := len(comment) < len(behind) && behind[len(behind)-len(comment)-1] != '}'
	return setOff && isComment(comment) && bytes.Count(comment, []byte{'"'})%2 == 0
}

// lineAt returns the rest of the line at src[i].
func lineAt(src []byte, i int) []byte {
	line, _, _ := bytes.Cut(src[i:], []byte{'\n'})
	return line
}

// endOf returns the end of the last line of what begins at src[i]: where nothing is
// open, no operand is missing, and the next line is something of its own.
func endOf(src []byte, i int) int {
	var r reading
	line := lineAt(src, i)
	end := i + len(line)
	r.read(line)
	for at := end + 1; at < len(src); at += len(line) + 1 {
		line = lineAt(src, at)
		text := bytes.TrimSpace(line)
		if len(text) == 0 || r.complete() && isComment(text) {
			continue // what is behind may go on
		}
		if r.endsBefore(text) {
			break
		}
		end = at + len(line)
		r.read(line)
	}
	return end
}

// reading is what is known of a value from the lines that were read. It is no
// parser: what is written may be wrong, and then rather too much is secret.
type reading struct {
	open       []byte // brackets, quotes, and an asterisk for a comment, the innermost last
	marker     string // ends a here-document; "": there is none
	unfinished bool   // something must follow, as behind an operator
}

func (r *reading) complete() bool { return len(r.open) == 0 && r.marker == "" && !r.unfinished }

// innermost returns the last of what is open, or 0.
func (r *reading) innermost() byte {
	if len(r.open) == 0 {
		return 0
	}
	return r.open[len(r.open)-1]
}

func (r *reading) pop() { r.open = r.open[:len(r.open)-1] }

// read reads one line.
func (r *reading) read(line []byte) {
	text := bytes.TrimSpace(line)
	if r.marker != "" {
		if string(text) == r.marker {
			r.marker = ""
		}
		return
	}
	if len(text) > 0 && strings.IndexByte(")]}", text[0]) >= 0 && !closes(r.innermost(), text[0]) && !r.inText() {
		r.open = nil // whoever wrote it forgot what was open
	}
	code := bytes.TrimSpace(line[:r.brackets(line)])
	if m := hereDocument.FindSubmatch(code); m != nil && !r.inText() {
		r.marker = string(m[1])
	}
	if len(code) > 0 {
		r.unfinished = strings.IndexByte(`+-*/%?:=&|!<>,.\~^`, code[len(code)-1]) >= 0 && r.marker == ""
	} else if len(r.open) == 0 {
		r.unfinished = true
	}
}

// inText reports whether brackets don't count.
func (r *reading) inText() bool { return r.innermost() == '"' || r.innermost() == '*' }

// brackets notes what line opens and closes, and returns where a comment begins
// that ends with the line, or the length of the line.
func (r *reading) brackets(line []byte) int {
	for i := 0; i < len(line); i++ {
		c, rest := line[i], line[i:]
		switch in := r.innermost(); {
		case in == '"' && c == '\\':
			i++
		case in == '"' && (bytes.HasPrefix(rest, []byte("$${")) || bytes.HasPrefix(rest, []byte("%%{"))):
			i += 2
		case in == '"' && (bytes.HasPrefix(rest, []byte("${")) || bytes.HasPrefix(rest, []byte("%{"))):
			r.open = append(r.open, '{')
			i++
		case in == '*' && bytes.HasPrefix(rest, []byte("*/")):
			r.pop()
			i++
		case in == '"' && c != '"', in == '*':
		case closes(in, c):
			r.pop()
		case c == '#' || bytes.HasPrefix(rest, []byte("//")):
			return i
		case bytes.HasPrefix(rest, []byte("/*")):
			r.open = append(r.open, '*')
			i++
		case strings.IndexByte(`"([{`, c) >= 0:
			r.open = append(r.open, c)
		}
	}
	return len(line)
}

// closes reports whether c ends what open began.
func closes(open, c byte) bool {
	switch open {
	case '(':
		return c == ')'
	case '[':
		return c == ']'
	case '{':
		return c == '}'
	}
	return open == '"' && c == '"'
}

// endsBefore reports whether the next line, which is not empty, is no part of what
// was read.
func (r *reading) endsBefore(text []byte) bool {
	switch in := r.innermost(); {
	case r.marker != "":
		return false
	case r.complete():
		// Nothing of its own begins with an operator, a quote or a digit.
		c := text[0]
		return c == '}' || c == '_' || c >= 0x80 || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	case len(r.open) == 0 || r.inText():
		return closing.Match(text) || isItem(text)
	default:
		return closing.Match(text) && !closes(in, text[0])
	}
}

// isItem reports whether text begins with a word or block that there is.
func isItem(text []byte) bool {
	m := item.FindSubmatch(text)
	return m != nil && (ordinaryWords[string(m[1])] || slices.Contains(secretWords, string(m[1])))
}

// isComment reports whether text is nothing but a comment.
func isComment(text []byte) bool {
	return text[0] == '#' || bytes.HasPrefix(text, []byte("//"))
}

// afterBlanks returns where in src[i:] something else begins.
func afterBlanks(src []byte, i int) int {
	for i < len(src) && (src[i] == ' ' || src[i] == '\t') {
		i++
	}
	return i
}

// parsed finds the secrets in what was parsed, however they are written.
func parsed(src []byte, body *hclsyntax.Body) []span {
	if body == nil {
		return nil
	}
	var found []span
	for name, attr := range body.Attributes {
		if !secretive(name) || elsewhere(attr.Expr) {
			continue
		}
		// Where the syntax is wrong, hcl's ranges may end before they begin.
		at := attr.Expr.Range()
		s := span{afterBlanks(src, attr.EqualsRange.End.Byte), max(at.End.Byte, attr.SrcRange.End.Byte)}
		if value := src[at.Start.Byte:max(at.Start.Byte, at.End.Byte)]; isText(attr.Expr) && inQuotes(value) {
			s = span{at.Start.Byte + 1, at.End.Byte - 1} // the quotes may be shown
		}
		found = append(found, s)
	}
	for _, b := range body.Blocks {
		if secretive(b.Type) {
			s := span{b.OpenBraceRange.End.Byte, max(b.CloseBraceRange.End.Byte, b.Body.SrcRange.End.Byte)}
			if len(b.LabelRanges) > 0 {
				s.from = b.LabelRanges[0].Start.Byte
			}
			found = append(found, s)
		}
		found = append(found, parsed(src, b.Body)...)
	}
	return found
}

// inQuotes reports whether a value begins and ends with a quote.
func inQuotes(value []byte) bool {
	return len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"'
}

// elsewhere reports whether e calls env or file with a text, and is nothing else.
func elsewhere(e hclsyntax.Expression) bool {
	call, ok := e.(*hclsyntax.FunctionCallExpr)
	return ok && (call.Name == "env" || call.Name == "file") && len(call.Args) == 1 && isText(call.Args[0])
}

// isText reports whether e is a text and nothing else.
func isText(e hclsyntax.Expression) bool {
	text, ok := e.(*hclsyntax.TemplateExpr)
	return ok && text.IsStringLiteral()
}

// concealed replaces those of diags that are about a secret: their words may hold a
// part of it.
func concealed(diags hcl.Diagnostics, secrets []span) hcl.Diagnostics {
	for _, d := range diags {
		at := d.Subject.Start.Byte
		if slices.ContainsFunc(secrets, func(s span) bool { return s.from <= at && at <= s.to && s.from < s.to }) {
			conceal(d)
		}
	}
	return diags
}

// discreet replaces those of the problems with evaluating a secret that aren't
// about the arguments of env and file, which are none.
func discreet(diags hcl.Diagnostics) hcl.Diagnostics {
	for _, d := range diags {
		if !strings.HasSuffix(d.Summary, " function argument") && !strings.HasSuffix(d.Summary, " function arguments") {
			conceal(d)
		}
	}
	return diags
}

// conceal leaves of d nothing but its place.
func conceal(d *hcl.Diagnostic) {
	*d = hcl.Diagnostic{Severity: d.Severity, Summary: unreadable.summary, Detail: unreadable.detail, Subject: d.Subject}
}

// unreadable is what is said of a secret that is no text.
var unreadable = fault{"Secret not readable",
	`This is meant as a secret, so it isn't shown, but it is not a text in quotes. A backslash in quotes is written \\, ${ is written $${, and %{ is written %%{. Better let it come from env("NAME") or file("path").`}
