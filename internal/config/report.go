package config

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// fault is what is wrong with one value, before it is known where it stands.
type fault struct {
	summary string // three words
	detail  string // a sentence that says how to mend it
}

// report gathers the problems of one load, so that all are shown in one run.
type report struct {
	diags hcl.Diagnostics
}

func (r *report) add(severity hcl.DiagnosticSeverity, at hcl.Range, summary, detail string) {
	r.diags = append(r.diags, &hcl.Diagnostic{Severity: severity, Summary: summary, Detail: detail, Subject: &at})
}

// fail notes an error: a configuration that has one isn't used.
func (r *report) fail(at hcl.Range, summary, format string, args ...any) {
	r.add(hcl.DiagError, at, summary, fmt.Sprintf(format, args...))
}

// warn notes something that works but is unwise.
func (r *report) warn(at hcl.Range, summary, format string, args ...any) {
	r.add(hcl.DiagWarning, at, summary, fmt.Sprintf(format, args...))
}

// sorted returns what was noted in the order in which a reader meets it: by file,
// as names sort, then by place.
func (r *report) sorted() hcl.Diagnostics {
	slices.SortStableFunc(r.diags, func(a, b *hcl.Diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.Subject.Filename, b.Subject.Filename),
			cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte),
			cmp.Compare(a.Subject.End.Byte, b.Subject.End.Byte),
			cmp.Compare(a.Summary, b.Summary),
			cmp.Compare(a.Detail, b.Detail),
		)
	})
	return r.diags
}

// place names a position for the middle of a sentence: "config.hcl line 12".
func place(at hcl.Range) string {
	return fmt.Sprintf("%s line %d", at.Filename, at.Start.Line)
}
