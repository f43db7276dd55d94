package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"popgate/internal/admin"
)

// TestWhereToAsk: what is written on the command line counts first, then the
// environment, then the configuration in this folder, then the default.
func TestWhereToAsk(t *testing.T) {
	s := newSite(t)
	ours := filepath.Join(s.dir, "admin.sock")
	elsewhere := t.TempDir()
	for name, test := range map[string]struct {
		args, environment, folder string
		asked                     string
	}{
		"--socket":                      {"--socket /a/s", "", elsewhere, "/a/s"},
		"--socket before all":           {"--socket /a/s --config " + s.config, "/b/s", s.dir, "/a/s"},
		"--socket, no configuration":    {"--socket /a/s --config no-such.hcl", "", elsewhere, "/a/s"},
		"--config":                      {"--config " + s.config, "", elsewhere, ours},
		"--config before environment":   {"--config " + s.config, "/b/s", elsewhere, ours},
		"environment":                   {"", "/b/s", elsewhere, "/b/s"},
		"environment before the folder": {"", "/b/s", s.dir, "/b/s"},
		"the folder":                    {"", "", s.dir, ours},
		"the default":                   {"", "", elsewhere, defaultSocket},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(test.folder)
			t.Setenv(socketVariable, test.environment)
			c := &call{std: streams{in: eof{}, out: newOutput(), err: newOutput()}}
			m := blocksMenu(c)
			if _, _, err := m.parse(strings.Fields(test.args)); err != nil {
				t.Fatal(err)
			}
			err := m.find()
			// The folder's own path may lead through a link.
			if got, _ := filepath.Rel(test.folder, test.asked); err != nil || c.socket != test.asked && c.socket != got {
				t.Errorf("%q is asked, %v; want %q", c.socket, err, test.asked)
			}
		})
	}
}

// TestNotRunning: each command that needs a running popgate fails without one,
// and says where it has looked.
func TestNotRunning(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	for _, args := range []string{
		"status", "top", "top --once", "sessions", "sessions show x", "sessions kick x", "backends", "backends drain x", "backends undrain x",
		"health", "health --live", "trace bob", "blocks", "blocks clear all", "log", "log debug", "config", "reload", "upgrade", "drain",
	} {
		r := runHere(t, append(strings.Fields(args), "--socket", socket)...)
		r.wantCode(t, exitFailed, "popgate: no popgate is running that answers on "+socket)
		if r.out != "" {
			t.Errorf("%s writes %q", args, r.out)
		}
	}
}

