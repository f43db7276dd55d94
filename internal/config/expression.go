package config

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"popgate/internal/expr"
)

// compile makes a program of e and notes how that is written.
func (l *loader) compile(e hclsyntax.Expression, want expr.Type) (*expr.Program, hcl.Diagnostics) {
	p, diags := expr.Compile(e, want)
	if p == nil {
		return nil, diags
	}
	if l.expressions == nil {
		l.expressions = make(map[*expr.Program]string)
	}
	at := e.Range()
	l.expressions[p] = asWritten(l.sources[at.Filename][at.Start.Byte:at.End.Byte])
	return p, diags
}

// asWritten returns the text of an expression as it stands in src, but for
// comments, which are no part of what is in force and may tell anything, and for
// control characters in quotes, which become escapes.
func asWritten(src []byte) string {
	// A heredoc at the end needs the newline to be whole.
	tokens, _ := hclsyntax.LexExpression(append(bytes.Clone(src), '\n'), "", hcl.InitialPos)
	out, last := make([]byte, 0, len(src)), 0
	for _, t := range tokens {
		from, to := t.Range.Start.Byte, min(t.Range.End.Byte, len(src))
		if from >= to {
			break
		}
		out = append(out, src[last:from]...) // blanks
		last = to
		switch t.Type {
		case hclsyntax.TokenComment:
			out = endComment(out, src[from:to])
		case hclsyntax.TokenQuotedLit:
			for _, r := range string(src[from:to]) {
				if r == '"' || r == '\\' {
					out = append(out, byte(r)) // an escape already
				} else {
					out = append(out, visibly(r)...)
				}
			}
		case hclsyntax.TokenNewline:
			out = append(out, '\n')
		default:
			out = append(out, src[from:to]...)
		}
	}
	return string(out)
}

// endComment puts into out, in the place of a comment, what it separates: the end
// of its line, or a blank.
func endComment(out, comment []byte) []byte {
	if !bytes.HasSuffix(comment, []byte("\n")) {
		return append(out, ' ')
	}
	out = bytes.TrimRight(out, " \t")
	if bytes.HasSuffix(out, []byte("\n")) {
		return out
	}
	return append(out, '\n')
}
