package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"popgate/internal/admin"
)

// traceTime is how long a trace takes, unless somebody says otherwise.
const traceTime = 10 * time.Minute

// tracing is a call of `popgate trace`.
type tracing struct {
	*call
	limit time.Duration
	from  string
	opts  admin.TraceOptions
	seen  bool // a session of the user
}

// traceMenu shows what a user's next session says.
func traceMenu(c *call) *menu {
	t := &tracing{call: c}
	m := newMenu(c, "trace")
	m.about = `Shows the commands and status lines of USER's next session, live: no passwords, no
mail. USER is the canonical name, as popgate sessions and the log have it. It ends
with the session, with code 0, or with the time: with code 1 if no session came. Any
stranger who tries to log in as USER may be next: --from follows only who is there.
That it is used stands in popgate's log.
`
	m.examples = []string{"trace bob@example.com --from 203.0.113.5", "trace bob@example.com --for 1h --json"}
	m.set.StringVar(&t.from, "from", "", "the client's `address` or network (default anywhere)")
	periodVar(m.set, &t.limit, "for", traceTime, "how `long` at most, from 1s to 12h")
	m.values["for"] = offerTexts("10m", "1h")
	m.words = []word{{args: "USER", least: 1, most: 1, check: t.check, run: t.run}}
	return m
}

func (t *tracing) check(args []string) (err error) {
	switch {
	case args[0] == "":
		return errors.New("USER is empty")
	case t.limit <= 0:
		return errors.New("--for must be longer than 0s")
	}
	t.opts.User = args[0]
	if t.opts.From, err = admin.ParseFrom(t.from); err != nil {
		return fmt.Errorf("--from %w", err)
	}
	return nil
}

func (t *tracing) run(ctx context.Context, client *admin.Client, args []string) error {
	fmt.Fprintf(t.std.err, "waiting for the next session of %q, %s at most; Ctrl-C ends it\n", args[0], span(t.limit))
	err := client.Trace(ctx, t.opts, t.limit, t.event)
	var refused *admin.Error
	over := errors.As(err, &refused) && refused.Code == admin.CodeTimeout
	switch {
	case over && t.seen:
		fmt.Fprintln(t.std.err, "the time is over, and the session goes on")
		return nil
	case over, err == nil && !t.seen:
		return fmt.Errorf("no session of %q came; one that ends before its client names a user is in the log only", args[0])
	case ctx.Err() != nil && t.seen:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("stopped before a session of %q came", args[0])
	}
	return err
}

// event shows what was said, at once.
func (t *tracing) event(e admin.TraceEvent) error {
	// An event without one says that the session wasn't the one, after all.
	t.seen = e.Session != ""
	if t.json {
		encoder := json.NewEncoder(t.std.out)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(e)
	}
	_, err := io.WriteString(t.std.out, eventLine(e)+"\n")
	return err
}

// maxEvent bounds what a line of a trace says, in characters.
const maxEvent = 600

// eventLine shows an event to people.
func eventLine(e admin.TraceEvent) string {
	return fmt.Sprintf("%s  %-7s  %s", e.Time.UTC().Format("15:04:05.000"), oneLine(e.From, maxNameCell), oneLine(e.Text, maxEvent))
}
