package metrics

import (
	"sync"
	"time"
)

// Login is one login attempt.
type Login struct {
	// Mechanism is how the password came: "USER", "PLAIN" or "LOGIN".
	Mechanism string
	// Result is "ok", "refused" or "error"; Reason the word for it, "" if ok.
	Result, Reason string
	// Took is the time from complete credentials to the outcome.
	Took time.Duration
}

// Login counts a login attempt.
func (m *Metrics) Login(l Login) {
	m.logins.WithLabelValues(l.Mechanism, l.Result, l.Reason).Inc()
	m.loginDuration.WithLabelValues(l.Result).Observe(l.Took.Seconds())
	m.history.note(time.Now(), l.Result)
}

// historyMinutes is how far the history of logins reaches back.
const historyMinutes = 60

// LoginMinute is how the logins of one minute ended.
type LoginMinute struct {
	Start              time.Time // UTC
	OK, Refused, Error uint64
}

// LoginHistory is the last hour, the oldest minute first, and last the one that
// now is in: always 60 of them.
func (m *Metrics) LoginHistory(now time.Time) []LoginMinute { return m.history.until(now) }

// history is a ring of minutes, each at a place of its own.
type history struct {
	mu      sync.Mutex
	minutes [historyMinutes]LoginMinute
}

// place is where the minute lies that begins at start.
func (h *history) place(start time.Time) *LoginMinute {
	i := start.Unix() / 60 % historyMinutes
	return &h.minutes[(i+historyMinutes)%historyMinutes] // before 1970 it is negative
}

// note counts a login. Of an hour ago, or of a clock that was set back, nothing
// is kept at that place.
func (h *history) note(now time.Time, result string) {
	start := minuteOf(now)
	h.mu.Lock()
	defer h.mu.Unlock()
	minute := h.place(start)
	if !minute.Start.Equal(start) {
		*minute = LoginMinute{Start: start}
	}
	switch result {
	case "ok":
		minute.OK++
	case "refused":
		minute.Refused++
	default:
		minute.Error++
	}
}

func (h *history) until(now time.Time) []LoginMinute {
	last := minuteOf(now)
	list := make([]LoginMinute, historyMinutes)
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range list {
		start := last.Add(time.Duration(i-historyMinutes+1) * time.Minute)
		list[i] = LoginMinute{Start: start}
		if kept := h.place(start); kept.Start.Equal(start) {
			list[i] = *kept
		}
	}
	return list
}

// minuteOf is the beginning of the minute.
func minuteOf(t time.Time) time.Time { return t.UTC().Truncate(time.Minute) }
