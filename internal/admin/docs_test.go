package admin

import (
	"maps"
	"os"
	"regexp"
	"testing"
)

// TestDocs: docs/operations.md lists every call, and who may make it.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	must(t, err)
	documented := make(map[string]string)
	for _, row := range regexp.MustCompile("(?m)^\\| ([A-Z]+) \\| `(/[^`]*)` \\| .* \\| (\\w+) \\|$").FindAllStringSubmatch(string(text), -1) {
		documented[row[1]+" "+row[2]] = row[3]
	}
	s, _ := newServer(t, stock{})
	wanted := make(map[string]string)
	for _, c := range s.calls() {
		path := c.path
		if path == "/{$}" {
			path = "/"
		}
		wanted[c.method+" "+path] = [...]string{needAll: "token", needRead: "read", needNone: "all"}[c.need]
	}
	if !maps.Equal(documented, wanted) {
		t.Errorf("documented %v\nwant %v", documented, wanted)
	}
}
