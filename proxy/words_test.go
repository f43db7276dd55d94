package proxy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// These tests read the package's own source: what must be true of every word
// in it can't be forgotten in a list then.

// source is a file of this package.
func source(t *testing.T, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// sources are all files of this package but its tests.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]*ast.File)
	for _, name := range names {
		if !strings.HasSuffix(name, "_test.go") {
			files[name] = source(t, name)
		}
	}
	if files["reply.go"] == nil || files["failure.go"] == nil {
		t.Fatal("reply.go and failure.go are not where they were")
	}
	return files
}

// literals are the texts in a file, without imports.
func literals(t *testing.T, file *ast.File) []string {
	t.Helper()
	var texts []string
	ast.Inspect(file, func(n ast.Node) bool {
		if _, isImport := n.(*ast.ImportSpec); isImport {
			return false
		}
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, text)
		}
		return true
	})
	return texts
}

// replyTexts are all texts of reply.go.
func replyTexts(t *testing.T) []string {
	t.Helper()
	return slices.DeleteFunc(literals(t, source(t, "reply.go")), func(text string) bool { return text == "" })
}

// causeNames are the constants of type cause, in order.
func causeNames(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, decl := range source(t, "failure.go").Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		if typ, ok := group.Specs[0].(*ast.ValueSpec).Type.(*ast.Ident); !ok || typ.Name != "cause" {
			continue
		}
		for _, spec := range group.Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				names = append(names, name.Name)
			}
		}
	}
	if len(names) == 0 {
		t.Fatal("found no causes in failure.go")
	}
	return names
}

// TestRepliesStandInOneFile: no other file makes up what a client is told, but
// for what holds an operator's words: the host's name and capabilities.
func TestRepliesStandInOneFile(t *testing.T) {
	allowed := map[string][]string{
		"settings.go": {"+OK ", "+OK Capability list follows"},
		"auth.go":     {"+OK"}, // before the list of mechanisms
	}
	for name, file := range sources(t) {
		if name == "reply.go" {
			continue
		}
		for _, text := range literals(t, file) {
			reply := strings.HasPrefix(text, "+OK") || strings.HasPrefix(text, "-ERR") || strings.HasPrefix(text, "+ ")
			if reply && !slices.Contains(allowed[name], text) {
				t.Errorf("%s has a reply of its own: %q", name, text)
			}
		}
	}
}

// TestNoErrorCrossesTheWire: what is said to a client is never made of an
// error's text, a format or foreign text.
func TestNoErrorCrossesTheWire(t *testing.T) {
	said := 0
	for name, file := range sources(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !slices.Contains([]string{"say", "write", "bad"}, called(call)) {
				return true
			}
			said++
			for _, arg := range call.Args {
				ast.Inspect(arg, func(n ast.Node) bool {
					inner, ok := n.(*ast.CallExpr)
					if ok && !slices.Contains([]string{"nameReply", "welcome", "Join", "append"}, called(inner)) {
						t.Errorf("%s: %s is told the result of %s", name, called(call), called(inner))
					}
					return true
				})
			}
			return true
		})
	}
	if said < 20 {
		t.Errorf("only %d calls were found that talk to a client", said)
	}
}

// called is the name of the function that is called.
func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

var reasonWord = regexp.MustCompile(`^_?[a-z0-9]+(_[a-z0-9]+)*$`)

// TestReasons: the reasons that logs and metrics get are constant words, so
// that no stranger makes new series or lines of his own.
func TestReasons(t *testing.T) {
	// Where the reason stands among the arguments.
	position := map[string]int{"fail": 1, "silent": 0, "tryElsewhere": 0, "broken": 1, "ended": 0}
	found := 0
	for name, file := range sources(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			at, ok := position[called(call)]
			if !ok || len(call.Args) <= at {
				return true
			}
			ast.Inspect(call.Args[at], func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok {
					found++
					if word, err := strconv.Unquote(lit.Value); err != nil || !reasonWord.MatchString(word) {
						t.Errorf("%s: reason %s is no snake_case word", name, lit.Value)
					}
				}
				if inner, ok := n.(*ast.CallExpr); ok && called(inner) != "String" {
					t.Errorf("%s: a reason is made by %s", name, called(inner))
				}
				return true
			})
			return true
		})
	}
	if found < 40 {
		t.Errorf("only %d reasons were found", found)
	}
}
