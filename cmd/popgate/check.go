package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/hcl/v2"

	"popgate/internal/config"
	"popgate/internal/metrics"
	"popgate/tlsconf"
)

// check loads everything that serve would load, and opens no port.
func check(_ context.Context, args []string, std streams) error {
	from, cfg, err := configured("check", args, std)
	if err != nil {
		return err
	}
	// What would be warned of at start is shown, too.
	warnings := hclog.New(&hclog.LoggerOptions{Name: "popgate", Level: hclog.Warn, Output: std.err, DisableTime: true})
	if _, err := assemble(cfg, lasting{log: warnings, metrics: metrics.New()}); err != nil {
		return usageError{err}
	}
	fmt.Fprintf(std.out, "%s is fine: %s, %s, %s, %s\n", from, count(len(cfg.Listeners), "listener"),
		count(len(cfg.Backends), "backend"), count(len(cfg.Tenants), "tenant"), count(len(cfg.Routes), "route"))
	return nil
}

// configured parses the flags of a command that works with a configuration, and
// loads it.
func configured(name string, args []string, std streams) (from origin, cfg *config.Config, err error) {
	set := flags(name, "[--config FILE|FOLDER]", std, name, name+" --config /etc/popgate/config.hcl", name+" --config /etc/popgate/conf.d")
	path := set.String("config", defaultConfig, "the configuration: a `file`, or a folder of *.hcl files;\n"+
		"without this flag and without the file, $"+backendVariable+",\n$"+hostsVariable+" and $"+emailVariable+" make one")
	if err := parse(set, args, std); err != nil {
		return origin{}, nil, err
	}
	from = originOf(*path, isWritten(set, "config"))
	cfg, err = load(from, std.err)
	return from, cfg, err
}

// isWritten tells whether a flag stands on the command line.
func isWritten(set *flag.FlagSet, name string) (written bool) {
	set.Visit(func(f *flag.Flag) { written = written || f.Name == name })
	return written
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// load reads a configuration and prints every problem it has.
func load(from origin, w io.Writer) (*config.Config, error) {
	cfg, diags, files, certificates := from.read()
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

// loadAgain reads a configuration while the program runs: each problem is one
// event of its log.
func loadAgain(from origin, log hclog.Logger) (*config.Config, error) {
	cfg, diags, _, certificates := from.read()
	for _, d := range diags {
		level := hclog.Error
		if d.Severity == hcl.DiagWarning {
			level = hclog.Warn
		}
		log.Log(level, "configuration problem", "at", d.Subject.String(), "problem", d.Summary, "detail", d.Detail)
	}
	if diags.HasErrors() {
		return nil, newBadConfig(diags, certificates)
	}
	return cfg, nil
}

// badConfig is a configuration with problems, which the log has already.
type badConfig struct {
	problems []string // one line each
}

func (e *badConfig) Error() string { return "the configuration has problems" }

func newBadConfig(diags hcl.Diagnostics, certificates error) *badConfig {
	bad := new(badConfig)
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			bad.problems = append(bad.problems, fmt.Sprintf("%s: %s; %s", d.Subject, d.Summary, d.Detail))
		}
	}
	if certificates != nil {
		bad.problems = append(bad.problems, asLine(certificates))
	}
	return bad
}

// badCertificates says what is wrong with the files of a configuration that may
// not be sound.
func badCertificates(cfg *config.Config) error {
	opts := tlsOptions(cfg, lasting{log: hclog.NewNullLogger(), metrics: metrics.New()})
	opts.Certificates = slices.DeleteFunc(opts.Certificates, func(f tlsconf.Files) bool {
		return f.CertFile == "" || f.KeyFile == "" // said already
	})
	if len(opts.Certificates) == 0 {
		return nil
	}
	_, err := tlsconf.New(opts)
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
