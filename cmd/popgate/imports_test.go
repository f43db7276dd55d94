package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// arrows is the import table of docs/architecture.md: which packages of popgate
// each one may import. Tests may import what they need.
var arrows = map[string][]string{
	"cmd/popgate": {
		"authz", "internal/admin", "internal/autoconfig", "internal/config", "internal/demo", "internal/expr", "internal/handover",
		"internal/logs", "internal/metrics", "internal/notify", "internal/pop3", "internal/relay", "internal/route", "proxy", "tlsconf",
	},
	"proxy":               {"authz", "internal/metrics", "internal/pop3", "internal/relay", "internal/route"},
	"authz":               {"internal/expr"},
	"internal/config":     {"internal/expr"},
	"internal/route":      {"internal/expr"},
	"internal/demo":       {"internal/pop3"},
	"internal/poptest":    {"internal/pop3"},
	"internal/admin":      {},
	"internal/autoconfig": {},
	"internal/expr":       {},
	"internal/handover":   {},
	"internal/logs":       {},
	"internal/metrics":    {},
	"internal/notify":     {},
	"internal/pop3":       {},
	"internal/relay":      {},
	"tlsconf":             {},
}

// TestImports: imports run one way, as the table says. What stands outside the
// program (bench, e2e) may use it, and is not used by it. So may what is below
// poptest, which is for tests.
func TestImports(t *testing.T) {
	seen := make(map[string]bool)
	for dir, imports := range packages(t, "../..") {
		if strings.HasPrefix(dir, "bench") || strings.HasPrefix(dir, "e2e") || strings.HasPrefix(dir, "internal/poptest/") {
			continue
		}
		seen[dir] = true
		allowed, known := arrows[dir]
		if !known {
			t.Errorf("package %s is not in the table: what may it import?", dir)
		}
		for _, imported := range imports {
			if !slices.Contains(allowed, imported) {
				t.Errorf("%s imports %s, which the table does not allow", dir, imported)
			}
		}
	}
	for dir := range arrows {
		if !seen[dir] {
			t.Errorf("package %s is in the table and not there", dir)
		}
	}
}

// packages returns the popgate packages that each package's code imports.
func packages(t *testing.T, root string) map[string][]string {
	t.Helper()
	found := make(map[string][]string)
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (name == "testdata" || name == "tools" || len(name) > 2 && name[0] == '.') {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		dir = filepath.ToSlash(dir)
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		if found[dir] == nil {
			found[dir] = []string{}
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if own, ok := strings.CutPrefix(imported, "popgate/"); ok {
				found[dir] = append(found[dir], path.Clean(own))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
