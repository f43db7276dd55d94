package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"popgate/internal/admin"
)

// sessionStates are the states of a session, in the order in which it has them.
var sessionStates = []string{admin.SessionConnecting, admin.SessionWaiting, admin.SessionLoggingIn, admin.SessionLoggedIn}

// filter is which sessions are meant; "": any.
type filter struct{ user, tenant, backend, listener, state string }

// sessionsMenu lists, shows and ends sessions.
func sessionsMenu(c *call) *menu {
	m := newMenu(c, "sessions")
	m.about = `Sessions are those that are open now, the oldest first. IN counts octets from the
client, OUT those from the backend, after login. A session that is ended gets no
QUIT, so that nothing is deleted; one whose QUIT is on its way may finish it.
`
	m.examples = []string{"sessions --user bob@example.com", "sessions --state logged_in --backend legacy --json", "sessions show 3k9f2m-1a",
		"sessions kick 3k9f2m-1a 3k9f2m-1c"}
	m.first = true
	var f filter
	m.set.StringVar(&f.user, "user", "", "only those of this user, canonical `name`")
	m.set.StringVar(&f.tenant, "tenant", "", "only those of this tenant's `name`")
	m.set.StringVar(&f.backend, "backend", "", "only those at the backend of this `name`")
	m.set.StringVar(&f.listener, "listener", "", "only those that came to the listener of this `name`")
	m.set.StringVar(&f.state, "state", "", "only those in this state: "+strings.Join(sessionStates, ", "))
	m.values["state"] = offerTexts(sessionStates...)
	for name, part := range map[string]func(admin.Session) string{
		"user": func(s admin.Session) string { return s.User }, "tenant": func(s admin.Session) string { return s.Tenant },
		"backend": func(s admin.Session) string { return s.Backend }, "listener": func(s admin.Session) string { return s.Listener },
	} {
		m.values[name] = offerOfSessions(part)
	}
	m.words = []word{
		{name: "list", summary: "show all sessions, or some", flags: []string{"user", "tenant", "backend", "listener", "state"},
			check: func([]string) error { return f.check() },
			run: func(ctx context.Context, client *admin.Client, _ []string) error {
				return c.listSessions(ctx, client, f)
			}},
		{name: "show", args: "ID", summary: "show all that is known of a session", least: 1, most: 1, offer: offerSessions, run: c.showSession},
		{name: "kick", args: "ID...", summary: "end sessions", least: 1, most: anyNumber, offer: offerSessions, run: c.kickSessions},
	}
	return m
}

func (f filter) check() error {
	if f.state != "" && !slices.Contains(sessionStates, f.state) {
		return fmt.Errorf("--state %q is none of %s", f.state, strings.Join(sessionStates, ", "))
	}
	return nil
}

// has tells whether a session is meant.
func (f filter) has(s admin.Session) bool {
	is := func(wanted, got string) bool { return wanted == "" || wanted == got }
	return (f.user == "" || strings.EqualFold(f.user, s.User)) && is(f.tenant, s.Tenant) && is(f.backend, s.Backend) &&
		is(f.listener, s.Listener) && is(f.state, s.State)
}

func (c *call) listSessions(ctx context.Context, client *admin.Client, f filter) error {
	list, err := client.Sessions(ctx)
	if err != nil {
		return err
	}
	list.Sessions = slices.DeleteFunc(append([]admin.Session{}, list.Sessions...), func(s admin.Session) bool { return !f.has(s) })
	return c.show(list, func(w io.Writer) error {
		c.sayMore(list.More, "session")
		return sessionTable(list.Sessions, time.Now()).writeOrNone(w)
	})
}

// sessionTable shows sessions to people.
func sessionTable(list []admin.Session, now time.Time) *table {
	t := newTable("ID", "STATE", "FOR", "CLIENT", "LISTENER", "USER", "TENANT", "BACKEND", "IN", "OUT")
	t.spare, t.cut = []string{"TENANT", "LISTENER", "BACKEND", "IN", "OUT"}, []string{"USER"}
	for _, s := range list {
		t.add(s.ID, stateCell(s), span(now.Sub(s.Began)), s.Client, s.Listener, s.User, s.Tenant, s.Backend,
			octets(s.FromClient), octets(s.FromBackend))
	}
	return t
}

// stateCell is a session's state, or that it is being ended.
func stateCell(s admin.Session) string {
	if s.Kicked {
		return "kicked"
	}
	return s.State
}

func (c *call) showSession(ctx context.Context, client *admin.Client, args []string) error {
	s, err := client.Session(ctx, args[0])
	if err != nil {
		return fmt.Errorf("session %q: %w", args[0], err)
	}
	return c.show(s, func(w io.Writer) error { return writeFacts(w, sessionFacts(s, time.Now())) })
}

// sessionFacts are all that is known of a session.
func sessionFacts(s admin.Session, now time.Time) []fact {
	tls := strings.TrimSpace(s.TLSVersion + " " + s.Cipher)
	facts := []fact{
		{"session", s.ID}, {"state", stateCell(s)},
		{"began", s.Began.UTC().Format(time.RFC3339) + ", " + span(now.Sub(s.Began)) + " ago"},
		{"client", s.Client}, {"listener", s.Listener}, {"tls", tls}, {"server name", s.ServerName},
		{"user", s.User}, {"tenant", s.Tenant}, {"mechanism", s.Mechanism}, {"policy", s.Policy},
		{"backend", s.Backend}, {"address", s.Address}, {"route", s.Route},
	}
	if s.ReadOnly {
		facts = append(facts, fact{"read only", "yes"})
	}
	if s.Failures > 0 {
		facts = append(facts, fact{"failures", fmt.Sprintf("%d, the last one: %s", s.Failures, s.LastReason)})
	}
	if s.State == admin.SessionLoggedIn {
		facts = append(facts, fact{"from client", octetsLong(s.FromClient)}, fact{"from backend", octetsLong(s.FromBackend)})
	}
	return facts
}

func octetsLong(n int64) string { return fmt.Sprintf("%d octets", n) }

// kickedSessions is what `popgate sessions kick --json` writes.
type kickedSessions struct {
	Kicked  []string `json:"kicked"`
	Unknown []string `json:"unknown"`
}

// kickSessions ends sessions. One that isn't there any more doesn't save the
// others.
func (c *call) kickSessions(ctx context.Context, client *admin.Client, ids []string) error {
	done := kickedSessions{Kicked: []string{}, Unknown: []string{}}
	for _, id := range ids {
		switch err := client.Kick(ctx, id); {
		case err == nil:
			done.Kicked = append(done.Kicked, id)
		case errors.Is(err, admin.ErrUnknownSession):
			done.Unknown = append(done.Unknown, id)
		default:
			return err
		}
	}
	err := c.show(done, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s ended\n", count(len(done.Kicked), "session"))
		return err
	})
	if err == nil && len(done.Unknown) > 0 {
		err = fmt.Errorf("%w: %q", admin.ErrUnknownSession, done.Unknown)
	}
	return err
}
