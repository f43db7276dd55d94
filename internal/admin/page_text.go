package admin

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The signs of states: words of the style, which gives each a shape and a color.
const (
	signGood = "good"
	signWarn = "warn"
	signBad  = "bad"
	signIdle = "idle"
)

// sign returns the sign of a state, of whatever has one.
func sign(state string) string {
	switch state {
	case BackendUp, StateValid, SessionLoggedIn:
		return signGood
	case BackendDraining, StateExpiring, StateOrdering, SessionLoggingIn:
		return signWarn
	case BackendUnused, SessionWaiting, SessionConnecting:
		return signIdle
	}
	return signBad
}

// words is a state for people.
func words(state string) string { return strings.ReplaceAll(state, "_", " ") }

// count is a number with a comma between thousands.
func count[T int | uint64](n T) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// octets is a size, such as "1.4 MiB".
func octets[T int64 | uint64](n T) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	size := float64(n) / unit
	for _, name := range []string{"KiB", "MiB", "GiB"} {
		if size < unit {
			return fmt.Sprintf("%.1f %s", size, name)
		}
		size /= unit
	}
	return fmt.Sprintf("%.1f TiB", size)
}

// few names the first of a list, and how many more there are.
func few(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + " and " + count(len(names)-most) + " more"
}

// moment is a time as the page shows it. The zero value is none.
type moment struct {
	ISO  string // for programs
	Text string // in UTC, without the date if that is today's
	Away string // such as "4 min ago"
}

// At shows a time.Time, or a *time.Time.
func (p *page) At(v any) moment {
	var t time.Time
	switch v := v.(type) {
	case time.Time:
		t = v
	case *time.Time:
		if v != nil {
			t = *v
		}
	}
	if t.IsZero() {
		return moment{}
	}
	t = t.UTC()
	m := moment{ISO: t.Format(time.RFC3339), Text: t.Format("15:04:05")}
	if t.Truncate(day) != p.Time.UTC().Truncate(day) {
		m.Text = t.Format("2006-01-02 15:04")
	}
	if d := t.Sub(p.Time); d > 0 {
		m.Away = "in " + rough(d)
	} else {
		m.Away = rough(-d) + " ago"
	}
	return m
}

// Uptime is how long popgate has been running.
func (p *page) Uptime() string {
	switch d := p.Time.Sub(p.Started); {
	case d >= 2*day:
		return fmt.Sprintf("%s %d h", rough(d), d%day/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%s %d min", rough(d), d%time.Hour/time.Minute)
	default:
		return rough(d)
	}
}

const day = 24 * time.Hour

// rough is a time in its largest unit.
func rough(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min"
	case d < 2*day:
		return strconv.Itoa(int(d/time.Hour)) + " h"
	}
	return count(int(d/day)) + " d"
}

// refused says in a line why a reload didn't come about.
func (l *Reload) refused() string {
	text := "The last reload was refused, the old configuration stays: "
	if len(l.Problems) == 0 {
		return text + "popgate's log says why"
	}
	return text + strings.Join(l.Problems, "; ")
}

// said is a problem as the page shows it.
type said struct {
	Time moment
	Text string // "": there is none
}

// Said shows a problem; nil: none.
func (p *page) Said(problem *Problem) said {
	if problem == nil {
		return said{}
	}
	text := problem.Type
	if text != "" && problem.Detail != "" {
		text += ": "
	}
	return said{Time: p.At(problem.Time), Text: text + problem.Detail}
}

// pageCounts is a table of sessions by something.
type pageCounts struct {
	Title string
	Rows  rows[pageCount]
}

// CountsBy is what the table of counts is given.
func (p *page) CountsBy(title string, list rows[pageCount]) pageCounts {
	return pageCounts{title, list}
}
