package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/config"
	"popgate/internal/metrics"
	"popgate/tlsconf"
)

// check loads everything that serve would load, and opens no port.
func check(_ context.Context, args []string, std streams) error {
	set := flags("check", "[--config FILE|FOLDER]", std)
	path := set.String("config", defaultConfig, "the configuration: a file, or a folder of *.hcl files")
	if err := parse(set, args, std); err != nil {
		return err
	}
	cfg, err := load(*path, std.err)
	if err != nil {
		return err
	}
	if _, err := assemble(cfg, hclog.NewNullLogger(), metrics.New()); err != nil {
		return usageError{err}
	}
	fmt.Fprintf(std.out, "%s is fine: %s, %s, %s, %s\n", *path, count(len(cfg.Listeners), "listener"),
		count(len(cfg.Backends), "backend"), count(len(cfg.Tenants), "tenant"), count(len(cfg.Routes), "route"))
	return nil
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// load reads a configuration and prints every problem it has.
func load(path string, w io.Writer) (*config.Config, error) {
	var certificates error
	cfg, diags, files := config.Load(path, func(c *config.Config) { certificates = badCertificates(c) })
	if len(diags) > 0 {
		if err := config.WriteDiagnostics(w, files, diags, isTerminal(w)); err != nil {
			return nil, err
		}
	}
	if diags.HasErrors() {
		if certificates != nil {
			fmt.Fprintf(w, "popgate: %v\n", certificates)
		}
		return nil, usageError{errShown}
	}
	return cfg, nil
}

// badCertificates says what is wrong with the files of a configuration that may
// not be sound.
func badCertificates(cfg *config.Config) error {
	if len(cfg.TLS.Certificates) == 0 {
		return nil
	}
	_, err := tlsconf.New(tlsOptions(cfg, hclog.NewNullLogger(), metrics.New()))
	return err
}

// isTerminal reports whether w is a terminal, which wants colors.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
