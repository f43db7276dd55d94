package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
)

// version prints what was built, and with what.
func version(_ context.Context, args []string, std streams) error {
	set := flags("version", "[FLAGS]\n\nPrints the version, the commit, and what it was built with and for.", std, "version", "version --modules", "version --json")
	modules := set.Bool("modules", false, "list the modules that are part of popgate, too")
	asJSON := set.Bool("json", false, "write JSON, for programs, with all modules")
	if err := parse(set, args, std); err != nil {
		return err
	}
	b := builtFrom()
	if *asJSON {
		return writeJSON(std.out, b)
	}
	return printVersion(std.out, &b, *modules)
}

// printVersion writes a line for each fact, its name first, and for each module.
func printVersion(w io.Writer, b *buildFacts, modules bool) error {
	_, err := fmt.Fprintf(w, "popgate %s\ncommit %s\ncommitted %s\ngo %s\nsystem %s\n", b.Version, b.commit(),
		cmp.Or(b.Committed, "unknown"), b.GoVersion, b.System)
	if !modules {
		return err
	}
	for _, m := range b.Modules {
		if err == nil {
			_, err = fmt.Fprintf(w, "module %s %s\n", m.Path, m.Version)
		}
	}
	return err
}
