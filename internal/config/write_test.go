package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

func TestWriteDiagnosticsInColor(t *testing.T) {
	_, diags, files := Parse("config.hcl", []byte(least+"limits {\n  errors = \"3\"\n}\n"))
	var b strings.Builder
	if err := WriteDiagnostics(&b, files, diags, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\x1b[31mError\x1b[0m: Wrong value type\n", "   9:   errors = \x1b[1;4m\"3\"\x1b[0m\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q isn't in %q", want, b.String())
		}
	}
}

// TestWriteDiagnosticsIsPlain insists that what stands in a file can't command the
// terminal on which its problems are shown.
func TestWriteDiagnosticsIsPlain(t *testing.T) {
	src := "hostname = 5 # \x1b]0;owned\x07 \u009b31m \x00\r\n"
	_, diags, files := Parse("config.hcl", []byte(src))
	for _, color := range []bool{false, true} {
		var b strings.Builder
		if err := WriteDiagnostics(&b, files, diags, color); err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"\x1b]", "\x07", "\u009b", "\x00", "\r"} {
			if strings.Contains(b.String(), bad) {
				t.Errorf("%q went through in %q", bad, b.String())
			}
		}
	}
}

// TestWriteDiagnosticsAnywhere writes problems at the borders of a file, and in
// files that aren't there.
func TestWriteDiagnosticsAnywhere(t *testing.T) {
	src := []byte("a = 1\n\nb = [\n  2,\n]")
	files := map[string]*hcl.File{"a.hcl": {Bytes: src}}
	for from := 0; from <= len(src)+2; from++ {
		for to := from; to <= len(src)+2; to++ {
			for _, name := range []string{"a.hcl", "b.hcl"} {
				at := &hcl.Range{Filename: name, Start: hcl.Pos{Line: 1, Column: 1, Byte: from}, End: hcl.Pos{Line: 1, Column: 1, Byte: to}}
				var b strings.Builder
				diags := hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "One two three", Detail: "Mend it.", Subject: at}}
				if err := WriteDiagnostics(&b, files, diags, true); err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(b.String(), name) || !strings.HasSuffix(b.String(), "\n\nMend it.\n\n") {
					t.Fatalf("%d to %d: %q", from, to, b.String())
				}
			}
		}
	}
}

// refusing is a writer that fails.
type refusing struct{ err error }

func (r refusing) Write([]byte) (int, error) { return 0, r.err }

func TestWriteDiagnosticsFails(t *testing.T) {
	_, diags, files := Parse("config.hcl", nil)
	full := errors.New("disk full")
	if err := WriteDiagnostics(refusing{full}, files, diags, false); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
}
