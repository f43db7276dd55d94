package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"popgate/internal/admin"
	"popgate/internal/config"
)

// call is a call of a command that asks the running popgate.
type call struct {
	words []string // what is no flag: the command's name and its args
	path  string   // of the configuration
	json  bool
	cfg   *config.Config
	std   streams
}

// flags returns the flags that all such commands have.
func (c *call) flags(name string) *flag.FlagSet {
	set := flags(name, "", c.std)
	set.StringVar(&c.path, "config", defaultConfig, "the configuration: a file, or a folder of *.hcl files")
	set.BoolVar(&c.json, "json", false, "write JSON, for programs")
	return set
}

// begin reads the configuration. The context that it returns ends with the
// signals that end programs, or by stop.
func (c *call) begin(ctx context.Context) (calling context.Context, stop func(), err error) {
	if c.cfg, err = load(c.path, c.std.err); err != nil {
		return nil, nil, err
	}
	calling, stop = signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	return calling, stop, nil
}

// client asks the running popgate; nil: it can't be asked.
func (c *call) client() *admin.Client {
	if c.cfg.Admin.Socket == "" {
		return nil
	}
	return admin.NewClient(c.cfg.Admin.Socket)
}

// sayNotRunning tells that no running popgate was asked, and what is done
// instead.
func (c *call) sayNotRunning(instead string) {
	fmt.Fprintf(c.std.err, "popgate: %s: %s\n", c.whyNotRunning(), instead)
}

func (c *call) whyNotRunning() string {
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
