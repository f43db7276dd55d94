package authz

import (
	"slices"
	"sync"
)

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

// Settle keeps for good what a login that has succeeded leaves behind: the user
// has logged in now. Release doesn't give that back any more.
func (l *Lease) Settle() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = slices.DeleteFunc(l.held, func(h held) bool { return h.check == loginDelay })
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
