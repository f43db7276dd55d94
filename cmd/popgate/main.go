// Command popgate is a TLS-terminating POP3 proxy.
//
// It wires the packages together, reads the configuration, and obeys signals;
// it decides nothing about mail. Start with groups below, then serve.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// The exit codes of every command.
const (
	exitOK     = 0 // done, or drained
	exitFailed = 1 // failed at run time
	exitUsage  = 2 // bad configuration or usage
)

// command is one subcommand.
type command struct {
	name, summary string
	run           func(ctx context.Context, args []string, std streams) error
	menu          func(*call) *menu // what it can be asked, if it asks the running popgate
	plain         plain             // what it can be asked, if it doesn't
}

// plain is what a command without a menu takes, for completion: flags whose values
// are paths, flags without a value, and words.
type plain struct{ flags, switches, words []string }

// streams are the standard streams, or a test's.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// group is commands that belong together.
type group struct {
	name     string
	commands []command
}

// groups are all commands, in the order of the help. Deliberate: no variable, as
// completion and help are commands that need it.
func groups() []group {
	asked := func(name, summary string, menu func(*call) *menu) command {
		return command{name: name, summary: summary, run: asking(menu), menu: menu}
	}
	configured := plain{flags: []string{"config"}}
	return []group{
		{"To begin", []command{
			{name: "demo", summary: "try popgate: a proxy, a certificate and a mail server of its own", run: runDemo, plain: plain{switches: []string{"traffic"}}},
			{name: "check", summary: "check the configuration and show all problems", run: check, plain: configured},
			{name: "serve", summary: "run the proxy (SIGHUP reloads, SIGUSR2 upgrades, SIGTERM drains)", run: serve, plain: configured},
			asked("cert", "list, check and renew certificates", certMenu),
		}},
		{"What is going on?", []command{
			asked("status", "how everything is, in one page of text", statusMenu),
			asked("top", "the same, live: sessions, logins, backends, certificates", topMenu),
			asked("sessions", "list, show and end sessions", sessionsMenu),
			asked("backends", "list and drain backends", backendsMenu),
			asked("health", "whether clients are served, by the exit code", healthMenu),
		}},
		{"Why can't this user fetch mail?", []command{
			asked("explain", "show what would become of a login, and why", explainMenu),
			asked("trace", "show what a user's next session says, live", traceMenu),
			asked("blocks", "list and lift blocks of addresses that tried wrong passwords", blocksMenu),
			asked("log", "show or change the log's level", logMenu),
		}},
		{"To change what runs", []command{
			asked("config", "show the configuration in force", configMenu),
			asked("reload", "bring the configuration's file in force", reloadMenu),
			asked("upgrade", "let a new process of the program take over", upgradeMenu),
			asked("drain", "let sessions end, then stop", drainMenu),
		}},
		{"About this program", []command{
			{name: "completion", summary: "write a script with which a shell completes commands", run: completion,
				plain: plain{words: shells}},
			{name: "version", summary: "print the version, and what it was built from", run: version,
				plain: plain{switches: []string{"json", "modules"}}},
		}},
	}
}

// commandNamed finds a command.
func commandNamed(name string) (command, bool) {
	for _, g := range groups() {
		for _, c := range g.commands {
			if c.name == name {
				return c, true
			}
		}
	}
	// For scripts and packages: they are in no help.
	switch name {
	case completeWord:
		return command{name: name, run: complete}, true
	case manualWord:
		return command{name: name, run: manual}, true
	}
	return command{}, false
}

func main() {
	// Before anything secret is read. `popgate serve` does it again, to log why it
	// can't be done, if so.
	_ = forbidCores()
	std := streams{os.Stdin, os.Stdout, os.Stderr}
	tuneCollector()
	tuneMemory()
	stop := startProfile()
	code := run(context.Background(), os.Args[1:], std)
	stop()
	os.Exit(code)
}

// usageError is a mistake in the command line or the configuration.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }

// errShown is an error whose text has been printed already.
var errShown = errors.New("see above")

// run runs a command and returns the exit code.
func run(ctx context.Context, args []string, std streams) int {
	return report(dispatch(ctx, args, std), std.err)
}

// report prints how a command ended, unless it was fine, has been printed or
// would wait for a reader, and returns the exit code.
func report(err error, w io.Writer) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err == errShown {
		return exitFailed
	}
	var usage usageError
	isUsage := errors.As(err, &usage)
	if !errors.Is(err, errUnread) && !(isUsage && errors.Is(usage.err, errShown)) {
		fmt.Fprintf(w, "popgate: %v\n", err)
	}
	if isUsage {
		return exitUsage
	}
	return exitFailed
}

func dispatch(ctx context.Context, args []string, std streams) error {
	if len(args) == 0 {
		printUsage(std.err)
		return usageError{errShown}
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		printUsage(std.out)
		return nil
	case "-v", "-version", "--version":
		return version(ctx, nil, std)
	}
	if c, known := commandNamed(args[0]); known {
		return c.run(ctx, args[1:], std)
	}
	printUsage(std.err)
	return usageError{fmt.Errorf("unknown command %q", args[0])}
}

// What the help says, and the manual.
const (
	whatItIs       = "popgate is a TLS-terminating POP3 proxy."
	forAllCommands = `Each command has --help, with examples. Those that ask the running popgate find it
by --socket, --config, $` + socketVariable + ` or config.hcl in this folder.
Exit codes: 0 done or drained, 1 failed at run time, 2 bad configuration or usage.`
)

func printUsage(w io.Writer) {
	fmt.Fprint(w, whatItIs+"\n\nUsage: popgate COMMAND [FLAGS]\n")
	for _, g := range groups() {
		fmt.Fprintf(w, "\n%s\n", g.name)
		for _, c := range g.commands {
			fmt.Fprintf(w, "  %-10s %s\n", c.name, c.summary)
		}
	}
	fmt.Fprint(w, "\n"+forAllCommands+"\n")
}

// defaultConfig is where the configuration is looked for.
const defaultConfig = "config.hcl"
