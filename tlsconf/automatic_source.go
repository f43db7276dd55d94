package tlsconf

import (
	"cmp"
	"slices"
	"time"
)

// follow makes the Source's ACME options the ones in force. Called by Run.
func (s *Source) follow() {
	current := s.automatic.follow(s.acme, s.found)
	s.automatic.tidyRetired()
	if current == nil {
		return
	}
	s.acme.Cache.Sweep(s.now())
	current.answer(s.answers)
	current.want(s.wanted)
	s.authority.Store(current)
	s.publish() // an order may have ended since New
}

// want finds the hosts that are to have a certificate of the CA: those that no
// valid file covers.
func (s *Source) want(files []*pair, now time.Time) {
	covered := newSnapshot(stock{pairs: files}, now)
	s.wanted = slices.DeleteFunc(slices.Clone(s.acme.Hosts), func(host string) bool { return covered.valid(host, now) })
	if current := s.authority.Load(); current != nil {
		current.want(s.wanted)
	}
}

// issued returns the certificates of the wanted hosts. What is in memory beats
// the cache, and this CA's beat those of another, which are better than none.
func (s *Source) issued() map[string]*pair {
	var memory map[string]*pair
	same := true
	if current := s.authority.Load(); current != nil {
		memory = current.pairs()
	} else {
		memory, same = s.automatic.inForce(s.acme.Directory) // maybe never ours
	}
	first, second := memory, s.found.pairs
	if !same {
		first, second = second, first
	}
	pairs := make(map[string]*pair, len(s.wanted))
	for _, host := range s.wanted {
		if p := cmp.Or(first[host], second[host]); p != nil {
			pairs[host] = p
		}
	}
	return pairs
}

// news returns a channel that is closed when there is something new of the CA;
// nil: there will never be.
func (s *Source) news() <-chan struct{} {
	if s.authority.Load() == nil {
		return nil
	}
	return s.automatic.changes()
}

// work serves what is new of the CA, begins the orders that are due, and returns
// when to look again; zero: when something has changed.
func (s *Source) work() time.Time {
	current := s.authority.Load()
	if current == nil {
		return time.Time{}
	}
	if n := current.version(); n != s.published {
		s.published = n
		s.publish()
	}
	return current.work()
}

// hostStates describes the hosts with a certificate of the CA, or without one
// yet.
func (s *Source) hostStates() []HostState {
	if s.acme == nil {
		return nil
	}
	if current := s.authority.Load(); current != nil {
		return current.states()
	}
	return slices.Clone(s.idle)
}

// idleStates describes the hosts of a Source that doesn't run: the cache is all
// that there is.
func (s *Source) idleStates() []HostState {
	still := newAuthority(s.automatic)
	still.use(*s.acme, s.found)
	still.change(s.wanted)
	return still.states()
}

// CoveredByFile tells whether a block's pair answers for a host.
func (s *Source) CoveredByFile(host string) bool {
	exact, wild := s.current.Load().lookup(fold(host))
	fromFile := func(p *pair) bool { return p.sum != [32]byte{} }
	return slices.ContainsFunc(exact, fromFile) || slices.ContainsFunc(wild, fromFile)
}
