package admin

import (
	"net/netip"
	"sync"
	"time"
)

// tries keeps refused calls from filling the log: of a client and a call a few
// are told in a minute, and the next one later says how many more there were.
type tries struct {
	mu   sync.Mutex
	from map[string]*trier // by client and call
}

// trier is a client, and its refused calls of a kind.
type trier struct {
	since time.Time
	n     int // in the minute that began then
	kept  int // of these, not told
}

const (
	tryWindow  = time.Minute
	triesTold  = 5    // of a client in a window
	maxTriers  = 1000 // clients that are remembered
	otherTrier = ""   // stands for those beyond
)

// note counts a client's refused call, and returns whether it is to be told, and
// how many before it were not.
func (t *tries) note(client, call string, now time.Time) (more int, tell bool) {
	if address, err := netip.ParseAddrPort(client); err == nil {
		client = oneClient(address.Addr()).String()
	}
	client += " " + call
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.row(client, now)
	if now.Sub(r.since) >= tryWindow {
		more = r.kept
		*r = trier{since: now}
	}
	if r.n++; r.n > triesTold {
		r.kept++
		return 0, false
	}
	return more, true
}

// row needs the lock.
func (t *tries) row(client string, now time.Time) *trier {
	if t.from == nil {
		t.from = make(map[string]*trier)
	}
	if t.from[client] == nil && len(t.from) >= maxTriers {
		for other, r := range t.from {
			if now.Sub(r.since) >= tryWindow {
				delete(t.from, other)
			}
		}
		if len(t.from) >= maxTriers {
			client = otherTrier
		}
	}
	if t.from[client] == nil {
		t.from[client] = &trier{since: now}
	}
	return t.from[client]
}
