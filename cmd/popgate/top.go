package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"popgate/internal/admin"
)

// How often top asks: by default, and at the most.
const (
	topInterval   = 2 * time.Second
	leastInterval = 100 * time.Millisecond
)

// The orders in which top shows sessions.
const (
	sortBusy   = "busy"
	sortLatest = "latest"
)

// live is a call of `popgate top`.
type live struct {
	*call
	interval time.Duration
	once     bool
	order    string
}

// topMenu shows everything live.
func topMenu(c *call) *menu {
	l := &live{call: c}
	m := newMenu(c, "top")
	m.about = `Shows how everything is, live: sessions, logins, backends, certificates, and the
busiest or latest sessions. Keys: q ends it, s changes the order of sessions. Without
a terminal, and with --json, it shows how things are once.
`
	m.examples = []string{"top", "top --interval 500ms --sort latest", "top --once"}
	periodVar(m.set, &l.interval, "interval", topInterval, "how `often` to ask, from 100ms on")
	m.set.BoolVar(&l.once, "once", false, "show it once, and end")
	m.set.StringVar(&l.order, "sort", sortBusy, "which sessions come first: busy, or latest")
	m.values["sort"] = offerTexts(sortBusy, sortLatest)
	m.values["interval"] = offerTexts("1s", "2s", "10s")
	m.words = []word{{check: l.check, run: l.run}}
	return m
}

func (l *live) check([]string) error {
	switch {
	case l.interval < leastInterval:
		return fmt.Errorf("--interval is %v at least", leastInterval)
	case l.order != sortBusy && l.order != sortLatest:
		return fmt.Errorf("--sort %q is neither %s nor %s", l.order, sortBusy, sortLatest)
	}
	return nil
}

func (l *live) run(ctx context.Context, client *admin.Client, _ []string) error {
	first, err := look(ctx, client)
	if err != nil {
		return err
	}
	out, ok := l.std.out.(*os.File)
	if l.json || l.once || !ok || !term.IsTerminal(int(out.Fd())) {
		return l.show(first, func(w io.Writer) error {
			return writeLines(w, first.lines(nil, l.order, terminalWidth(w)))
		})
	}
	return l.watch(ctx, client, first, out)
}
