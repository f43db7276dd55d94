package authz

import "sync"

// Lease is what a session holds: its places in the counts of the checks. It
// may be released from any goroutine, any number of times; nil holds nothing.
type Lease struct {
	mu   sync.Mutex
	held []held
	room [2]held // for held: most stages need no more
}

type held struct {
	check    string
	giveBack func()
}

func newLease() *Lease {
	l := new(Lease)
	l.held = l.room[:0]
	return l
}

// Release gives everything back that is still held.
func (l *Lease) Release() { l.release(func(string) bool { return true }) }

// LoggedIn gives back what only sessions before login hold: the places among
// them, of all and of the listener, and the turns of tries under way.
func (l *Lease) LoggedIn() {
	l.release(func(check string) bool {
		switch check {
		case beforeLogin, beforeLoginPerListener, blockedIP, blockedPair:
			return true
		}
		return false
	})
}

func (l *Lease) release(which func(check string) bool) {
	if l == nil {
		return
	}
	l.mu.Lock()
	var back []func()
	kept := l.held[:0]
	for _, h := range l.held {
		if which(h.check) {
			back = append(back, h.giveBack)
		} else {
			kept = append(kept, h)
		}
	}
	clear(l.held[len(kept):])
	l.held = kept
	l.mu.Unlock()
	for i := len(back) - 1; i >= 0; i-- {
		back[i]()
	}
}
