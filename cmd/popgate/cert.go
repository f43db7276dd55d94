package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"popgate/internal/admin"
	"popgate/internal/config"
)

// certCommand is one word behind `popgate cert`.
type certCommand struct {
	name, args, summary string
	least, most         int // how many args
	run                 func(ctx context.Context, c *certCall) error
}

// anyNumber is more arguments than a command line can have.
const anyNumber = 1 << 30

var certCommands = []certCommand{
	{"list", "", "show all certificates, with last errors and next tries", 0, 0, certList},
	{"check", "[HOST...]", "show what would hinder orders, for all hosts or these", 0, anyNumber, certCheck},
	{"renew", "HOST", "order a new certificate now, and wait for it", 1, 1, certRenew},
}

// certCall is a call of one of them.
type certCall struct {
	words []string // what is no flag: the command's name and its args
	path  string   // of the configuration
	json  bool
	cfg   *config.Config
	std   streams
}

// cert runs the commands about certificates. They ask the running popgate, or
// work on the certificate cache if there is none.
func cert(ctx context.Context, args []string, std streams) error {
	c := &certCall{std: std}
	if err := c.parse(args); err != nil {
		return err
	}
	command, err := c.command()
	if err != nil {
		return err
	}
	if c.cfg, err = load(c.path, std.err); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	return command.run(ctx, c)
}

// parse takes flags before and behind each word.
func (c *certCall) parse(args []string) error {
	set := flags("cert", "", c.std)
	set.StringVar(&c.path, "config", defaultConfig, "the configuration: a file, or a folder of *.hcl files")
	set.BoolVar(&c.json, "json", false, "write JSON, for programs")
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
func (c *certCall) known() *certCommand {
	for i := range certCommands {
		if len(c.words) > 0 && certCommands[i].name == c.words[0] {
			return &certCommands[i]
		}
	}
	return nil
}

// command returns the command, if its args are as many as it takes.
func (c *certCall) command() (*certCommand, error) {
	command := c.known()
	switch n := len(c.args()); {
	case n < command.least:
		return nil, usageError{fmt.Errorf("popgate cert %s: %s is missing", command.name, command.args)}
	case n > command.most:
		return nil, usageError{fmt.Errorf("popgate cert %s: unexpected argument %q", command.name, c.args()[command.most])}
	}
	return command, nil
}

func (c *certCall) args() []string { return c.words[1:] }

func (c *certCall) printUsage(w io.Writer, set *flag.FlagSet) {
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

// client asks the running popgate; nil: it can't be asked.
func (c *certCall) client() *admin.Client {
	if c.cfg.Admin.Socket == "" {
		return nil
	}
	return admin.NewClient(c.cfg.Admin.Socket)
}

// running returns the client of the running popgate, and what certificates that
// one has; a nil client: none runs.
func (c *certCall) running(ctx context.Context) (*admin.Client, []admin.Certificate, error) {
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

// sayNotRunning tells that no running popgate was asked, and what is done
// instead.
func (c *certCall) sayNotRunning(instead string) {
	fmt.Fprintf(c.std.err, "popgate: %s: %s\n", c.whyNotRunning(), instead)
}

func (c *certCall) whyNotRunning() string {
	if c.cfg.Admin.Socket == "" {
		return "the admin socket is off, so that no running popgate can be asked"
	}
	return "no popgate is running that answers on " + c.cfg.Admin.Socket
}

// writeJSON writes v for programs, in lines for people.
func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
