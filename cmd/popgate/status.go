package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"popgate/internal/admin"
)

// statusMenu tells how everything is.
func statusMenu(c *call) *menu {
	m := newMenu(c, "status")
	m.about = `Shows the same facts as the status page: the process, sessions, logins of the last
hour, backends, certificates. popgate top shows them live.
`
	m.examples = []string{"status", "status --json"}
	m.words = []word{{run: c.status}}
	return m
}

func (c *call) status(ctx context.Context, client *admin.Client, _ []string) error {
	status, err := client.Status(ctx)
	if err != nil {
		return err
	}
	return c.show(status, func(w io.Writer) error { return writeLines(w, statusLines(&status, terminalWidth(w))) })
}

// statusLines show how everything is, for a terminal of width characters; 0: of
// any width.
func statusLines(s *admin.Status, width int) []string {
	lines := append([]string{headLine(s)}, factLines(processFacts(s))...)
	section := func(name string, more []string) { lines = append(append(lines, "", name), more...) }
	section(sessionsHead(s), countTable(s.Sessions).lines(width))
	section("logins of the last hour", loginLines(s.Logins))
	section("backends", backendTable(s.Backends).lines(width))
	section("certificates", certificateTable(s.Certificates, s.Time).lines(width))
	return lines
}

// headLine says what runs where, and whether it serves clients.
func headLine(s *admin.Status) string {
	ready := "ready"
	if !s.Ready {
		ready = "NOT READY: " + strings.Join(s.Reasons, "; ")
	}
	return oneLine(fmt.Sprintf("popgate %s on %s: %s", s.Version, s.Hostname, ready), maxFact)
}

func processFacts(s *admin.Status) []fact {
	ago := func(t time.Time) string { return t.UTC().Format(time.RFC3339) + ", " + span(s.Time.Sub(t)) + " ago" }
	log := s.LogLevel
	if s.LogDropped > 0 {
		log += fmt.Sprintf(", %d lines dropped", s.LogDropped)
	}
	return []fact{
		{"started", ago(s.Started)},
		{"listens on", listenersText(s.Listeners)},
		{"configuration", "loaded " + ago(s.ConfigLoaded)},
		{"last reload", reloadText(s)},
		{"log level", log},
		{"memory", fmt.Sprintf("%s, %d goroutines, %s", octets(s.MemoryBytes), s.Goroutines, s.GoVersion)},
		{"blocks", fmt.Sprint(s.Blocks)},
	}
}

// listenersText tells where mail clients connect to.
func listenersText(list []admin.Listener) string {
	var texts []string
	for _, l := range list {
		at := l.Address
		if at == "" {
			at = "nothing: it is not open"
		}
		texts = append(texts, l.Name+" at "+at)
	}
	return strings.Join(texts, ", ")
}

// reloadText tells of a reload that was refused; "": the last one wasn't.
func reloadText(s *admin.Status) string {
	last := s.LastReload
	if last == nil || last.OK {
		return ""
	}
	return fmt.Sprintf("REFUSED %s ago, the old configuration stays: %s", span(s.Time.Sub(last.Time)), strings.Join(last.Problems, "; "))
}

// sessionsHead counts sessions.
func sessionsHead(s *admin.Status) string {
	before, after := 0, 0
	for _, n := range s.Sessions {
		if n.State == admin.SessionLoggedIn {
			after += n.Open
		} else {
			before += n.Open
		}
	}
	return fmt.Sprintf("sessions: %d logged in, %d before login, of %d", after, before, s.Connections)
}

// countTable shows how many sessions of each kind are open.
func countTable(list []admin.SessionCount) *table {
	t := newTable("STATE", "LISTENER", "TENANT", "OPEN")
	t.cut = []string{"LISTENER", "TENANT"}
	for _, n := range list {
		t.add(n.State, n.Listener, n.Tenant, fmt.Sprint(n.Open))
	}
	return t
}

// loginLines tell what became of logins, in the minute under way, in the one
// before and in the whole hour, and draw a bar for each minute.
func loginLines(minutes []admin.LoginMinute) []string {
	t := newTable("LOGINS", "OK", "REFUSED", "ERROR")
	add := func(name string, m admin.LoginMinute) {
		t.add(name, fmt.Sprint(m.OK), fmt.Sprint(m.Refused), fmt.Sprint(m.Error))
	}
	var hour admin.LoginMinute
	for _, m := range minutes {
		hour.OK, hour.Refused, hour.Error = hour.OK+m.OK, hour.Refused+m.Refused, hour.Error+m.Error
	}
	if n := len(minutes); n > 1 {
		add("since "+minutes[n-1].Start.UTC().Format("15:04"), minutes[n-1])
		add("minute "+minutes[n-2].Start.UTC().Format("15:04"), minutes[n-2])
	}
	add("last hour", hour)
	lines := t.lines(0)
	for _, bar := range []struct {
		name string
		of   func(admin.LoginMinute) uint64
	}{
		{"ok       ", func(m admin.LoginMinute) uint64 { return m.OK }},
		{"not ok   ", func(m admin.LoginMinute) uint64 { return m.Refused + m.Error }},
	} {
		if bars := sparkline(minutes, bar.of); bars != "" {
			lines = append(lines, bar.name+bars)
		}
	}
	return lines
}

// maxMinutes is how many minutes are drawn.
const maxMinutes = 60

// sparkline draws a bar for each minute, the highest one for the largest number;
// "": there is nothing to draw.
func sparkline(minutes []admin.LoginMinute, of func(admin.LoginMinute) uint64) string {
	minutes = minutes[max(0, len(minutes)-maxMinutes):]
	var highest uint64
	for _, m := range minutes {
		highest = max(highest, of(m))
	}
	if highest == 0 {
		return ""
	}
	bars := []rune("▁▂▃▄▅▆▇█")
	var line strings.Builder
	for _, m := range minutes {
		switch n := of(m); n {
		case 0:
			line.WriteByte('.')
		default:
			line.WriteRune(bars[min(len(bars)-1, int(float64(n)/float64(highest)*float64(len(bars)-1)+0.5))])
		}
	}
	return fmt.Sprintf("%s  %d/min at most", line.String(), highest)
}

// troubled are the certificates to look at: those that aren't simply valid.
func troubled(list []admin.Certificate) []admin.Certificate {
	return slices.DeleteFunc(slices.Clone(list), func(c admin.Certificate) bool {
		return c.State == admin.StateValid && c.LastError == nil
	})
}
