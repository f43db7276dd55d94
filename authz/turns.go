package authz

import "sync"

// turns counts what is under way by key, and lets others wait for it. The zero
// value has nothing under way.
type turns struct {
	mu       sync.Mutex
	underWay map[Key]*turn
	ended    uint64 // how many have ended, with any key
}

// turn is what is under way with one key.
type turn struct {
	n       int
	changed chan struct{} // closed when there is one less; made when somebody waits
}

// now is a moment for take.
func (t *turns) now() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ended
}

// take begins one more, if fewer than most are under way with key and none has
// ended since a moment: what those that end leave behind may say that most is
// less by now. It returns what ends it, or a channel that is closed when one of them
// has ended, or nothing if one has ended since.
func (t *turns) take(key Key, most int, since uint64) (giveBack func(), changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended != since {
		return nil, nil
	}
	now := t.underWay[key]
	if now == nil {
		if t.underWay == nil {
			t.underWay = make(map[Key]*turn)
		}
		now = new(turn)
		t.underWay[key] = now
	}
	if now.n >= most {
		if now.changed == nil {
			now.changed = make(chan struct{})
		}
		return nil, now.changed
	}
	now.n++
	return func() { t.end(key) }, nil
}

// end ends one.
func (t *turns) end(key Key) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended++
	now := t.underWay[key]
	if now.n--; now.n == 0 {
		delete(t.underWay, key)
	}
	if now.changed != nil {
		close(now.changed)
		now.changed = nil
	}
}
