// Command capacity measures what popgate takes of a machine: memory for each
// session by its state, CPU time for each session by certificate and resumption,
// and for each MiB of mail. It builds popgate, runs it on loopback before an
// in-memory backend, and prints a Markdown table. Start with measure; README.md in
// the folder above says how to use it.
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

// options are the command line.
type options struct {
	held     int           // sessions whose memory is measured
	stalled  int           // the same, of sessions that don't take their mail
	sessions int           // sessions whose CPU time is measured
	mails    int           // RETR of 64 KiB, likewise
	settle   time.Duration // before memory is read
	popgate  string        // the program; "": it is built
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := capacity(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "capacity:", err)
		os.Exit(1)
	}
}

// capacity is the program: out gets the table, progress all else.
func capacity(ctx context.Context, args []string, out, progress io.Writer) (err error) {
	var o options
	flags := flag.NewFlagSet("capacity", flag.ContinueOnError)
	flags.SetOutput(progress)
	flags.IntVar(&o.held, "held", 2000, "`sessions` held at once to measure their memory")
	flags.IntVar(&o.stalled, "stalled", 200, "`sessions` held that don't take their mail")
	flags.IntVar(&o.sessions, "sessions", 3000, "`sessions` to measure their CPU time")
	flags.IntVar(&o.mails, "mails", 8192, "`mails` of 64 KiB to measure CPU time by")
	flags.DurationVar(&o.settle, "settle", 10*time.Second, "`time` to wait before memory is read")
	flags.StringVar(&o.popgate, "popgate", "", "popgate's `program`; it is built if this is left out")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || min(o.held, o.stalled, o.sessions, o.mails) < 1 || o.settle < 0 {
		return errors.New("there are flags only, with numbers above 0; see --help")
	}
	s, err := newSite(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	text, err := measure(ctx, s, o, progress)
	if err == nil {
		_, err = io.WriteString(out, text)
	}
	return err
}
