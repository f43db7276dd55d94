package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// manualHere writes the manual into a folder.
func manualHere(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "man")
	runHere(t, manualWord, dir, filepath.Join(root, "config.hcl")).wantCode(t, exitOK)
	return dir
}

// TestManualHasEveryPage: one for the program, each command and the configuration,
// readable by everyone, and the same each time.
func TestManualHasEveryPage(t *testing.T) {
	want := []string{"popgate.1", "popgate.hcl.5"}
	for _, c := range allCommands() {
		want = append(want, "popgate-"+c.name+".1")
	}
	slices.Sort(want)
	dir, again := manualHere(t), manualHere(t)
	var got []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		got = append(got, entry.Name())
		info, err := entry.Info()
		if err != nil || info.Mode().Perm()&0o444 != 0o444 {
			t.Errorf("%s: mode %v, %v", entry.Name(), info.Mode(), err)
		}
		if readText(t, filepath.Join(dir, entry.Name())) != readText(t, filepath.Join(again, entry.Name())) {
			t.Errorf("%s differs from one time to the next", entry.Name())
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if r := runHere(t, "help"); strings.Contains(r.out, " "+manualWord+" ") {
		t.Error("the help tells of the hidden word")
	}
}

func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestManualUsage: what is missing is said.
func TestManualUsage(t *testing.T) {
	runHere(t, manualWord).wantCode(t, exitUsage, "FOLDER CONFIG")
	runHere(t, manualWord, t.TempDir(), "no-such.hcl").wantCode(t, exitFailed, "no-such.hcl")
	runHere(t, manualWord, "--help").wantCode(t, exitOK, "Usage: popgate manual FOLDER CONFIG")
}

// TestManualInMan: man reads each page without a warning, and what people see
// there has every word of --help, or of the sample, in its order.
func TestManualInMan(t *testing.T) {
	groff := needProgram(t, "groff", "groff-base")
	man := needProgram(t, "man", "man-db")
	dir := manualHere(t)
	pages := manualPages(t.Context(), "")
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(dir, name)
			check := exec.CommandContext(t.Context(), groff, "-ww", "-man", "-Tutf8", "-z", path)
			if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("groff -ww: %v\n%s", err, out)
			}
			show := exec.CommandContext(t.Context(), man, "--warnings", "-P", "cat", "-l", path)
			show.Env = append(plainEnvironment(), "PATH="+os.Getenv("PATH"), "LC_ALL=C.UTF-8", "MANWIDTH=200", "MAN_KEEP_FORMATTING=", "HOME="+dir)
			var warnings strings.Builder
			show.Stderr = &warnings
			shown, err := show.Output()
			if err != nil || warnings.Len() > 0 {
				t.Errorf("man --warnings: %v\n%s", err, warnings.String())
			}
			hasWords(t, string(shown), sourceOf(t, name))
		})
	}
}

// sourceOf is what a page is made of.
func sourceOf(t *testing.T, page string) string {
	t.Helper()
	switch command, ofCommand := strings.CutPrefix(strings.TrimSuffix(page, ".1"), "popgate-"); {
	case ofCommand:
		help := strings.TrimPrefix(runHere(t, command, "--help").out, "Usage: ")
		return regexp.MustCompile(`(?m)^(Commands|Flags|Examples):$`).ReplaceAllStringFunc(help, func(head string) string {
			return strings.ToUpper(strings.TrimSuffix(head, ":"))
		})
	case page == "popgate.1":
		help := runHere(t, "help").out
		_, help, _ = strings.Cut(help, "\n\nUsage: ")
		usage, groups, _ := strings.Cut(help, "\n")
		groups, _, _ = strings.Cut(groups, "\nEach command")
		return usage + "\n" + whatItIs + "\n" + forAllCommands + "\n" + groups
	}
	return document(t, "config.hcl")
}

// hasWords insists that the words of want are in got, in their order.
func hasWords(t *testing.T, got, want string) {
	t.Helper()
	words := strings.Fields(got)
	for _, word := range strings.Fields(want) {
		at := slices.Index(words, word)
		if at < 0 {
			t.Fatalf("%q is missing, or stands elsewhere, in\n%s", word, got)
		}
		words = words[at+1:]
	}
}

// FuzzRoff: whatever a text is, nothing in it is a command, and nothing but its own
// escapes has a backslash.
func FuzzRoff(f *testing.F) {
	for _, text := range []string{".SH x", "'br", "a\\fBb", "\n.\n'\n", "--flag \"x\" 'y' `z` ~/^", "–…"} {
		f.Add(text)
	}
	escapes := regexp.MustCompile(`\\(\(aq|\(dq|\(ga|\(ha|\(ti|\[u[0-9A-F]{4,6}\]|[-e&])`)
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		r := new(roff)
		r.literal(text)
		lines := strings.Split(strings.TrimSuffix(r.out.String(), "\n"), "\n")
		for _, line := range lines[2 : len(lines)-1] {
			if !strings.HasPrefix(line, `\&`) || strings.Contains(escapes.ReplaceAllString(line, ""), `\`) {
				t.Errorf("%q has a line %q", text, line)
			}
		}
	})
}
