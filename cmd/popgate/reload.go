package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"popgate/internal/admin"
)

// reloaded is what `popgate reload --json` writes.
type reloaded struct {
	Reloaded bool     `json:"reloaded"`
	Problems []string `json:"problems"` // why not
	Warnings []string `json:"warnings"` // of a configuration that is in force
}

// reloadMenu brings the configuration's file in force.
func reloadMenu(c *call) *menu {
	m := newMenu(c, "reload")
	m.about = `Makes the running popgate read its own configuration again, as SIGHUP does, and
tells what is wrong with it. If anything is, the old one stays in force.
`
	m.examples = []string{"reload", "reload --json"}
	m.words = []word{{run: c.reload}}
	return m
}

func (c *call) reload(ctx context.Context, client *admin.Client, _ []string) error {
	warnings, err := client.Reload(ctx)
	var refused *admin.Error
	switch {
	case err == nil:
		return c.show(reloaded{true, []string{}, append([]string{}, warnings...)}, func(w io.Writer) error {
			for _, warning := range warnings {
				fmt.Fprintf(c.std.err, "warning: %s\n", warning)
			}
			_, err := fmt.Fprintln(w, "the configuration is in force")
			return err
		})
	case !errors.As(err, &refused) || refused.Code != admin.CodeReloadFailed:
		return err
	}
	if c.json {
		if err := writeJSON(c.std.out, reloaded{false, append([]string{}, refused.Problems...), []string{}}); err != nil {
			return err
		}
		return errShown
	}
	for _, problem := range refused.Problems {
		fmt.Fprintf(c.std.err, "%s\n", problem)
	}
	return err
}

// draining is what `popgate drain --json` writes.
type draining struct {
	Draining bool `json:"draining"`
}

// drainMenu lets the running popgate end.
func drainMenu(c *call) *menu {
	m := newMenu(c, "drain")
	m.about = `Makes the running popgate drain, as SIGTERM does: nobody new gets in, sessions may
end, then it ends. To take one backend out, see popgate backends.
`
	m.examples = []string{"drain"}
	m.words = []word{{run: c.drain}}
	return m
}

func (c *call) drain(ctx context.Context, client *admin.Client, _ []string) error {
	if err := client.Drain(ctx); err != nil {
		return err
	}
	return c.say(draining{true}, "draining: nobody new gets in, and popgate ends when its sessions have")
}

// effective is what `popgate config --json` writes.
type effective struct {
	HCL string `json:"hcl"`
}

// configMenu shows the configuration in force.
func configMenu(c *call) *menu {
	m := newMenu(c, "config")
	m.about = `Shows the configuration that the running popgate has in force, as config.hcl, with
defaults. Secrets are masked. What stands in the file may be newer.
`
	m.examples = []string{"config", "config --json"}
	m.words = []word{{run: c.effective}}
	return m
}

func (c *call) effective(ctx context.Context, client *admin.Client, _ []string) error {
	text, err := client.Config(ctx)
	if err != nil {
		return err
	}
	return c.show(effective{text}, func(w io.Writer) error {
		_, err := io.WriteString(w, strings.TrimSuffix(text, "\n")+"\n")
		return err
	})
}
