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

// secretWords are the words whose values are secrets, and ordinaryWords all others.
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
	for _, part := range []string{"secret", "ticket", "hmac", "_key", "passw", "token"} {
		if strings.Contains(lower(name), part) {
			return true
		}
	}
	return nearest(name, secretWords) != ""
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
		if c := src[i]; c != '=' && c != ':' && c != '"' {
			continue
		}
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
		if src[i] != '"' {
			i++ // behind the sign, where the value begins
		}
		s := valueAt(src, i)
		found = append(found, s)
		i = max(i, s.to-1)
	}
	return found
}

// nameBefore returns the name before src[i], which is a sign that a value may stand
// behind, or "".
func nameBefore(src []byte, i int) string {
	before := bytes.TrimRight(src[:i], " \t")
	if src[i] == '"' && len(before) == i {
		return "" // the end of a text
	}
	before = bytes.TrimSuffix(before, []byte{'"'})
	first := len(before)
	for first > 0 && isNamePart(before[first-1]) {
		first--
	}
	return string(before[first:])
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
	hereDocument = regexp.MustCompile(`^<<-?([^ \t\r]+)[ \t]*\r?$`)
)

// valueAt returns what is secret in the value that begins at src[i], behind blanks:
// what stands in quotes, or else all up to the end of the line.
func valueAt(src []byte, i int) span {
	i = afterBlanks(src, i)
	line, rest, _ := bytes.Cut(src[i:], []byte{'\n'})
	if fromElsewhere.Match(line) {
		return span{i, i}
	}
	if m := plainText.FindSubmatchIndex(line); m != nil {
		return span{i + m[2], i + m[3]}
	}
	end := i + len(line)
	if m := hereDocument.FindSubmatch(line); m != nil {
		for len(rest) > 0 {
			end = len(src) - len(rest)
			if line, rest, _ = bytes.Cut(rest, []byte{'\n'}); bytes.Equal(bytes.TrimSpace(line), m[1]) {
				break
			}
			end += len(line)
		}
	}
	return span{i, end}
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

// concealed replaces those of the syntax errors in diags that are about a secret:
// hcl's own words may hold a part of it.
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
