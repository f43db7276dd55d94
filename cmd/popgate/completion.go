package main

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"strings"
)

// shells are those that there is a script for.
var shells = []string{"bash", "fish", "zsh"}

// completionScripts ask `popgate complete` for what may come next, so that they
// never differ from the commands and flags that there are.
//
//go:embed completion
var completionScripts embed.FS

// completion writes a shell's script.
func completion(_ context.Context, args []string, std streams) error {
	set := flags("completion", strings.Join(shells, "|")+"\n\n"+`Writes a script that makes a shell complete popgate's commands, their flags, and ids of
sessions, backends and hosts of the running popgate.

Examples:
  bash:  popgate completion bash > /etc/bash_completion.d/popgate
  zsh:   popgate completion zsh > "${fpath[1]}/_popgate"
  fish:  popgate completion fish > ~/.config/fish/completions/popgate.fish`, std)
	if err := parseFlags(set, args, std); err != nil {
		return err
	}
	switch {
	case set.NArg() == 0:
		set.Usage()
		return usageError{errShown}
	case set.NArg() > 1:
		return usageError{fmt.Errorf("%s: unexpected argument %q", set.Name(), set.Arg(1))}
	case !slices.Contains(shells, set.Arg(0)):
		return usageError{fmt.Errorf("%s: %q is none of %s", set.Name(), set.Arg(0), strings.Join(shells, ", "))}
	}
	script, err := completionScripts.ReadFile("completion/popgate." + set.Arg(0))
	if err == nil {
		_, err = std.out.Write(script)
	}
	return err
}
