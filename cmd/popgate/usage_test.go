package main

import (
	"regexp"
	"strings"
	"testing"
)

// usageCases are command lines and what comes of them. What was asked for goes
// to standard output, what went wrong to standard error, never both.
var usageCases = []struct {
	name string
	args []string
	code int
	out  string // patterns; "" for nothing at all
	err  string
}{
	{"nothing", nil, exitUsage, "", `Usage: popgate COMMAND`},
	{"help", []string{"help"}, exitOK, `Usage: popgate COMMAND`, ""},
	{"-h", []string{"-h"}, exitOK, `Usage: popgate COMMAND`, ""},
	{"--help", []string{"--help"}, exitOK, `Usage: popgate COMMAND`, ""},
	{"unknown command", []string{"sevre"}, exitUsage, "", `(?s)^popgate is .*popgate: unknown command "sevre"\n$`},
	{"flag before the command", []string{"--config", "x", "serve"}, exitUsage, "", `unknown command "--config"`},
	{"empty command", []string{""}, exitUsage, "", `unknown command ""`},
	{"control bytes in a command", []string{"\x1b[2J"}, exitUsage, "", `unknown command "\\x1b\[2J"`},

	{"serve --help", []string{"serve", "--help"}, exitOK, `(?s)^Usage: popgate serve .*\n  --config file\n.*\nExamples:\n  popgate serve\n`, ""},
	{"check -h", []string{"check", "-h"}, exitOK, `(?s)^Usage: popgate check .*-config`, ""},
	{"demo --help", []string{"demo", "--help"}, exitOK, `^Usage: popgate demo`, ""},
	{"version -help", []string{"version", "-help"}, exitOK, `^Usage: popgate version`, ""},
	{"help behind a flag", []string{"check", "--config", "x", "--help"}, exitOK, `^Usage: popgate check`, ""},

	{"serve, bad flag", []string{"serve", "--confg", "x"}, exitUsage, "", `(?s)-confg.*Usage: popgate serve`},
	{"check, bad flag", []string{"check", "--confg", "x"}, exitUsage, "", `(?s)-confg.*Usage: popgate check`},
	{"demo, bad flag", []string{"demo", "--config", "x"}, exitUsage, "", `(?s)-config.*Usage: popgate demo`},
	{"version, bad flag", []string{"version", "--short"}, exitUsage, "", `(?s)-short.*Usage: popgate version`},
	{"flag without a value", []string{"check", "--config"}, exitUsage, "", `(?s)-config.*Usage: popgate check`},

	{"serve, too much", []string{"serve", "config.hcl"}, exitUsage, "", `unexpected argument "config\.hcl"`},
	{"check, too much", []string{"check", "config.hcl"}, exitUsage, "", `unexpected argument "config\.hcl"`},
	{"demo, too much", []string{"demo", "now"}, exitUsage, "", `unexpected argument "now"`},
	{"version, too much", []string{"version", "now"}, exitUsage, "", `unexpected argument "now"`},

	{"serve, no such file", []string{"serve", "--config", "no-such.hcl"}, exitUsage, "", `(?s)no-such\.hcl`},
	{"check, no such file", []string{"check", "--config", "no-such.hcl"}, exitUsage, "", `(?s)no-such\.hcl`},
	{"check, no configuration here", []string{"check"}, exitUsage, "", `config\.hcl`},
}

// TestUsage runs the command lines in this process.
func TestUsage(t *testing.T) {
	for _, test := range usageCases {
		t.Run(test.name, func(t *testing.T) {
			r := runHere(t, test.args...)
			if r.code != test.code {
				t.Errorf("exit code %d, want %d", r.code, test.code)
			}
			insistOn(t, "standard output", r.out, test.out)
			insistOn(t, "standard error", r.err, test.err)
		})
	}
}

// insistOn compares what was written with a pattern, or with nothing.
func insistOn(t testing.TB, where, got, pattern string) {
	t.Helper()
	switch {
	case pattern == "" && got != "":
		t.Errorf("%s has %q, want nothing", where, got)
	case !regexp.MustCompile(pattern).MatchString(got):
		t.Errorf("%s has %q, want %s", where, got, pattern)
	}
}

// TestExitCodesOfTheProgram: the codes are what a shell sees, too.
func TestExitCodesOfTheProgram(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		code int
	}{
		{[]string{"--help"}, 0},
		{[]string{"version"}, 0},
		{[]string{"serve", "--help"}, 0},
		{nil, 2},
		{[]string{"sevre"}, 2},
		{[]string{"check", "--confg"}, 2},
		{[]string{"serve", "--config", "no-such.hcl"}, 2},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Parallel()
			p := popgate(t, nil, test.args...)
			p.exit(t, test.code)
			if asked := test.code == 0; asked != (p.out.String() != "") || asked != (p.err.String() == "") {
				t.Error("what was asked for goes to standard output, what went wrong to standard error")
			}
		})
	}
}

// TestHelpNamesEveryCommand: each command is there with its summary, and has a
// help of its own.
func TestHelpNamesEveryCommand(t *testing.T) {
	help := runHere(t, "help").out
	for _, c := range allCommands() {
		if !regexp.MustCompile(`(?m)^  ` + c.name + ` +` + regexp.QuoteMeta(c.summary) + `$`).MatchString(help) {
			t.Errorf("no line for %s in\n%s", c.name, help)
		}
		if r := runHere(t, c.name, "--help"); r.code != exitOK || !strings.HasPrefix(r.out, "Usage: popgate "+c.name) {
			t.Errorf("%s --help: exit code %d, %q", c.name, r.code, r.out)
		}
	}
	for line := range strings.Lines(help) {
		if len(line) > 91 {
			t.Errorf("a line of %d columns: %s", len(line)-1, line)
		}
	}
}

// allCommands are those that the help names.
func allCommands() (all []command) {
	for _, g := range groups() {
		all = append(all, g.commands...)
	}
	return all
}
