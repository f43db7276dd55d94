package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"time"

	"popgate/authz"
	"popgate/internal/admin"
	"popgate/internal/config"
	"popgate/internal/route"
)

// explainedLogin is what `popgate explain --json` writes.
type explainedLogin struct {
	Running bool `json:"running"` // false: from the configuration's file, with empty counts
	admin.Explanation
}

// explain shows what would become of a login, and why.
func explain(ctx context.Context, args []string, std streams) error {
	c := &call{std: std}
	q, err := c.question(args)
	if err != nil {
		return err
	}
	ctx, stop, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer stop()
	x, err := c.explained(ctx, q)
	if err != nil {
		return err
	}
	if c.json {
		return writeJSON(std.out, x)
	}
	return writeExplanation(std.out, &x.Explanation)
}

// explained asks the running popgate, or the configuration's file if there is
// none.
func (c *call) explained(ctx context.Context, q admin.Question) (x explainedLogin, err error) {
	if client := c.client(); client != nil {
		x.Explanation, err = client.Explain(ctx, q)
		x.Running = err == nil
	}
	if c.client() == nil || errors.Is(err, admin.ErrNotRunning) {
		c.sayNotRunning("counts are empty, and nobody is blocked")
		x.Explanation, err = explainAlone(ctx, c.cfg, q)
	}
	if errors.Is(err, admin.ErrUnknownListener) {
		return x, usageError{fmt.Errorf("popgate explain: --listener %q: %w", q.Listener, admin.ErrUnknownListener)}
	}
	// What a server sends has been made printable there.
	x.Explanation = x.Printable()
	return x, err
}

// explainAlone explains by a configuration that isn't running.
func explainAlone(ctx context.Context, cfg *config.Config, q admin.Question) (admin.Explanation, error) {
	routes, routesErr := route.New(routeOptions(cfg))
	rules, rulesErr := newRules(cfg)
	if err := errors.Join(routesErr, rulesErr); err != nil {
		return admin.Explanation{}, usageError{err}
	}
	return newExplainer(cfg, authz.New(rules, authz.Options{}), &rules, routes).explain(ctx, q)
}

const explainUsage = `USER --from ADDR [--sni HOST] [--listener NAME]
       [--mechanism USER|PLAIN|LOGIN] [--tls 1.2|1.3] [--at TIME]
       [--config FILE|FOLDER] [--json]
Shows what would become of a login of USER, written as a mail client sends it,
and why. It needs no password, dials nothing and counts as no login. It asks the
running popgate; without one, the configuration's file, with empty counts.
`

// question reads the command line.
func (c *call) question(args []string) (q admin.Question, err error) {
	set := c.flags("explain")
	set.Usage = func() {
		fmt.Fprint(set.Output(), "Usage: popgate explain ", explainUsage)
		set.PrintDefaults()
	}
	from := set.String("from", "", "the client's address; needed")
	at := set.String("at", "", "when: such as 2026-03-01T08:00:00+01:00, or 08:00 for today (default now)")
	set.StringVar(&q.ServerName, "sni", "", "the host that the client names in TLS (default none)")
	set.StringVar(&q.Listener, "listener", "", "the listener's `name` (default the first one)")
	set.StringVar(&q.Mechanism, "mechanism", "USER", "how the password comes: USER, PLAIN or LOGIN")
	set.StringVar(&q.TLS, "tls", "1.3", "the version of TLS: 1.2 or 1.3")
	words, err := parseWords(set, args, c.std)
	if err != nil {
		return q, err
	}
	switch {
	case len(words) == 0:
		set.Usage()
		return q, usageError{errors.New("popgate explain: USER is missing")}
	case len(words) > 1:
		return q, usageError{fmt.Errorf("popgate explain: unexpected argument %q", words[1])}
	case *from == "":
		return q, usageError{errors.New("popgate explain: --from is missing: whether a client may log in depends on its address")}
	}
	q.User = words[0]
	if q.Address, q.Port, err = parseClient(*from); err == nil {
		q.Time, err = parseMoment(*at, time.Now())
	}
	if err == nil {
		err = q.Complete()
	}
	if err != nil {
		return q, usageError{fmt.Errorf("popgate explain: %w", err)}
	}
	return q, nil
}

// parseWords parses flags before, between and behind the words that are none,
// and returns those. Behind -- everything is a word.
func parseWords(set *flag.FlagSet, args []string, std streams) (words []string, err error) {
	for {
		if err := parseFlags(set, args, std); err != nil {
			return nil, err
		}
		left := set.Args()
		switch parsed := len(args) - len(left); {
		case len(left) == 0:
			return words, nil
		case parsed > 0 && args[parsed-1] == "--":
			return append(words, left...), nil
		}
		words, args = append(words, left[0]), left[1:]
	}
}

// parseClient reads a client's address, with or without a port.
func parseClient(text string) (netip.Addr, uint16, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr, 0, nil
	}
	both, err := netip.ParseAddrPort(text)
	if err != nil {
		return netip.Addr{}, 0, fmt.Errorf("--from %q is no IP address", text)
	}
	return both.Addr(), both.Port(), nil
}

// parseMoment reads a time, or a time of the day of now; nil: none was given.
func parseMoment(text string, now time.Time) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return &t, nil
	}
	clock, err := time.Parse("15:04", text)
	if err != nil {
		return nil, fmt.Errorf("--at %q is neither a time such as 2026-03-01T08:00:00+01:00 nor one such as 08:00", text)
	}
	t := time.Date(now.Year(), now.Month(), now.Day(), clock.Hour(), clock.Minute(), 0, 0, now.Location())
	return &t, nil
}
