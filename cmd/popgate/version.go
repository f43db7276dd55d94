package main

import (
	"context"
	"fmt"
	"runtime/debug"
)

// version prints what was built, and with what.
func version(_ context.Context, args []string, std streams) error {
	if err := parse(flags("version", "", std), args, std); err != nil {
		return err
	}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("version: this binary holds no build information")
	}
	fmt.Fprintf(std.out, "popgate %s %s\n", build.Main.Version, build.GoVersion)
	for _, setting := range build.Settings {
		switch setting.Key {
		case "vcs.revision", "vcs.time", "vcs.modified", "GOOS", "GOARCH":
			fmt.Fprintf(std.out, "%s %s\n", setting.Key, setting.Value)
		}
	}
	return nil
}
