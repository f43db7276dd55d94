package relay

import "sync"

// owed lists the answers that the client has yet to get, in the order of its
// lines, the backend's and popgate's own. Its room bounds what a client may
// ask ahead. [newOwed] makes one.
type owed struct {
	mu      sync.Mutex
	changed sync.Cond // told when there is room
	ring    [gateSize]verdict
	first   int  // index of the oldest
	n       int  // how many there are
	unsaid  bool // a refusal came when nothing else was owed: see due
	astray  bool // the backend's answers can't be told apart: only refusals are listed
	stopped bool // nobody is owed anything any more
}

func newOwed() *owed {
	o := &owed{}
	o.changed.L = &o.mu
	return o
}

// room waits until another answer can be noted, and returns how many can.
func (o *owed) room() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.n == len(o.ring) {
		o.changed.Wait()
	}
	return len(o.ring) - o.n
}

// note adds an answer. There must be room.
func (o *owed) note(v verdict) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stopped || o.astray && !v.refusal() {
		return
	}
	o.unsaid = o.unsaid || o.n == 0 && v.refusal()
	o.ring[(o.first+o.n)%len(o.ring)] = v
	o.n++
}

// due reports whether whoever noted a refusal has to see to it that it is
// said. Behind an answer under way a refusal is said with that answer.
func (o *owed) due() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	unsaid := o.unsaid
	o.unsaid = false
	return unsaid
}

// at returns the i-th of the answers, the oldest one first, if there are as
// many.
func (o *owed) at(i int) (v verdict, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if i >= o.n {
		return 0, false
	}
	return o.ring[(o.first+i)%len(o.ring)], true
}

// given takes the n oldest answers off the list.
func (o *owed) given(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n = min(n, o.n)
	o.first = (o.first + n) % len(o.ring)
	o.n -= n
	o.changed.Signal()
}

// stray lists refusals only from now on.
func (o *owed) stray() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.astray = true
	kept := 0
	for i := range o.n {
		if v := o.ring[(o.first+i)%len(o.ring)]; v.refusal() {
			o.ring[(o.first+kept)%len(o.ring)] = v
			kept++
		}
	}
	o.n = kept
	o.changed.Signal()
}

// stop forgets everything, for good.
func (o *owed) stop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stopped = true
	o.n = 0
	o.changed.Signal()
}
