package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// architecture is the document that explains the code.
const architecture = "docs/architecture.md"

// TestArchitectureShowsTheArrows: its import table is the one that TestImports
// enforces.
func TestArchitectureShowsTheArrows(t *testing.T) {
	shown := make(map[string][]string)
	_, table, _ := strings.Cut(document(t, architecture), "| package | may import of popgate |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(line, "|\n "), " | ")
		if len(cells) != 2 {
			continue
		}
		for _, from := range strings.Split(cells[0], ", ") {
			shown[from] = []string{}
			switch to := cells[1]; to {
			case "nothing":
			case "everything but poptest":
				for other := range arrows {
					if other != "internal/poptest" && other != from {
						shown[from] = append(shown[from], other)
					}
				}
			default:
				shown[from] = strings.Split(to, ", ")
			}
			slices.Sort(shown[from])
		}
	}
	enforced := make(map[string][]string)
	for from, to := range arrows {
		enforced[from] = slices.Sorted(slices.Values(to))
	}
	if !maps.EqualFunc(shown, enforced, slices.Equal[[]string]) {
		t.Errorf("it shows\n%v\nenforced are\n%v", shown, enforced)
	}
}

// TestArchitectureNamesEveryModule: each module that popgate needs stands in
// the table of dependencies with its reason, and no other.
func TestArchitectureNamesEveryModule(t *testing.T) {
	_, table, _ := strings.Cut(document(t, architecture), "| module | why |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	direct, _, _ := strings.Cut(strings.SplitAfter(document(t, "go.mod"), "require (\n")[1], ")")
	for _, line := range strings.Split(strings.TrimSpace(direct), "\n") {
		module, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !strings.Contains(table, module) {
			t.Errorf("no reason for %s", module)
		}
	}
	for _, module := range regexp.MustCompile(`[a-z]+\.(com|org)/[\w./-]+`).FindAllString(table, -1) {
		if !strings.Contains(direct, module+" ") {
			t.Errorf("a reason for %s, which isn't needed", module)
		}
	}
}

// TestArchitectureNamesWhatIsThere: the code that it points to has those names.
func TestArchitectureNamesWhatIsThere(t *testing.T) {
	declared := make(map[string]bool)
	for dir := range arrows {
		pkg := dir[strings.LastIndexByte(dir, '/')+1:]
		for _, name := range declarations(t, dir) {
			declared[pkg+"."+name] = true
			declared[name] = true // proxy/session.go calls it so
		}
	}
	found := 0
	for _, name := range quoted.FindAllStringSubmatch(document(t, architecture), -1) {
		if !regexp.MustCompile(`^[a-z]\w*(\.\w+)+$`).MatchString(name[1]) || strings.HasSuffix(name[1], ".go") {
			continue
		}
		found++
		if !declared[name[1]] {
			t.Errorf("there is no %s", name[1])
		}
	}
	if found < 10 {
		t.Errorf("only %d names are found: is this test blind?", found)
	}
}