// TestNoConfiguration: with the socket, nothing of a configuration is read that
// can't be; without both, it is told what was tried.
func TestNoConfiguration(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if _, err := os.Stat(defaultSocket); err != nil {
		runHere(t, "backends").wantCode(t, exitFailed, defaultSocket, "there is no config.hcl here: --config or --socket says where else")
	}
	if err := os.WriteFile("config.hcl", []byte("admin { socket = env(\"POPGATE_NO_SUCH\") }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := &fake{backends: twoBackends()}
	runHere(t, "backends").wantCode(t, exitUsage, "POPGATE_NO_SUCH", "--socket says where popgate answers")
	for _, args := range []string{"backends", "cert list", "explain bob --from 192.0.2.7", "blocks"} {
		f.asked(t, strings.Fields(args)...).wantCode(t, exitOK)
	}
}

// TestBadConfiguration: whatever stands in the configuration, a popgate that runs
// can be asked; only what works without one needs the whole.
func TestBadConfiguration(t *testing.T) {
	t.Chdir(t.TempDir())
	f := &fake{backends: twoBackends(), ready: admin.Readiness{Ready: true}}
	socket := f.serve(t)
	for name, test := range map[string]struct{ text, warning string }{
		"mistakes":  {"hostnaem = 5\nbackend \"x\" { addres = 3 }\n", ""},
		"variables": {"tls { ticket_secret = env(\"POPGATE_NO_SUCH\") }\n", ""},
		"torn":      {"timeouts {\n  idle = 10m\n}\n", "popgate: warning: config.hcl line 2 can't be read"},
	} {
		t.Run(name, func(t *testing.T) {
			text := test.text + "admin { socket = \"" + socket + "\" }\n"
			if err := os.WriteFile("config.hcl", []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, args := range []string{"health", "backends", "cert list", "status", "blocks", "explain bob --from 192.0.2.7"} {
				r := runHere(t, strings.Fields(args)...)
				r.wantCode(t, exitOK, test.warning)
				if test.warning == "" && r.err != "" {
					t.Errorf("%s: %q", args, r.err)
				}
			}
			if r := runHere(t, "health", "--quiet"); r.code != exitOK || r.out+r.err != "" {
				t.Errorf("quiet: %+v", r)
			}
			runHere(t, "cert", "check").wantCode(t, exitUsage, "config.hcl")
		})
	}
	runHere(t, "health", "--config", "no-such.hcl").wantCode(t, exitUsage, "no-such.hcl", "--socket")
	if err := os.Remove("config.hcl"); err != nil {
		t.Fatal(err)
	}
	runHere(t, "cert", "check", "--socket", socket).wantCode(t, exitUsage, "it needs popgate's configuration", "--config")
}

// TestMenuUsage: mistakes are told before anybody is asked, with exit code 2.
func TestMenuUsage(t *testing.T) {
	for args, want := range map[string]string{
		"sessions lits":                       `unknown command "sessions lits"`,
		"sessions show":                       "popgate sessions show: ID is missing",
		"sessions show a b":                   `popgate sessions show: unexpected argument "b"`,
		"sessions kick":                       "popgate sessions kick: ID... is missing",
		"sessions kick --user bob x":          "popgate sessions kick: --user means nothing here",
		"sessions --state open":               `popgate sessions list: --state "open" is none of connecting, waiting`,
		"backends drain":                      "popgate backends drain: NAME is missing",
		"backends drian x":                    `unknown command "backends drian"`,
		"health now":                          `popgate health: unexpected argument "now"`,
		"health --timeout 0s":                 "popgate health: --timeout must be longer than 0s",
		"health --timeout soon":               "write a number with its unit, such as 90s",
		"log debug --for 1x":                  "write a number with its unit, such as 90s",
		"top --interval 1ms":                  "popgate top: --interval is 100ms at least",
		"top --sort size":                     `popgate top: --sort "size" is neither busy nor latest`,
		"trace":                               "popgate trace: USER is missing",
		"trace bob --from east":               `popgate trace: --from "east" is neither an address nor a network`,
		"trace bob --for -1s":                 "popgate trace: --for must be longer than 0s",
		"log loud":                            `popgate log: "loud" is no level: write one of trace, debug`,
		"log --for 10m":                       "popgate log: --for needs a LEVEL",
		"log debug --for 0s":                  "popgate log: --for must be longer than 0s",
		"reload now":                          `popgate reload: unexpected argument "now"`,
		"drain legacy":                        `popgate drain: unexpected argument "legacy"`,
		"status all":                          `popgate status: unexpected argument "all"`,
		"config x":                            `popgate config: unexpected argument "x"`,
		"completion":                          "Usage: popgate completion bash|fish|zsh",
		"completion tcsh":                     `popgate completion: "tcsh" is none of bash, fish, zsh`,
		"completion bash zsh":                 `popgate completion: unexpected argument "zsh"`,
		"sessions --socket= show \x1b[2J":     "popgate: --socket is empty",
		"sessions show \x1b[2J y":             `unexpected argument "y"`,
		"sessions kick --state waiting -- -a": "popgate sessions kick: --state means nothing here",
	} {
		r := runHere(t, strings.Fields(args)...)
		r.wantCode(t, exitUsage, want)
		if r.out != "" {
			t.Errorf("%s writes %q", args, r.out)
		}
	}
}

// TestMenuHelp: each word has a help, with examples, that fits a terminal.
func TestMenuHelp(t *testing.T) {
	for _, c := range allCommands() {
		lines := [][]string{{c.name, "--help"}}
		if c.menu != nil {
			for _, w := range c.menu(new(call)).words {
				lines = append(lines, append(strings.Fields(c.name+" "+w.name), "--help"))
			}
		}
		for _, args := range lines {
			help := runHere(t, args...)
			if help.code != exitOK || c.name != "completion" && !strings.Contains(help.out, "\nExamples:\n  popgate "+c.name) {
				t.Errorf("%q: %d, %s", args, help.code, help.out)
			}
			for line := range strings.Lines(help.out) {
				if len(line) > 91 {
					t.Errorf("a line of %d columns: %s", len(line)-1, line)
				}
			}
		}
	}
}
