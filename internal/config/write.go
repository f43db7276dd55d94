package config

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// lineWidth is where explanations are wrapped, in columns.
const lineWidth = 78

// WriteDiagnostics writes diags to w as people read them: what is wrong, file and
// line, the source line, and how to mend it. files are those that [Load] or
// [Parse] returned, in which secrets are masked; a file that is missing there is
// shown without its line. With color, terminal sequences mark the severity and the place. An error is one of w.
func WriteDiagnostics(w io.Writer, files map[string]*hcl.File, diags hcl.Diagnostics, color bool) error {
	for _, d := range diags {
		var b bytes.Buffer
		plain := *d
		plain.Subject, plain.Context = nil, nil
		if err := hcl.NewDiagnosticTextWriter(&b, nil, lineWidth, color).WriteDiagnostic(&plain); err != nil {
			return fmt.Errorf("write diagnostics: %w", err)
		}
		// Deliberate: hcl's writer could show the source as well, but it walks
		// through the whole file for every diagnostic, which takes a tenth of a
		// second in a file of 10,000 tenants.
		summary, detail, _ := bytes.Cut(b.Bytes(), []byte("\n\n"))
		if _, err := fmt.Fprintf(w, "%s\n\n%s\n%s", summary, excerpt(d.Subject, files, color), detail); err != nil {
			return fmt.Errorf("write diagnostics: %w", err)
		}
	}
	return nil
}

// excerpt names the place at, and shows the lines there.
func excerpt(at *hcl.Range, files map[string]*hcl.File, color bool) []byte {
	var b bytes.Buffer
	file := files[at.Filename]
	if file == nil || at.Start.Byte > len(file.Bytes) {
		fmt.Fprintf(&b, "  on %s\n", at.Filename)
		return b.Bytes()
	}
	src := file.Bytes
	from, to := at.Start.Byte, min(max(at.Start.Byte, at.End.Byte), len(src))
	first := bytes.LastIndexByte(src[:from], '\n') + 1
	last := len(src)
	if n := bytes.IndexByte(src[to:], '\n'); n >= 0 {
		last = to + n
	}
	if last > to && src[last-1] == '\r' {
		last--
	}

	fmt.Fprintf(&b, "  on %s line %d", at.Filename, at.Start.Line)
	if nav, ok := file.Nav.(interface{ ContextString(offset int) string }); ok {
		if block := blockShown(nav.ContextString(from), src[:last]); block != "" {
			fmt.Fprintf(&b, ", in %s", block)
		}
	}
	b.WriteString(":\n")
	marked := [][]byte{src[first:from], src[from:to], src[to:last]}
	for i, part := range marked {
		marked[i] = printable(part)
	}
	if color && from < to {
		// The end of a line ends the mark, and the next line starts it anew.
		marked[1] = bytes.ReplaceAll(marked[1], []byte("\n"), []byte("\x1b[0m\n\x1b[1;4m"))
		marked[1] = fmt.Appendf(nil, "\x1b[1;4m%s\x1b[0m", marked[1])
	}
	for i, line := range bytes.Split(bytes.Join(marked, nil), []byte("\n")) {
		fmt.Fprintf(&b, "%4d: %s\n", at.Start.Line+i, line)
	}
	return b.Bytes()
}

// blockShown returns a block's kind and labels as hcl tells them, without what is a
// secret: a label may be one without its equals sign, and after a syntax error hcl
// takes anything for a kind or a label. Then it isn't in shown, what was masked.
func blockShown(block string, shown []byte) string {
	kind, labels, _ := strings.Cut(block, " ")
	if bytes.LastIndex(shown, []byte(kind)) < 0 {
		return ""
	}
	if secretive(kind) {
		return kind
	}
	for labels != "" {
		quoted, err := strconv.QuotedPrefix(labels)
		if err != nil {
			return kind
		}
		if label, _ := strconv.Unquote(quoted); bytes.LastIndex(shown, []byte(label)) < 0 {
			return kind
		}
		labels = strings.TrimPrefix(labels[len(quoted):], " ")
	}
	return block
}

// printable replaces control characters: a terminal must not obey what a file says.
func printable(line []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || 0x7f <= r && r < 0xa0 {
			return '?'
		}
		return r
	}, bytes.ReplaceAll(line, []byte("\r\n"), []byte("\n")))
}
