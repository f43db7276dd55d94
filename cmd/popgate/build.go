package main

import (
	"cmp"
	"runtime"
	"runtime/debug"
	"strings"
)

// release and revision are the version and the commit for builds that can't see
// git, such as those in a container: -ldflags "-X main.release=VERSION -X
// main.revision=COMMIT", with -dirty behind it if there were changes. What Go has
// found itself counts before them.
var release, revision string

// dirty stands behind a commit if there were changes on top of it.
const dirty = "-dirty"

// shortCommit is how much of a commit people are shown.
const shortCommit = 12

// buildFacts are what is known of this binary, for programs. Texts are "" where
// nothing is known.
type buildFacts struct {
	Version   string        `json:"version"`    // as Go makes it of the tag and the commit; "(devel)" without git, if none was given
	Commit    string        `json:"commit"`     // whole
	Modified  bool          `json:"modified"`   // there were changes on top of the commit
	Committed string        `json:"committed"`  // RFC 3339
	GoVersion string        `json:"go_version"` // such as go1.26.8
	System    string        `json:"system"`     // such as linux/amd64
	Modules   []buildModule `json:"modules"`    // all but popgate's own, by path
}

// buildModule is a module that is part of the binary.
type buildModule struct {
	Path    string `json:"path"`
	Version string `json:"version"`
}

// builtFrom tells what this binary was built from, and with what.
func builtFrom() buildFacts {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{GoVersion: runtime.Version()}
		info.Main.Version = "unknown"
	}
	return factsOf(info, release, revision)
}

// factsOf reads what Go has noted. release and revision count where Go has seen no
// git.
func factsOf(info *debug.BuildInfo, release, revision string) buildFacts {
	b := buildFacts{
		Version: info.Main.Version, GoVersion: info.GoVersion, System: runtime.GOOS + "/" + runtime.GOARCH,
		Modules: []buildModule{},
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		case "vcs.time":
			b.Committed = s.Value
		}
	}
	if b.Commit == "" {
		b.Version = cmp.Or(release, b.Version)
		b.Commit, b.Modified = strings.CutSuffix(revision, dirty)
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		b.Modules = append(b.Modules, buildModule{m.Path, m.Version})
	}
	return b
}

// commit is the commit for people: short, and whether it was changed.
func (b *buildFacts) commit() string {
	short := b.Commit
	if short == "" {
		return "unknown"
	}
	if len(short) > shortCommit {
		short = short[:shortCommit]
	}
	if b.Modified {
		short += dirty
	}
	return short
}
