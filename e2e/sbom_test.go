package e2e

import (
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// bom is what this test reads of a CycloneDX document.
type bom struct {
	Format   string `json:"bomFormat"`
	Spec     string `json:"specVersion"`
	Metadata struct {
		Component struct {
			Type, Name string
		}
	}
	Components []struct {
		Type, Name, Version, Purl string
	}
}

// TestSBOM: `make sbom` lists every module that the binary holds, and Go's own library, with their versions, and
// nothing of the machine where it was made.
func TestSBOM(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := exec.CommandContext(t.Context(), need(t, "make"), "-s", "-C", "..", "sbom", "BIN="+dir, "DIST="+dir)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := readFile(t, filepath.Join(dir, "popgate.cdx.json"))
	var got bom
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if got.Format != "CycloneDX" || got.Spec != "1.6" || got.Metadata.Component.Type != "application" || got.Metadata.Component.Name != "popgate" {
		t.Errorf("it is of the form %q %q, about %+v", got.Format, got.Spec, got.Metadata.Component)
	}
	built, err := buildinfo.ReadFile(filepath.Join(dir, "popgate"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"std " + built.GoVersion}
	for _, m := range built.Deps {
		want = append(want, m.Path+" "+m.Version)
	}
	var listed []string
	for _, c := range got.Components {
		listed = append(listed, c.Name+" "+c.Version)
		if c.Type != "library" || !strings.HasPrefix(c.Purl, "pkg:golang/"+c.Name+"@"+c.Version) {
			t.Errorf("%s %s is a %q, %q", c.Name, c.Version, c.Type, c.Purl)
		}
	}
	slices.Sort(want)
	slices.Sort(listed)
	if len(want) < 20 || !slices.Equal(listed, want) {
		t.Errorf("it lists\n%q\nin the binary are\n%q", listed, want)
	}
	here, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	home, _ := os.UserHomeDir()
	for _, path := range []string{here, dir, home + "/", os.TempDir() + "/"} {
		if path != "/" && strings.Contains(text, path) {
			t.Errorf("it holds the path %s", path)
		}
	}
}
