package config

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// args makes the arguments of a function of one text.
func args(s string) []cty.Value { return []cty.Value{cty.StringVal(s)} }

// TestFolderLikeKubernetes loads a folder as a mounted ConfigMap looks: files are
// links into a hidden folder.
func TestFolderLikeKubernetes(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "..2026_01_02", "main.hcl"), least)
	write(t, filepath.Join(dir, "..2026_01_02", "log.hcl"), "log {\n  level = \"debug\"\n}\n")
	for link, target := range map[string]string{
		"..data": "..2026_01_02", "main.hcl": "..data/main.hcl", "log.hcl": "..data/log.hcl",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	c, diags, files := Load(dir)
	if len(diags) > 0 {
		t.Fatal(messages(t, files, diags))
	}
	if len(files) != 2 || c.Log.Level != "debug" {
		t.Errorf("loaded %d files, level %q", len(files), c.Log.Level)
	}
}

// TestFolderOrder insists that routes keep the order of the names of their files.
func TestFolderOrder(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "00.hcl"), least)
	for _, name := range []string{"20", "10", "9"} {
		write(t, filepath.Join(dir, name+".hcl"), "route \"r"+name+"\" {\n  when    = user.local == \"joe\"\n  backend = \"legacy\"\n}\n")
	}
	c, diags, files := Load(dir)
	if len(diags) > 0 {
		t.Fatal(messages(t, files, diags))
	}
	var got []string
	for _, r := range c.Routes {
		got = append(got, r.Name)
	}
	if want := []string{"r10", "r20", "r9"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestUnreadableFileIsAProblem insists that a folder with a link to nowhere isn't
// loaded without what was meant to stand there, and that what seems to be missing
// for that reason isn't reported.
func TestUnreadableFileIsAProblem(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "main.hcl"), "log {\n  level = \"loud\"\n}\n")
	if err := os.Symlink("nowhere", filepath.Join(dir, "backends.hcl")); err != nil {
		t.Fatal(err)
	}
	c, diags, _ := Load(dir)
	var got []string
	for _, d := range diags {
		got = append(got, d.Summary)
	}
	if want := []string{"Configuration not readable", "Unknown value here"}; c != nil || !slices.Equal(got, want) {
		t.Errorf("got a Config: %v, %q, want %q", c != nil, got, want)
	}
}
