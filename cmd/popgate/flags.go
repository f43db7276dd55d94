package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// flags makes a command's set of flags. The examples are command lines without
// "popgate".
func flags(name, usage string, std streams, examples ...string) *flag.FlagSet {
	set := flag.NewFlagSet("popgate "+name, flag.ContinueOnError)
	set.SetOutput(std.err)
	set.Usage = func() {
		fmt.Fprintln(set.Output(), strings.TrimSpace("Usage: popgate "+name+" "+usage))
		some := false
		if set.VisitAll(func(*flag.Flag) { some = true }); some {
			fmt.Fprint(set.Output(), "\n"+headFlags+"\n")
			printFlags(set.Output(), set)
		}
		printExamples(set.Output(), examples)
	}
	return set
}

// printFlags writes what flags there are, with the two dashes that documents have.
func printFlags(w io.Writer, set *flag.FlagSet) {
	var text bytes.Buffer
	before := set.Output()
	set.SetOutput(&text)
	set.PrintDefaults()
	set.SetOutput(before)
	for line := range strings.Lines(text.String()) {
		if strings.HasPrefix(line, "  -") {
			line = "  -" + line[2:]
		}
		_, _ = io.WriteString(w, line)
	}
}

func printExamples(w io.Writer, examples []string) {
	if len(examples) > 0 {
		fmt.Fprint(w, "\n"+headExamples+"\n")
	}
	for _, example := range examples {
		fmt.Fprintf(w, "  popgate %s\n", example)
	}
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

// period is the value of a flag that is a time.
type period time.Duration

func (p *period) String() string { return time.Duration(*p).String() }

// Set reads a time. Its error says how one is written.
func (p *period) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		return errors.New("write a number with its unit, such as 90s, 10m or 1h")
	}
	*p = period(d)
	return nil
}

// periodVar is flag.DurationVar with an error that helps.
func periodVar(set *flag.FlagSet, d *time.Duration, name string, standard time.Duration, usage string) {
	*d = standard
	set.Var((*period)(d), name, usage)
}
