package authz

import "sync"

// Lease is what a session holds: its places in the counts of the checks. It
// may be released from any goroutine, any number of times; nil holds nothing.
type Lease struct {
	mu   sync.Mutex
	held []held
}

type held struct {
	check    string
	giveBack func()
}

// Release gives everything back that is still held.
func (l *Lease) Release() { l.release(func(string) bool { return true }) }

// LoggedIn gives the place among the sessions before login back.
func (l *Lease) LoggedIn() { l.release(func(check string) bool { return check == beforeLogin }) }

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
