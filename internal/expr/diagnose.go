package expr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// problem makes an error for config diagnostics: a summary of three words, a
// detail that says how to mend it, and the place.
func problem(at hcl.Range, summary, format string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  summary,
		Detail:   fmt.Sprintf(format, args...),
		Subject:  &at,
	}
}

// rangeOf returns where e stands, or nowhere if there is no e.
func rangeOf(e hcl.Expression) hcl.Range {
	if e == nil {
		return hcl.Range{}
	}
	return e.Range()
}

// among tells which names there are, and which of them may have been meant.
func among(given string, names []string) string {
	slices.Sort(names)
	list := "There are " + enumerate(names) + "."
	if len(names) == 1 {
		list = "There is only " + names[0] + "."
	}
	best, least := "", 3 // three letters apart is another word
	for _, name := range names {
		if d := distance(given, name); d < least {
			best, least = name, d
		}
	}
	if best == "" {
		return list
	}
	return fmt.Sprintf("Did you mean %s? %s", best, list)
}

// enumerate joins names as a sentence does.
func enumerate(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// distance returns how many letters must be added, removed or changed to make b
// out of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// a names a type with its article.
func a(t cty.Type) string {
	name := t.FriendlyName()
	if t.IsObjectType() {
		return "an " + name
	}
	return "a " + name
}

// capital starts a sentence with s, which begins with an ASCII letter.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
