package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// options are the command line.
type options struct {
	rounds      int           // measured rounds of each work and peer
	only        []string      // names of works, and "idle"
	peers       []string      // names of peers
	popgate     string        // its program; "" builds none and fails if popgate is a peer
	raw         string        // file for the raw figures
	scale       float64       // factor on the operations of a round
	keyExchange string        // "x25519", "hybrid" or "both"
	sessions    int           // held at once by the work "idle"
	hold        time.Duration // how long the work "idle" waits before it reads the memory
}

// Key exchanges that --key-exchange names.
const (
	exchangeX25519 = "x25519"
	exchangeHybrid = "hybrid"
	exchangeBoth   = "both"
)

// parseOptions reads the command line. Mistakes and the help go to out.
func parseOptions(args []string, now time.Time, out io.Writer) (options, error) {
	var (
		o           options
		only, peers string
		quick       bool
	)
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.IntVar(&o.rounds, "rounds", 5, "measured `rounds`; the table shows medians over them")
	flags.StringVar(&only, "only", strings.Join(workNames(), ","), "comma-separated `works`; idle (memory) is one more")
	flags.StringVar(&peers, "peers", strings.Join(peerNames(), ","), "comma-separated `proxies`")
	flags.BoolVar(&quick, "quick", false, "a smoke run of some seconds: 1 round, 1/20 of the operations, 200 idle sessions")
	flags.StringVar(&o.popgate, "popgate", "", "popgate's `program`")
	stamp := filepath.Join("bench", "results", now.UTC().Format("20060102-150405"))
	flags.StringVar(&o.raw, "raw", stamp+".jsonl", "`file` for the raw figures, one JSON object a line")
	flags.Float64Var(&o.scale, "scale", 1, "`factor` on the operations of a round")
	flags.StringVar(&o.keyExchange, "key-exchange", exchangeBoth,
		"x25519; hybrid (X25519MLKEM768 for the proxies that have it); or both: x25519 for all and one more row for popgate")
	flags.IntVar(&o.sessions, "sessions", 2000, "`sessions` held at once by idle")
	flags.DurationVar(&o.hold, "hold", 15*time.Second, "`time` that idle waits before it reads the memory")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	o.only, o.peers = list(only), list(peers)
	if quick {
		o.quicken(flags, stamp)
	}
	return o, o.check()
}

// quicken lessens whatever the command line doesn't set.
func (o *options) quicken(flags *flag.FlagSet, stamp string) {
	set := make(map[string]bool)
	flags.Visit(func(f *flag.Flag) { set[f.Name] = true })
	if !set["raw"] {
		o.raw = stamp + "-quick.jsonl" // which git ignores
	}
	if !set["rounds"] {
		o.rounds = 1
	}
	if !set["scale"] {
		o.scale = 0.05
	}
	if !set["sessions"] {
		o.sessions = 200
	}
	if !set["hold"] {
		o.hold = time.Second
	}
}

func (o options) check() error {
	var errs []error
	if o.rounds < 1 || o.rounds > 100 {
		errs = append(errs, fmt.Errorf("--rounds %d: must be 1 to 100", o.rounds))
	}
	if !(o.scale > 0 && o.scale <= 100) {
		errs = append(errs, fmt.Errorf("--scale %g: must be above 0 and at most 100", o.scale))
	}
	if o.sessions < 1 || o.sessions > 20000 {
		errs = append(errs, fmt.Errorf("--sessions %d: must be 1 to 20000", o.sessions))
	}
	if o.hold < 0 || o.hold > 5*time.Minute {
		errs = append(errs, fmt.Errorf("--hold %v: must be 0s to 5m", o.hold))
	}
	errs = append(errs,
		subset("--only", o.only, append(workNames(), idle)),
		subset("--peers", o.peers, peerNames()),
		subset("--key-exchange", []string{o.keyExchange}, []string{exchangeX25519, exchangeHybrid, exchangeBoth}))
	if slices.Contains(o.peers, popgate) && o.popgate == "" {
		errs = append(errs, errors.New("--popgate must name the program (bench/run builds it), or leave popgate out of --peers"))
	}
	return errors.Join(errs...)
}

func subset(flag string, got, known []string) error {
	if len(got) == 0 {
		return fmt.Errorf("%s: nothing chosen; there are: %s", flag, strings.Join(known, ", "))
	}
	for _, name := range got {
		if !slices.Contains(known, name) {
			return fmt.Errorf("%s: no %q; there are: %s", flag, name, strings.Join(known, ", "))
		}
	}
	return nil
}

func list(text string) []string {
	return slices.DeleteFunc(strings.Split(text, ","), func(s string) bool { return s == "" })
}
