package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// here is the system that the tests run on.
const here = runtime.GOOS + "/" + runtime.GOARCH

// fullCommit is a commit as git names it.
const fullCommit = "08931156e1a3b00a1e5d6910472b45d5b3fa1516"

// TestFactsOf: Go's own notes count first, then the version and the commit that
// were given at the build.
func TestFactsOf(t *testing.T) {
	git := []debug.BuildSetting{
		{Key: "vcs.revision", Value: fullCommit}, {Key: "vcs.time", Value: "2026-11-26T07:42:57Z"}, {Key: "vcs.modified", Value: "true"},
	}
	none := []buildModule{}
	for name, test := range map[string]struct {
		info     debug.BuildInfo
		release  string
		revision string
		want     buildFacts
		commit   string // for people
	}{
		"git": {debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: "v1.2.3"}, Settings: git}, "v9.9.9", "other",
			buildFacts{"v1.2.3", fullCommit, true, "2026-11-26T07:42:57Z", "go1.26.8", here, none}, "08931156e1a3-dirty"},
		"given": {debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "v1.2.3", fullCommit,
			buildFacts{"v1.2.3", fullCommit, false, "", "", here, none}, "08931156e1a3"},
		"given with changes": {debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "", fullCommit + "-dirty",
			buildFacts{"(devel)", fullCommit, true, "", "", here, none}, "08931156e1a3-dirty"},
		"given short": {debug.BuildInfo{}, "", "0893", buildFacts{"", "0893", false, "", "", here, none}, "0893"},
		"neither":     {debug.BuildInfo{}, "", "", buildFacts{"", "", false, "", "", here, none}, "unknown"},
		"modules": {debug.BuildInfo{Deps: []*debug.Module{
			{Path: "example.com/a", Version: "v1.0.0"},
			{Path: "example.com/b", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/c", Version: "v2.0.0"}},
		}}, "", "", buildFacts{"", "", false, "", "", here, []buildModule{{"example.com/a", "v1.0.0"}, {"example.com/c", "v2.0.0"}}}, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			got := factsOf(&test.info, test.release, test.revision)
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if got.commit() != test.commit {
				t.Errorf("people see %q, want %q", got.commit(), test.commit)
			}
		})
	}
}

// TestPrintVersion: a line for each fact, and for each module if it is asked for.
func TestPrintVersion(t *testing.T) {
	b := buildFacts{"v1.2.3", fullCommit, false, "2026-11-26T07:42:57Z", "go1.26.8", "linux/amd64", []buildModule{{"example.com/a", "v1.0.0"}}}
	const want = "popgate v1.2.3\ncommit 08931156e1a3\ncommitted 2026-11-26T07:42:57Z\ngo go1.26.8\nsystem linux/amd64\n"
	if got := written(t, func(out *bytes.Buffer) error { return printVersion(out, &b, false) }); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := written(t, func(out *bytes.Buffer) error { return printVersion(out, &b, true) }); got != want+"module example.com/a v1.0.0\n" {
		t.Errorf("with modules:\n%s", got)
	}
}

// TestVersion: the version, what it was built with and for, in lines that a
// script can read.
func TestVersion(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"version"}, {"--version"}, {"-v"}, {"version", "--modules"}} {
		p := popgate(t, nil, args...)
		p.exit(t, exitOK)
		insistOn(t, "standard output", p.out.String(), `^popgate \S+\ncommit \S+\ncommitted \S+\ngo go1\.\d+\S*\nsystem `+here+`\n(module \S+ \S+\n)*$`)
		if got := strings.Contains(p.out.String(), "\nmodule github.com/hashicorp/hcl/v2 v"); got != (len(args) == 2) {
			t.Errorf("%q lists modules: %v", args, got)
		}
	}
}

// TestVersionWithoutGit: a build that can't see git is told its commit.
func TestVersionWithoutGit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "popgate.exe")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-ldflags", "-X main.revision="+fullCommit+dirty, "-o", path, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), path, "version", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var got buildFacts
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if got.Commit != fullCommit || !got.Modified || got.System != here || got.GoVersion != runtime.Version() || len(got.Modules) < 10 {
		t.Errorf("%s", out)
	}
}
