package config

import (
	"bytes"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what is printed now into testdata/problems")

// TestProblems loads the files of each archive in testdata/problems (config.hcl,
// or else the folder conf.d) and compares what an operator gets to read with the
// file "want" of the archive.
func TestProblems(t *testing.T) {
	archives, err := filepath.Glob("testdata/problems/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range archives {
		name, err := filepath.Abs(name) // as the tests change the folder
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := printed(t, unpack(t, archive))
			i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
			if i < 0 {
				t.Fatal(`the archive has no file "want"`)
			}
			if *update {
				archive.Files[i].Data = got
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := archive.Files[i].Data; !bytes.Equal(got, want) {
				t.Errorf("printed:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// unpack writes the files of an archive to a folder and returns that.
func unpack(t *testing.T, archive *txtar.Archive) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range archive.Files {
		if f.Name == "want" {
			continue
		}
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// printed loads the configuration in dir, checks what holds for every diagnostic,
// and returns what is shown.
func printed(t *testing.T, dir string) []byte {
	t.Helper()
	t.Chdir(dir)
	path := "config.hcl"
	if _, err := os.Stat(path); err != nil {
		path = "conf.d"
	}
	c, diags, files := Load(path)
	if (c == nil) != diags.HasErrors() {
		t.Errorf("Load gave a Config: %v, errors: %v", c != nil, diags.HasErrors())
	}
	for _, d := range diags {
		if d.Subject == nil || d.Subject.Filename == "" {
			t.Errorf("%s has no Subject", d.Summary)
		}
		if d.Detail == "" {
			t.Errorf("%s has no Detail", d.Summary)
		}
	}
	var b bytes.Buffer
	if err := WriteDiagnostics(&b, files, diags, false); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestEveryProblemIsShown insists that each message that this package can give
// has a three-word summary and stands in an archive of testdata/problems.
func TestEveryProblemIsShown(t *testing.T) {
	var shown []byte
	for name := range walk(t, "testdata/problems") {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, b...)
	}
	summaries := summaries(t)
	if len(summaries) < 40 {
		t.Fatalf("found %d summaries only: %q", len(summaries), summaries)
	}
	for _, s := range summaries {
		if len(strings.Fields(s)) != 3 {
			t.Errorf("summary %q doesn't have three words", s)
		}
		if !regexp.MustCompile(`(?m)^(Error|Warning): ` + regexp.QuoteMeta(s) + `$`).Match(shown) {
			t.Errorf("no archive in testdata/problems shows %q", s)
		}
	}
}

// summaries collects the summaries that stand in this package's source: the first
// text in calls of fail, warn and claim, and in faults.
func summaries(t *testing.T) []string {
	t.Helper()
	found := make(map[string]bool)
	for name := range walk(t, ".") {
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				f, ok := n.Fun.(*ast.SelectorExpr)
				if ok && (f.Sel.Name == "fail" || f.Sel.Name == "warn") {
					note(found, n.Args[1])
				}
				if ok && f.Sel.Name == "claim" {
					note(found, n.Args[3])
				}
			case *ast.CompositeLit:
				if id, ok := n.Type.(*ast.Ident); ok && id.Name == "fault" {
					note(found, n.Elts[0])
				}
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(found))
}

// note adds e to found if it is a text.
func note(found map[string]bool, e ast.Expr) {
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		if s, err := strconv.Unquote(lit.Value); err == nil {
			found[s] = true
		}
	}
}

// walk yields the files right in a folder.
func walk(t *testing.T, dir string) func(func(string) bool) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(string) bool) {
		for _, e := range entries {
			if e.Type() == fs.FileMode(0) && !yield(filepath.Join(dir, e.Name())) {
				return
			}
		}
	}
}
