package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"popgate/internal/expr"
)

// Load reads the configuration at path: one file of any name, or a folder whose
// *.hcl are merged in name order, hidden and backup files left out.
//
// The Config is nil if a diagnostic is an error; warnings leave it usable. All
// problems are reported at once, in the order of the files, and each has a
// Subject. The files are for [WriteDiagnostics], with asterisks in the place of
// secrets. Each of also sees what was decoded, sound or not, for checks of other
// packages that belong to the same run; it must not keep it.
func Load(path string, also ...func(*Config)) (*Config, hcl.Diagnostics, map[string]*hcl.File) {
	l := newLoader()
	names, err := sources(path)
	if err != nil {
		l.fail(start(path), "Configuration not readable", "popgate can't read %q: %s. Name a file or a folder that it may read.", path, cause(err))
	}
	if err == nil && len(names) == 0 {
		l.fail(start(path), "Configuration folder empty", "There is no file in %q whose name ends in .hcl; hidden and backup files are left out.", path)
	}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			l.fail(start(name), "Configuration not readable", "popgate can't read %q: %s. Let it read the file, or take it away.", name, cause(err))
			l.incomplete = true
			continue
		}
		l.parse(name, src)
	}
	return l.finish(also...)
}

// Parse reads a configuration from src, for configurations that come with a
// program. The name stands in diagnostics, and its folder is where relative paths
// start. The results are those of [Load].
func Parse(name string, src []byte) (*Config, hcl.Diagnostics, map[string]*hcl.File) {
	l := newLoader()
	l.parse(name, src)
	return l.finish()
}

// sources lists the files that make up the configuration at path.
func sources(path string) ([]string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path) // in name order
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name := filepath.Join(path, e.Name())
		if !isSource(e.Name()) {
			continue
		}
		// Stat follows the links of which Kubernetes makes its volumes. One that
		// leads nowhere is kept: reading it says so.
		if st, err := os.Stat(name); err == nil && st.IsDir() {
			continue
		}
		names = append(names, name)
	}
	return names, nil
}

// isSource tells a file of a folder from what editors and admins leave beside
// it: .x.hcl, x.hcl~, #x.hcl#, ~x.hcl, x.hcl.bak and the like.
func isSource(name string) bool {
	return strings.HasSuffix(name, ".hcl") && name != ".hcl" && !strings.ContainsAny(name[:1], ".#~")
}

// loader holds what is known so far of one configuration.
type loader struct {
	report
	files       map[string]*hcl.File
	sources     map[string][]byte           // the files as they are, secrets and all
	secrets     map[string][]span           // where the files have secrets, or seem to
	expressions map[*expr.Program]string    // as they are written
	contexts    map[string]*hcl.EvalContext // env and file, by name of the calling file
	top         *section
	incomplete  bool        // a part couldn't be read: what seems missing may stand there
	torn        []hcl.Range // where the syntax is wrong
}

func newLoader() *loader {
	return &loader{
		files:    make(map[string]*hcl.File),
		sources:  make(map[string][]byte),
		secrets:  make(map[string][]span),
		contexts: make(map[string]*hcl.EvalContext),
		top:      newSection(document),
	}
}

// parse reads the words of one file into l.top.
func (l *loader) parse(name string, src []byte) {
	file, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if file == nil {
		file = &hcl.File{}
	}
	body, _ := file.Body.(*hclsyntax.Body)
	shown, secrets := mask(src, body)
	l.sources[name], l.secrets[name] = src, secrets
	l.files[name] = &hcl.File{Bytes: shown, Nav: file.Nav}
	if l.top.at.Filename == "" {
		l.top.at = start(name)
	}
	readable := structured(diags)
	for _, d := range mended(concealed(diags, secrets), src) {
		l.incomplete = true
		l.torn = append(l.torn, *d.Subject)
		l.diags = append(l.diags, d)
	}
	if body != nil && readable {
		l.read(l.top, body)
	}
}

// finish makes the Config of all that was parsed.
func (l *loader) finish(also ...func(*Config)) (*Config, hcl.Diagnostics, map[string]*hcl.File) {
	var c *Config
	if len(l.files) > 0 {
		c = decode(l.top)
		c.expressions = l.expressions
		l.check(c)
		for _, see := range also {
			see(c)
		}
	}
	if l.diags.HasErrors() {
		c = nil
	}
	return c, l.sorted(), l.files
}

// start is the place to point at where there is no better one.
func start(name string) hcl.Range {
	return hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
}

// cause is err without the path, which the sentence around it names already.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
