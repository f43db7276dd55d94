package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"popgate/internal/admin"
)

// picture is how everything is at a moment. As JSON it is what `popgate top --json`
// writes.
type picture struct {
	Status   admin.Status      `json:"status"`
	Sessions admin.SessionList `json:"sessions"`
	taken    time.Time
}

// look asks how everything is.
func look(ctx context.Context, client *admin.Client) (p *picture, err error) {
	p = &picture{taken: time.Now()}
	if p.Status, err = client.Status(ctx); err == nil {
		p.Sessions, err = client.Sessions(ctx)
	}
	return p, err
}

// lines show a picture in a terminal of width characters; 0: of any width.
// before is the picture before, nil: there is none.
func (p *picture) lines(before *picture, order string, width int) []string {
	s := &p.Status
	lines := []string{
		headLine(s),
		fmt.Sprintf("up %s, %s, %d goroutines, log level %s, %s", span(s.Time.Sub(s.Started)), octets(s.MemoryBytes), s.Goroutines,
			oneLine(s.LogLevel, maxNameCell), count(s.Blocks, "block")),
		p.sessionsLine(),
	}
	if text := reloadText(s); text != "" {
		lines = append(lines, oneLine("last reload "+text, maxFact))
	}
	lines = append(lines, "")
	lines = append(lines, loginLines(s.Logins)...)
	lines = append(append(lines, ""), backendTable(s.Backends).lines(width)...)
	lines = append(append(lines, ""), certificateLines(s, width)...)
	lines = append(lines, "", "sessions, "+orderText(order))
	return append(lines, p.busyTable(before, order).lines(width)...)
}

// sessionsLine counts sessions, by state if all are listed.
func (p *picture) sessionsLine() string {
	if p.Sessions.More > 0 {
		return sessionsHead(&p.Status)
	}
	counts := make(map[string]int)
	for _, s := range p.Sessions.Sessions {
		counts[s.State]++
	}
	var texts []string
	for _, state := range sessionStates {
		texts = append(texts, fmt.Sprintf("%s %d", strings.ReplaceAll(state, "_", " "), counts[state]))
	}
	return fmt.Sprintf("sessions: %d of %d; %s", len(p.Sessions.Sessions), p.Status.Connections, strings.Join(texts, ", "))
}

// certificateLines show certificates: those in trouble, and how many others.
func certificateLines(s *admin.Status, width int) []string {
	bad := troubled(s.Certificates)
	lines := []string{fmt.Sprintf("certificates: %d, of which %d valid", len(s.Certificates), len(s.Certificates)-len(bad))}
	if len(bad) > 0 {
		lines = append(lines, certificateTable(bad, s.Time).lines(width)...)
	}
	return lines
}

func orderText(order string) string {
	if order == sortLatest {
		return "the latest first"
	}
	return "the busiest first"
}

// maxShown is how many sessions top shows. A screen has fewer lines.
const maxShown = 200

// busyTable shows sessions in order, with their octets a second since the picture
// before.
func (p *picture) busyTable(before *picture, order string) *table {
	rates := p.rates(before)
	list := slices.Clone(p.Sessions.Sessions)
	slices.SortStableFunc(list, func(a, b admin.Session) int {
		busier := 0
		if order == sortBusy {
			busier = cmp.Or(cmp.Compare(rates[b.ID], rates[a.ID]), cmp.Compare(total(b), total(a)))
		}
		return cmp.Or(busier, b.Began.Compare(a.Began), cmp.Compare(a.ID, b.ID))
	})
	t := newTable("ID", "STATE", "FOR", "CLIENT", "USER", "BACKEND", "IN", "OUT", "A SECOND")
	t.spare, t.cut = []string{"BACKEND", "IN", "OUT"}, []string{"USER"}
	for _, s := range list[:min(len(list), maxShown)] {
		t.add(s.ID, stateCell(s), span(p.Status.Time.Sub(s.Began)), s.Client, s.User, s.Backend, octets(s.FromClient),
			octets(s.FromBackend), octets(int64(rates[s.ID])))
	}
	return t
}

// total is the octets of a session, both ways.
func total(s admin.Session) int64 { return s.FromClient + s.FromBackend }

// rates are the octets a second of each session since the picture before.
func (p *picture) rates(before *picture) map[string]float64 {
	rates := make(map[string]float64)
	if before == nil {
		return rates
	}
	past := p.taken.Sub(before.taken).Seconds()
	was := make(map[string]int64)
	for _, s := range before.Sessions.Sessions {
		was[s.ID] = total(s)
	}
	for _, s := range p.Sessions.Sessions {
		if more := total(s) - was[s.ID]; more > 0 && past > 0 {
			rates[s.ID] = float64(more) / past
		}
	}
	return rates
}
