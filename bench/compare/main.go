// Command compare measures popgate beside other TLS proxies for POP3: the same
// certificate, backend and load for each, in interleaved rounds. It starts
// every server on loopback by itself, ends them all, writes the raw figures
// to a file and prints a Markdown table. Start with bench.run; README.md in
// the folder above says how to use it and how to read the figures.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// runLimit ends a run, and every server with it, that hangs.
const runLimit = 2 * time.Hour

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	var err error
	if len(os.Args) > 1 && os.Args[1] == backendCommand {
		err = runBackend(ctx, os.Args[2:], os.Stdin)
	} else {
		err = compare(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	default:
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// compare is the program: out gets the table, progress all else.
func compare(ctx context.Context, args []string, out, progress io.Writer) (err error) {
	opts, err := parseOptions(args, time.Now(), progress)
	if err != nil {
		return err
	}
	site, err := newSite(ctx, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, site.close()) }()
	records, err := createRecords(opts.raw)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, records.close()) }()

	b := bench{opts: opts, site: site, records: records, progress: progress}
	if err := b.run(ctx); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("stopped: %w", context.Cause(ctx)) // What broke because of that is of no interest.
		}
		return err
	}
	_, err = io.WriteString(out, report(records.machine, records.samples))
	if err == nil {
		fmt.Fprintln(progress, "raw figures:", opts.raw)
	}
	return err
}
