package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"popgate/internal/admin"
)

// certCommand is one word behind `popgate cert`.
type certCommand struct {
	name, args, summary string
	least, most         int // how many args
	run                 func(ctx context.Context, c *call) error
}

// anyNumber is more arguments than a command line can have.
const anyNumber = 1 << 30

var certCommands = []certCommand{
	{"list", "", "show all certificates, with last errors and next tries", 0, 0, certList},
	{"check", "[HOST...]", "show what would hinder orders, for all hosts or these", 0, anyNumber, certCheck},
	{"renew", "HOST", "order a new certificate now, and wait for it", 1, 1, certRenew},
}

// cert runs the commands about certificates. They ask the running popgate, or
// work on the certificate cache if there is none.
func cert(ctx context.Context, args []string, std streams) error {
	c := &call{std: std}
	if err := c.parse(args); err != nil {
		return err
	}
	command, err := c.command()
	if err != nil {
		return err
	}
	ctx, stop, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer stop()
	return command.run(ctx, c)
}

// parse takes flags before and behind each word.
func (c *call) parse(args []string) error {
	set := c.flags("cert")
	set.Usage = func() { c.printUsage(set.Output(), set) }
	for {
		if err := parseFlags(set, args, c.std); err != nil {
			return err
		}
		if set.NArg() == 0 {
			break
		}
		c.words, args = append(c.words, set.Arg(0)), set.Args()[1:]
	}
	if len(c.words) == 0 {
		c.printUsage(c.std.err, set)
		return usageError{errShown}
	}
	if c.known() == nil {
		c.printUsage(c.std.err, set)
		return usageError{fmt.Errorf("unknown command %q", "cert "+c.words[0])}
	}
	return nil
}

// known returns the command that the first word names; nil: none.
func (c *call) known() *certCommand {
	for i := range certCommands {
		if len(c.words) > 0 && certCommands[i].name == c.words[0] {
			return &certCommands[i]
		}
	}
	return nil
}

// command returns the command, if its args are as many as it takes.
func (c *call) command() (*certCommand, error) {
	command := c.known()
	switch n := len(c.args()); {
	case n < command.least:
		return nil, usageError{fmt.Errorf("popgate cert %s: %s is missing", command.name, command.args)}
	case n > command.most:
		return nil, usageError{fmt.Errorf("popgate cert %s: unexpected argument %q", command.name, c.args()[command.most])}
	}
	return command, nil
}

func (c *call) args() []string { return c.words[1:] }

func (c *call) printUsage(w io.Writer, set *flag.FlagSet) {
	const common = "[--config FILE|FOLDER] [--json]"
	if command := c.known(); command != nil {
		fmt.Fprintf(w, "Usage: popgate cert %s %s\n%s.\n", command.name,
			strings.TrimSpace(common+" "+command.args), strings.ToUpper(command.summary[:1])+command.summary[1:])
		set.PrintDefaults()
		return
	}
	fmt.Fprintf(w, "Usage: popgate cert COMMAND %s\n\nCommands:\n", common)
	for _, command := range certCommands {
		fmt.Fprintf(w, "  %-16s %s\n", strings.TrimSpace(command.name+" "+command.args), command.summary)
	}
	fmt.Fprint(w, "\nThey ask the running popgate. If there is none, they work on the certificate\n"+
		"cache alone, and say so. Flags of all commands:\n")
	set.PrintDefaults()
}

// running returns the client of the running popgate, and what certificates that
// one has; a nil client: none runs.
func (c *call) running(ctx context.Context) (*admin.Client, []admin.Certificate, error) {
	client := c.client()
	if client == nil {
		return nil, nil, nil
	}
	list, err := client.Certificates(ctx)
	if errors.Is(err, admin.ErrNotRunning) {
		return nil, nil, nil
	}
	return client, list, err
}
