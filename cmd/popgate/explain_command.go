package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// explaining is a call of `popgate explain`.
type explaining struct {
	*call
	q        admin.Question
	from, at string
}

// explainMenu shows what would become of a login, and why.
func explainMenu(c *call) *menu { return (&explaining{call: c}).menu() }

func (e *explaining) menu() *menu {
	m := newMenu(e.call, "explain")
	m.about = `Shows what would become of a login of USER, written as a mail client sends it,
and why. It needs no password, dials nothing and counts as no login. It asks the
running popgate; without one, the configuration's file, with empty counts.
`
	m.examples = []string{"explain bob@example.com --from 203.0.113.5", "explain bob --from 203.0.113.5 --sni pop.example.com --at 08:00"}
	m.set.StringVar(&e.from, "from", "", "the client's `address`; needed")
	m.set.StringVar(&e.at, "at", "", "when: such as 2026-03-01T08:00:00+01:00, or 08:00 for today (default now)")
	m.set.StringVar(&e.q.ServerName, "sni", "", "the `host` that the client names in TLS (default none)")
	m.set.StringVar(&e.q.Listener, "listener", "", "the listener's `name` (default the first one)")
	m.set.StringVar(&e.q.Mechanism, "mechanism", "USER", "how the password comes: USER, PLAIN or LOGIN")
	m.set.StringVar(&e.q.TLS, "tls", "1.3", "the version of TLS: 1.2 or 1.3")
	m.values["sni"] = offerHosts
	m.values["mechanism"] = offerTexts("USER", "PLAIN", "LOGIN")
	m.values["tls"] = offerTexts("1.2", "1.3")
	m.alone = true
	m.words = []word{{args: "USER --from ADDR", least: 1, most: 1, check: e.question, run: e.show}}
	return m
}

// question completes the question.
func (e *explaining) question(args []string) (err error) {
	if e.from == "" {
		return errors.New("--from is missing: whether a client may log in depends on its address")
	}
	e.q.User = args[0]
	if e.q.Address, e.q.Port, err = parseClient(e.from); err == nil {
		e.q.Time, err = parseMoment(e.at, time.Now())
	}
	if err == nil {
		err = e.q.Complete()
	}
	return err
}

func (e *explaining) show(ctx context.Context, client *admin.Client, _ []string) error {
	x, err := e.explained(ctx, client)
	if err != nil {
		return err
	}
	return e.call.show(x, func(w io.Writer) error { return writeExplanation(w, &x.Explanation) })
}

// explained asks the running popgate, or the configuration's file if there is
// none.
func (e *explaining) explained(ctx context.Context, client *admin.Client) (x explainedLogin, err error) {
	if client != nil {
		x.Explanation, err = client.Explain(ctx, e.q)
		x.Running = err == nil
	}
	if client == nil || errors.Is(err, admin.ErrNotRunning) {
		cfg, failed := e.configuration()
		if failed != nil {
			return x, failed
		}
		e.sayNotRunning("counts are empty, and nobody is blocked")
		x.Explanation, err = explainAlone(ctx, cfg, e.q)
	}
	if errors.Is(err, admin.ErrUnknownListener) {
		return x, usageError{fmt.Errorf("popgate explain: --listener %q: %w", e.q.Listener, admin.ErrUnknownListener)}
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
	return newExplainer(cfg, authz.New(rules, authz.Options{}), &rules, routes, nil).explain(ctx, q)
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
