// Command popgate is a TLS-terminating POP3 proxy.
//
// It wires the packages together, reads the configuration, and obeys signals;
// it decides nothing about mail. Start with commands below, then serve.go.
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
}

// streams are the standard streams, or a test's.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

var commands = []command{
	{"serve", "run the proxy (SIGHUP reloads, SIGTERM drains, a second one stops)", serve},
	{"check", "check the configuration and show all problems", check},
	{"cert", "list, check and renew certificates", cert},
	{"explain", "show what would become of a login, and why", explain},
	{"blocks", "list and lift blocks of addresses that tried wrong passwords", blocks},
	{"demo", "try popgate: a proxy, a certificate and a mail server of its own", runDemo},
	{"version", "print the version", version},
}

func main() {
	std := streams{os.Stdin, os.Stdout, os.Stderr}
	tuneCollector()
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
	for _, c := range commands {
		if c.name == args[0] {
			return c.run(ctx, args[1:], std)
		}
	}
	printUsage(std.err)
	return usageError{fmt.Errorf("unknown command %q", args[0])}
}

func printUsage(w io.Writer) {
	fmt.Fprint(w, "popgate is a TLS-terminating POP3 proxy.\n\nUsage: popgate COMMAND [FLAGS]\n\nCommands:\n")
	for _, c := range commands {
		fmt.Fprintf(w, "  %-8s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\nEach command has --help. Exit codes: 0 done or drained, 1 failed at run time,\n"+
		"2 bad configuration or usage.\n")
}

// defaultConfig is where the configuration is looked for.
const defaultConfig = "config.hcl"

// flags makes a command's set of flags.
func flags(name, usage string, std streams) *flag.FlagSet {
	set := flag.NewFlagSet("popgate "+name, flag.ContinueOnError)
	set.SetOutput(std.err)
	set.Usage = func() {
		fmt.Fprintf(set.Output(), "Usage: popgate %s %s\n", name, usage)
		set.PrintDefaults()
	}
	return set
}

// parse parses flags and insists that nothing is left over.
func parse(set *flag.FlagSet, args []string, std streams) error {
	if err := parseFlags(set, args, std); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return usageError{fmt.Errorf("%s: unexpected argument %q", set.Name(), set.Arg(0))}
	}
	return nil
}

// parseFlags parses flags up to the first word that is none. Help that was asked
// for goes to standard output.
func parseFlags(set *flag.FlagSet, args []string, std streams) error {
	for _, arg := range args {
		if arg == "-h" || arg == "-help" || arg == "--help" {
			set.SetOutput(std.out)
		}
	}
	switch err := set.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return usageError{errShown}
	}
	return nil
}
