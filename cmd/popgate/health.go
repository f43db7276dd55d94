package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"popgate/internal/admin"
)

// healthTime is how long popgate may take to say how it is.
const healthTime = 5 * time.Second

// checkup is a call of `popgate health`.
type checkup struct {
	*call
	live  bool
	limit time.Duration
}

// healthMenu tells whether clients are served.
func healthMenu(c *call) *menu {
	h := &checkup{call: c}
	m := newMenu(c, "health")
	m.about = `Ends with code 0 if clients are served, and with 1 if they aren't: the listeners
aren't open, there is no certificate, popgate drains or doesn't run. With --live,
being alive is enough. Code 2 is bad usage, as everywhere.
`
	m.examples = []string{"health", "health --live --quiet --timeout 2s --socket /run/popgate/admin.sock"}
	m.set.BoolVar(&h.live, "live", false, "ask only whether the process is alive")
	m.set.BoolVar(&h.quiet, "quiet", false, "write nothing; the exit code says it")
	periodVar(m.set, &h.limit, "timeout", healthTime, "how `long` to wait for the answer")
	m.words = []word{{check: h.check, run: h.run}}
	return m
}

func (h *checkup) check([]string) error {
	if h.limit <= 0 {
		return errors.New("--timeout must be longer than 0s")
	}
	if h.quiet {
		h.std.out, h.std.err = io.Discard, io.Discard
	}
	return nil
}

func (h *checkup) run(ctx context.Context, client *admin.Client, _ []string) error {
	ctx, cancel := context.WithTimeout(ctx, h.limit)
	defer cancel()
	ready := admin.Readiness{Ready: true}
	var err error
	if h.live {
		err = client.Healthy(ctx)
	} else {
		ready, err = client.Ready(ctx)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("popgate has not answered within %v", h.limit)
	}
	if err != nil {
		return err
	}
	err = h.show(ready, func(w io.Writer) error { return writeLines(w, h.lines(ready)) })
	if err == nil && !ready.Ready {
		err = errShown
	}
	return err
}

// lines are the answer, with the reasons where it is no.
func (h *checkup) lines(ready admin.Readiness) []string {
	switch {
	case h.live:
		return []string{"alive"}
	case ready.Ready:
		return []string{"ready"}
	}
	lines := []string{"not ready"}
	for _, reason := range ready.Reasons {
		lines = append(lines, "  "+oneLine(reason, maxFact))
	}
	return lines
}
