package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"popgate/internal/admin"
)

// logLevels are those that a log can have, the most talkative first.
var logLevels = []string{"trace", "debug", "info", "warn", "error"}

// logMenu shows or changes the log's level.
func logMenu(c *call) *menu {
	m := newMenu(c, "log")
	m.about = `Without LEVEL, shows the log's level; else changes it: for a time, or until the next
reload. LEVEL is ` + strings.Join(logLevels, ", ") + `. Passwords are in none.
`
	m.examples = []string{"log", "log debug --for 10m", "log info"}
	var d time.Duration
	periodVar(m.set, &d, "for", 0, "how `long`, from 1s to 24h (default until the next reload)")
	m.values["for"] = offerTexts("10m", "1h")
	m.words = []word{{
		args: "[LEVEL]", most: 1, offer: offerTexts(logLevels...),
		check: func(args []string) error { return checkLevel(args, c.given["for"], d) },
		run: func(ctx context.Context, client *admin.Client, args []string) error {
			if len(args) == 0 {
				return c.level(client.LogLevel(ctx))
			}
			return c.level(client.SetLogLevel(ctx, args[0], d))
		},
	}}
	return m
}

func checkLevel(args []string, timed bool, d time.Duration) error {
	switch {
	case len(args) == 0 && timed:
		return errors.New("--for needs a LEVEL")
	case timed && d <= 0:
		return errors.New("--for must be longer than 0s")
	case len(args) > 0 && !slices.Contains(logLevels, args[0]):
		return fmt.Errorf("%q is no level: write one of %s", args[0], strings.Join(logLevels, ", "))
	}
	return nil
}

// level shows the log's level.
func (c *call) level(level admin.LogLevel, err error) error {
	if err != nil {
		return err
	}
	text := level.Level
	if level.Until != nil {
		text += " until " + level.Until.UTC().Format(time.RFC3339)
	}
	return c.say(level, "%s", text)
}
