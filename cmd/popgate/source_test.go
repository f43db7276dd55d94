package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// root is the folder of the whole project.
const root = "../.."

// reasons are the functions of proxy that take the word for why a session or a
// login attempt ends, and which argument it is.
var reasons = map[string]int{
	"silent": 0, "fail": 1, "tryElsewhere": 0, "broken": 1, "ended": 0,
}

// computed are the words that these functions are given other than as
// constants, and where the words themselves are found.
var computed = map[string]bool{
	"denial.Check":        true, // authz/check_*.go
	"f.reason":            true, // another failure's word
	"result.End.String()": true, // internal/relay
	"reason":              true, // silent and tryElsewhere themselves
	"step":                true, // broken: its callers' word …
	`step + "_timeout"`:   true, // … with an ending
	`step + "_closed"`:    true,
}

// source parses the Go files of a package, but for tests.
func source(t testing.TB, dir string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// constant is the value of a string literal.
func constant(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// constants are the string literals of a file.
func constants(file *ast.File) []string {
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		if e, ok := n.(ast.Expr); ok {
			if text, ok := constant(e); ok {
				found = append(found, text)
			}
		}
		return true
	})
	return found
}

// called is the name of the function or method that call calls.
func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// text writes an expression of a simple kind.
func text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.BasicLit:
		return e.Value
	case *ast.SelectorExpr:
		return text(e.X) + "." + e.Sel.Name
	case *ast.StarExpr:
		return "*" + text(e.X)
	case *ast.CallExpr:
		return text(e.Fun) + "()"
	case *ast.BinaryExpr:
		return text(e.X) + " " + e.Op.String() + " " + text(e.Y)
	}
	return "?"
}

// reasonsOf collects the words of proxy's source.
func reasonsOf(t testing.TB) []string {
	t.Helper()
	words := make(map[string]bool)
	for _, file := range source(t, "proxy") {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			name := called(call)
			i, ok := reasons[name]
			if !ok || len(call.Args) <= i {
				return true
			}
			word, ok := constant(call.Args[i])
			switch {
			case !ok && !computed[text(call.Args[i])]:
				t.Errorf("%s(… %s …): this test doesn't know what words that makes", name, text(call.Args[i]))
			case ok && name == "broken":
				words[word], words[word+"_timeout"], words[word+"_closed"] = true, true, true
			case ok:
				words[word] = true
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(words))
}

// endsOf collects the words of relay.End.
func endsOf(t testing.TB) []string {
	t.Helper()
	var words []string
	for _, file := range source(t, "internal/relay") {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || spec.Names[0].Name != "endNames" {
				return true
			}
			for _, element := range spec.Values[0].(*ast.CompositeLit).Elts {
				if word, ok := constant(element.(*ast.KeyValueExpr).Value); ok {
					words = append(words, word)
				}
			}
			return false
		})
	}
	return words
}

// checksOf collects the names of authz' checks, which are its only words.
func checksOf(t testing.TB) []string {
	t.Helper()
	var words []string
	for _, file := range source(t, "authz") {
		for _, decl := range file.Decls {
			decl, ok := decl.(*ast.GenDecl)
			if !ok || decl.Tok != token.CONST {
				continue
			}
			for _, spec := range decl.Specs {
				for _, value := range spec.(*ast.ValueSpec).Values {
					if word, ok := constant(value); ok {
						words = append(words, word)
					}
				}
			}
		}
	}
	return words
}

// keysOf collects the keys of Record.line.
func keysOf(t testing.TB) []string {
	t.Helper()
	var keys []string
	for _, file := range source(t, "proxy") {
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Name.Name != "line" || f.Recv == nil || text(f.Recv.List[0].Type) != "*Record" {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || called(call) != "add" && called(call) != "append" {
					return true
				}
				for _, arg := range call.Args {
					if key, ok := constant(arg); ok {
						keys = append(keys, key)
					}
				}
				return true
			})
		}
	}
	return keys
}

// declarations are the names that a package declares: functions, types, and
// methods and fields behind their type's name.
func declarations(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	for _, file := range source(t, dir) {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				name := n.Name.Name
				if n.Recv != nil {
					name = strings.TrimPrefix(text(n.Recv.List[0].Type), "*") + "." + name
				}
				names = append(names, name)
				return false
			case *ast.TypeSpec:
				names = append(names, n.Name.Name)
			}
			return true
		})
	}
	return names
}
