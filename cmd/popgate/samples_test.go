package main

import (
	"slices"
	"strings"
	"testing"
)

// TestOperationsShowsSamples: what docs/operations.md shows of commands is what
// tests insist on.
func TestOperationsShowsSamples(t *testing.T) {
	doc := document(t, operations)
	for _, sample := range []string{
		sessionsTable, backendsTable, topText, "12:00:00.000  client   USER bob\n", "not ready\n  no certificate\n",
	} {
		if !strings.Contains(doc, "```text\n"+sample) {
			t.Errorf("it doesn't show\n%s", sample)
		}
	}
}

// TestOperationsHasEveryCommand: each command and each word behind it, and no
// others.
func TestOperationsHasEveryCommand(t *testing.T) {
	explained := strings.Join(tablesOf(t, operations)["command"], "\n") + "\n"
	names := []string{}
	for _, c := range allCommands() {
		names = append(names, c.name)
		if !strings.Contains(explained, "popgate "+c.name) {
			t.Errorf("nothing of %s", c.name)
		}
		if c.menu == nil {
			continue
		}
		for i, w := range c.menu(new(call)).words {
			if w.name != "" && (i > 0 || !c.menu(new(call)).first) && !strings.Contains(explained, w.name+" "+w.args+"\n") && !strings.Contains(explained, w.name+"\n") {
				t.Errorf("nothing of %s %s", c.name, w.name)
			}
		}
	}
	for line := range strings.Lines(explained) {
		if words := strings.Fields(line); words[0] == "popgate" && !slices.Contains(names, words[1]) {
			t.Errorf("there is no %s", words[1])
		}
	}
}
