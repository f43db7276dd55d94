package authz

import (
	"sync"
	"sync/atomic"
)

// parts is how many parts a table has, each with a lock of its own.
const parts = 64

// table holds a limited number of values by sum. It grows with what is in it,
// never shrinks, and holds no pointers but those of the values. The zero value
// holds nothing; most must be set.
type table[V any] struct {
	most  int // over all parts
	limit atomic.Int64
	parts [parts]part[V]
}

// part is a table's part: a map into pages of entries, which are linked in the
// order of their use.
type part[V any] struct {
	mu     sync.Mutex
	index  map[sum]int32
	pages  []*[pageSize]entry[V]
	used   int32 // entries that were ever made
	free   int32 // the first of those given back; 0: none
	newest int32 // 0: none
	oldest int32
}

// pageSize is how many entries are made at once. Entries don't move: a limiter
// has a lock in it.
const pageSize = 64

// entry is a value and its neighbours in use; the number 0 is none.
type entry[V any] struct {
	sum          sum
	newer, older int32
	value        V
}

// resize changes how many values there may be. A table that holds more gives
// them up as it is used.
func (t *table[V]) resize(most int) { t.limit.Store(int64(most)) }

// mostOf is how many values each part may hold.
func (t *table[V]) mostOf() int {
	most := t.most
	if limit := t.limit.Load(); limit > 0 {
		most = int(limit)
	}
	return max(1, most/parts)
}

// update lets f change the value of s, which is made, as its zero value, if
// there is none. The least recently used ones make room.
func (t *table[V]) update(s sum, f func(v *V, isNew bool)) {
	p := &t.parts[s[0]%parts]
	p.mu.Lock()
	defer p.mu.Unlock()
	i, ok := p.index[s]
	if ok {
		p.unlink(i)
	} else {
		for most := t.mostOf(); len(p.index) >= most; {
			p.drop(p.oldest)
		}
		i = p.make(s)
	}
	p.link(i)
	f(&p.at(i).value, !ok)
}

// look shows the value of s to f, if there is one. It counts as a use.
func (t *table[V]) look(s sum, f func(v *V)) {
	p := &t.parts[s[0]%parts]
	p.mu.Lock()
	defer p.mu.Unlock()
	if i, ok := p.index[s]; ok {
		p.unlink(i)
		p.link(i)
		f(&p.at(i).value)
	}
}

// remove forgets the value of s, and returns whether there was one.
func (t *table[V]) remove(s sum) bool {
	p := &t.parts[s[0]%parts]
	p.mu.Lock()
	defer p.mu.Unlock()
	i, ok := p.index[s]
	if ok {
		p.drop(i)
	}
	return ok
}

// each shows all values to f, a part at a time.
func (t *table[V]) each(f func(v *V)) {
	for i := range t.parts {
		p := &t.parts[i]
		p.mu.Lock()
		for at := p.newest; at != 0; at = p.at(at).older {
			f(&p.at(at).value)
		}
		p.mu.Unlock()
	}
}

// size is how many values there are.
func (t *table[V]) size() (n int) {
	for i := range t.parts {
		p := &t.parts[i]
		p.mu.Lock()
		n += len(p.index)
		p.mu.Unlock()
	}
	return n
}

// at is entry i, which is at least 1.
func (p *part[V]) at(i int32) *entry[V] { return &p.pages[(i-1)/pageSize][(i-1)%pageSize] }

// make returns the number of a new entry for s, not linked yet.
func (p *part[V]) make(s sum) int32 {
	if p.index == nil {
		p.index = make(map[sum]int32)
	}
	i := p.free
	if i != 0 {
		p.free = p.at(i).older
		*p.at(i) = entry[V]{}
	} else {
		if int(p.used)%pageSize == 0 {
			p.pages = append(p.pages, new([pageSize]entry[V]))
		}
		p.used++
		i = p.used
	}
	p.at(i).sum = s
	p.index[s] = i
	return i
}

// drop gives entry i back.
func (p *part[V]) drop(i int32) {
	e := p.at(i)
	delete(p.index, e.sum)
	p.unlink(i)
	var none V
	e.value = none // what it points to
	e.older, p.free = p.free, i
}

// link makes entry i the most recently used one.
func (p *part[V]) link(i int32) {
	e := p.at(i)
	e.newer, e.older = 0, p.newest
	if p.newest != 0 {
		p.at(p.newest).newer = i
	}
	p.newest = i
	if p.oldest == 0 {
		p.oldest = i
	}
}

// unlink takes entry i out of the order of use.
func (p *part[V]) unlink(i int32) {
	e := p.at(i)
	if e.newer != 0 {
		p.at(e.newer).older = e.older
	} else {
		p.newest = e.older
	}
	if e.older != 0 {
		p.at(e.older).newer = e.newer
	} else {
		p.oldest = e.newer
	}
}
