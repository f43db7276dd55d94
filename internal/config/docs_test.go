package config

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the folder of the whole project.
const root = "../.."

// rows returns the table rows of docs/configuration.md by the word in their first
// column, under each heading.
func rows(t *testing.T) map[string]map[string][]string {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join(root, "docs/configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]map[string][]string)
	heading := ""
	for line := range strings.Lines(string(doc)) {
		line = strings.TrimSpace(line)
		if h, ok := strings.CutPrefix(line, "#"); ok {
			heading = strings.TrimLeft(h, "# ")
			found[heading] = make(map[string][]string)
		}
		if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| `") && len(cells) == 4 {
			found[heading][strings.Trim(cells[0], "| `")] = cells
		}
	}
	return found
}

// TestDocsHaveEveryWord insists on a row for each word of the schema, with its
// unit, its default and its check, and on no row without a word.
func TestDocsHaveEveryWord(t *testing.T) {
	doc := rows(t)
	seen := make(map[*block]bool)
	var visit func(b *block, parent string)
	visit = func(b *block, parent string) {
		if seen[b] {
			return
		}
		seen[b] = true
		heading := "`" + b.name + "`"
		if b == document {
			heading = "Top of a file"
		} else if within := heading + " in `" + parent + "`"; doc[within] != nil {
			heading = within // a block that stands in one kind of block only
		}
		table := doc[heading]
		if table == nil {
			t.Fatalf("no heading %q", heading)
		}
		for i := range b.words {
			checkRow(t, heading, &b.words[i], table[b.words[i].name])
			delete(table, b.words[i].name)
		}
		for name := range table {
			t.Errorf("%s: the row of %s belongs to no word", heading, name)
		}
		for _, inner := range b.blocks {
			visit(inner, b.name)
		}
	}
	visit(document, "")
}

// checkRow compares one row with what the schema says of its word.
func checkRow(t *testing.T, heading string, w *word, cells []string) {
	t.Helper()
	if cells == nil {
		t.Errorf("%s: no row for %s", heading, w.name)
		return
	}
	has := func(column, part string) {
		i := slices.Index([]string{"word", "value", "default", "check"}, column)
		if !strings.Contains(cells[i], part) {
			t.Errorf("%s: the %s of %s doesn't tell %s: %s", heading, column, w.name, part, cells[i])
		}
	}
	has("value", map[kind]string{
		kindText: "text", kindTexts: "list of texts", kindNumber: w.count(), kindFlag: "true or false",
		kindPeriod: "time", kindRate: "rate", kindCondition: "expression that is true or false", kindUserName: "expression that gives a text",
	}[w.kind])

	list, isList := w.def.([]string)
	switch def := w.def.(type) {
	case string:
		has("default", fmt.Sprintf("`%q`", def))
	case int, bool:
		has("default", fmt.Sprintf("`%v`", def))
	default:
		switch {
		case w.required:
			has("default", "required")
		case w.name == "hostname":
			has("default", "the machine's name")
		case !isList:
			has("default", "none")
		case len(list) < 5:
			has("default", "`["+quoted(list)+"]`")
		default:
			has("default", "see below") // TestDocsShowRefusalWords
		}
	}

	if w.secret {
		has("value", "secret")
	}
	if w.off {
		has("check", "`\"off\"`")
	}
	if len(strings.Trim(cells[3], "| ")) < 8 {
		t.Errorf("%s: %s has no check", heading, w.name)
	}
	for _, choice := range w.oneOf {
		has("check", fmt.Sprintf("`%q`", choice))
	}
	if w.kind == kindNumber {
		has("check", fmt.Sprintf("%d to %d", w.least, w.most))
	}
	if w.kind == kindPeriod {
		has("check", fmt.Sprintf("%s to %s", short(w.from), short(w.to)))
	}
	if w.advised > 0 {
		has("check", fmt.Sprintf("Below %s a warning", short(w.advised)))
	}
}

// TestDocsShowRefusalWords insists that the lists in the docs are the defaults.
func TestDocsShowRefusalWords(t *testing.T) {
	for _, src := range hclBlocks(t, filepath.Join(root, "docs/configuration.md")) {
		if !strings.Contains(src, "in_use_words") {
			continue
		}
		c, diags, _ := Parse("docs.hcl", []byte(src))
		if c == nil {
			t.Fatal(diags)
		}
		if b := c.Backends[0]; !slices.Equal(b.InUseWords, defaultInUseWords) || !slices.Equal(b.TemporaryWords, defaultTemporaryWords) {
			t.Errorf("the docs show %q and %q", b.InUseWords, b.TemporaryWords)
		}
		return
	}
	t.Error("the docs don't show the words")
}

// TestDocsExplainEveryProblem insists on a row for each message of this package.
func TestDocsExplainEveryProblem(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join(root, "docs/configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range summaries(t) {
		if !bytes.Contains(doc, []byte("| "+s+" | ")) {
			t.Errorf("docs/configuration.md doesn't explain %q", s)
		}
	}
}

// TestConfigHCLShowsEveryWord insists that config.hcl has every word, with its
// default where it has a short one, be it commented out.
func TestConfigHCLShowsEveryWord(t *testing.T) {
	src, err := os.ReadFile(filepath.Join(root, "config.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	var visit func(b *block)
	visit = func(b *block) {
		for i := range b.words {
			w := &b.words[i]
			value := ""
			switch def := w.def.(type) {
			case string:
				value = fmt.Sprintf("%q", def)
			case int:
				value = fmt.Sprint(def)
			}
			if !regexp.MustCompile(`(?m)[ #]` + w.name + ` += ` + regexp.QuoteMeta(value)).Match(src) {
				t.Errorf("config.hcl has no line %s = %s", w.name, value)
			}
		}
		for _, inner := range b.blocks {
			if !bytes.Contains(src, []byte(inner.name+" ")) {
				t.Errorf("config.hcl has no block %s", inner.name)
			}
			visit(inner)
		}
	}
	visit(document)
}
