package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"popgate/internal/admin"
	"popgate/internal/config"
)

// call is a call of a command that asks the running popgate.
type call struct {
	path   string          // of the configuration
	socket string          // of the running popgate, once it is found; "": it is off
	given  map[string]bool // the flags that were written
	json   bool
	quiet  bool           // say nothing of what goes wrong: the exit code does
	cfg    *config.Config // nil until somebody needs it
	none   bool           // no configuration says where to ask: the default counts
	std    streams
}

// Where a running popgate is looked for: by a variable of the environment, and at
// the default of admin { socket }.
const (
	socketVariable = "POPGATE_SOCKET"
	defaultSocket  = "/run/popgate/admin.sock"
)

// flags returns the flags that all such commands have.
func (c *call) flags(name string) *flag.FlagSet {
	set := flags(name, "", c.std)
	set.StringVar(&c.path, "config", defaultConfig, "the configuration: a `file`, or a folder of *.hcl files")
	set.StringVar(&c.socket, "socket", "", "the `path` of the running popgate's socket: no configuration is needed then\n"+
		"(default $"+socketVariable+", or what the configuration says)")
	set.BoolVar(&c.json, "json", false, "write JSON, for programs")
	return set
}

// find finds the socket of the running popgate. What is written on the command
// line counts first, then the environment.
func (c *call) find() error {
	fromEnvironment := os.Getenv(socketVariable)
	switch {
	case c.given["socket"] && c.socket == "":
		return usageError{errors.New("--socket is empty")}
	case c.given["socket"]:
		return nil
	case !c.given["config"] && fromEnvironment != "":
		c.socket = fromEnvironment
		return nil
	case !c.given["config"] && missing(c.path):
		c.socket, c.none = defaultSocket, !c.origin().environment
		return nil
	}
	return c.findInConfiguration()
}

// findInConfiguration reads the socket in the configuration, and nothing else
// there: a popgate that runs can be asked whatever has become of its files.
func (c *call) findInConfiguration() error {
	socket, doubts, err := config.Socket(c.path)
	if err != nil {
		return usageError{fmt.Errorf("%w\n  --socket says where popgate answers: then no configuration is read", err)}
	}
	c.socket = socket
	if len(doubts) == 0 {
		return nil
	}
	for _, doubt := range doubts {
		fmt.Fprintf(c.std.err, "popgate: warning: %s\n", oneLine(doubt, maxDetail))
	}
	where := "asking at " + socket
	if socket == "" {
		where = "the admin socket is off"
	}
	fmt.Fprintf(c.std.err, "popgate: warning: %s; --socket says if it is elsewhere\n", where)
	return nil
}

// origin is where popgate's configuration comes from, as far as can be told here.
func (c *call) origin() origin { return originOf(c.path, c.given["config"]) }

// configuration returns the configuration, which it reads when it is first asked.
func (c *call) configuration() (*config.Config, error) {
	if c.cfg == nil {
		cfg, err := load(c.origin(), c.std.err)
		if err != nil {
			return nil, err
		}
		c.cfg = cfg
	}
	return c.cfg, nil
}

// client asks the running popgate; nil: it can't be asked.
func (c *call) client() *admin.Client {
	if c.socket == "" {
		return nil
	}
	return admin.NewClient(c.socket)
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

// sayNotRunning tells that no running popgate was asked, and what is done
// instead.
func (c *call) sayNotRunning(instead string) {
	fmt.Fprintf(c.std.err, "popgate: %s: %s\n", c.whyNotRunning(), instead)
}

func (c *call) whyNotRunning() string {
	switch {
	case c.socket == "":
		return "the admin socket is off, so that no running popgate can be asked"
	case c.none:
		return fmt.Sprintf("no popgate is running that answers on %s (there is no %s here: --config or --socket says where else)",
			defaultSocket, c.path)
	}
	return "no popgate is running that answers on " + c.socket
}

// show writes v as JSON, for programs, or else lets people have text.
func (c *call) show(v any, text func(w io.Writer) error) error {
	if c.json {
		return writeJSON(c.std.out, v)
	}
	return text(c.std.out)
}

// say shows v as JSON, or a line for people.
func (c *call) say(v any, format string, args ...any) error {
	return c.show(v, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, format+"\n", args...)
		return err
	})
}

// sayMore tells how many of a long list are not shown.
func (c *call) sayMore(n int, what string) {
	if n > 0 {
		fmt.Fprintf(c.std.err, "popgate: %s more are not shown\n", count(n, what))
	}
}

// writeJSON writes v for programs, in lines for people.
func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
