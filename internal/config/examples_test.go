package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

var (
	hclFence   = regexp.MustCompile("(?s)```hcl\n(.*?)```")
	envCalls   = regexp.MustCompile(`env\("([^"]+)"\)`)
	fileCalls  = regexp.MustCompile(`file\("([^"/]+)"\)`)
	secretFrom = regexp.MustCompile(`(?:` + strings.Join(secretWords, "|") + `) += (?:env|file)\("([^"]+)"\)`)
	hasTLS     = regexp.MustCompile(`(?m)^tls \{`)
	hasBackend = regexp.MustCompile(`(?m)^backend "`)
)

// hclBlocks returns the hcl examples of a Markdown file.
func hclBlocks(t *testing.T, name string) []string {
	t.Helper()
	doc, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range hclFence.FindAllSubmatch(doc, -1) {
		blocks = append(blocks, string(m[1]))
	}
	return blocks
}

// examples returns every hcl example of the READMEs and the docs, config.hcl, and the
// configurations in deploy, by where it stands. An example that is about something
// else may leave out tls and backend; nothing else is added to it.
func examples(t *testing.T) map[string]string {
	t.Helper()
	docs, err := filepath.Glob(filepath.Join(root, "docs/*.md"))
	if err != nil || len(docs) == 0 {
		t.Fatalf("no docs: %v", err)
	}
	if readme := filepath.Join(root, "README.md"); exists(readme) {
		docs = append(docs, readme)
	}
	docs = append(docs, deployed(t, ".md")...)
	examples := make(map[string]string)
	for _, name := range docs {
		for i, src := range hclBlocks(t, name) {
			if !hasTLS.MatchString(src) {
				src += "\ntls {\n  self_signed = true\n}\n"
			}
			if !hasBackend.MatchString(src) {
				src += "\nbackend \"legacy\" {\n  address = \"10.0.0.5:110\"\n}\n"
			}
			examples[fmt.Sprintf("%s example %d", name, i+1)] = src
		}
	}
	if len(examples) < 4 {
		t.Errorf("found %d examples only", len(examples))
	}
	for _, name := range []string{"config.hcl", "deploy/debian/config.hcl"} {
		src, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		examples[name] = string(src)
		examples[name+" with what is commented out"] = uncommented(string(src))
	}
	for _, name := range deployed(t, ".hcl") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		examples[name] = string(text)
	}
	return examples
}

// deployed returns the files below deploy whose names end in ext.
func deployed(t *testing.T, ext string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(root, "deploy"), func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(name) == ext {
			names = append(names, name)
		}
		return err
	})
	if err != nil || len(names) == 0 {
		t.Fatalf("no *%s in deploy: %v", ext, err)
	}
	return names
}

// parseExample loads an example where there is what it asks for by env and file.
func parseExample(t *testing.T, src string) (*Config, hcl.Diagnostics, map[string]*hcl.File) {
	t.Helper()
	dir := t.TempDir()
	secret := make(map[string]bool)
	for _, m := range secretFrom.FindAllStringSubmatch(src, -1) {
		secret[m[1]] = true
	}
	value := func(from string) string {
		if secret[from] {
			return newSecretText()
		}
		return "pop.example.com"
	}
	for _, m := range envCalls.FindAllStringSubmatch(src, -1) {
		t.Setenv(m[1], value(m[1]))
	}
	for _, m := range fileCalls.FindAllStringSubmatch(src, -1) {
		write(t, filepath.Join(dir, m[1]), value(m[1])+"\n")
	}
	return Parse(filepath.Join(dir, "config.hcl"), []byte(src))
}

func TestExamplesLoad(t *testing.T) {
	for name, src := range examples(t) {
		t.Run(name, func(t *testing.T) {
			if _, diags, files := parseExample(t, src); len(diags) > 0 {
				t.Errorf("in\n%s\n%s", src, messages(t, files, diags))
			}
		})
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// commentedOut is a line of config.hcl that would be configuration without its #.
var commentedOut = regexp.MustCompile(`(?m)^( *)# ( *(?:[a-z_]+ +=|[a-z_]+ (?:"[a-z0-9]+" )?\{|\}).*)$`)

// uncommented is a configuration with all its examples in force, and with the second
// backend if they speak of one.
func uncommented(src string) string {
	src = commentedOut.ReplaceAllString(src, "$1$2")
	if strings.Contains(src, `"other"`) {
		src += "\nbackend \"other\" {\n  address = \"10.0.0.6:110\"\n}\n"
	}
	return src
}
