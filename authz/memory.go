package authz

import (
	"context"
	"encoding/binary"
	"hash/maphash"
	"time"

	"golang.org/x/time/rate"
)

// Memory is a Store of this process. Each topic has tables of its own, so that
// a flood of one (passwords that were tried) can't push out another (who is
// welcome, who is blocked). Each holds a limited number of entries; beyond it
// the least recently used one of a part of the table makes room.
type Memory struct {
	now     func() time.Time
	seeds   [2]maphash.Seed
	buckets [tried]table[bucket]
	marks   [topics - tried]table[note]
}

// bucket is a token bucket; a new one is full.
type bucket struct{ limiter rate.Limiter }

// note is a mark and, for those that are listed, what it is for.
type note struct {
	Mark
	key *Key
}

// NewMemory returns an empty Store that keeps entries of each topic at most;
// now is nil for time.Now.
func NewMemory(entries int, now func() time.Time) *Memory {
	if now == nil {
		now = time.Now
	}
	m := &Memory{now: now, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	for i := range m.buckets {
		m.buckets[i].most = entries
	}
	for i := range m.marks {
		m.marks[i].most = entries
	}
	return m
}

// Resize changes how many entries of each topic are kept.
func (m *Memory) Resize(entries int) {
	for i := range m.buckets {
		m.buckets[i].resize(entries)
	}
	for i := range m.marks {
		m.marks[i].resize(entries)
	}
}

// sum is what a table knows of a key. Its 128 bits come from seeds of this
// process: strangers can neither make two keys meet nor crowd one part of a
// table, and a long name costs no more than a short one.
type sum [2]uint64

func (m *Memory) sum(key Key) sum {
	var text [17 + 3*8]byte
	addr := key.Addr.As16()
	copy(text[:], addr[:])
	text[16] = byte(key.Topic)
	binary.LittleEndian.PutUint64(text[17:], key.Print)
	binary.LittleEndian.PutUint64(text[25:], uint64(key.Rate.Count))
	binary.LittleEndian.PutUint64(text[33:], uint64(key.Rate.Per))
	var s sum
	for i := range s {
		var h maphash.Hash
		h.SetSeed(m.seeds[i])
		_, _ = h.Write(text[:])
		_, _ = h.WriteString(key.User)
		s[i] = h.Sum64()
	}
	return s
}

// Take takes tokens from a bucket.
func (m *Memory) Take(_ context.Context, key Key, r Rate, cost int) (left float64, ok bool) {
	m.buckets[key.Topic].update(m.sum(key), func(b *bucket, isNew bool) {
		// Under the lock: a limiter that sees time go back refills twice.
		now := m.now()
		b.set(r, now, isNew)
		// AllowN alone goes below zero for what is there within a nanosecond.
		ok = b.limiter.TokensAt(now) >= float64(cost) && b.limiter.AllowN(now, cost)
		left = b.limiter.TokensAt(now)
	})
	return left, ok
}

// Left looks into a bucket.
func (m *Memory) Left(_ context.Context, key Key, r Rate) float64 {
	left := float64(r.Count)
	m.buckets[key.Topic].look(m.sum(key), func(b *bucket) {
		now := m.now()
		b.set(r, now, false)
		left = b.limiter.TokensAt(now)
	})
	return left
}

// set brings a bucket to the rate in force, which a reload may have changed: one
// that was half full still is.
func (b *bucket) set(r Rate, now time.Time, isNew bool) {
	var began time.Time // since the beginning of time a new one has been filling
	if !isNew {
		if b.limiter.Burst() == r.Count && b.limiter.Limit() == r.limit() {
			return
		}
		full := b.limiter.TokensAt(now) / float64(b.limiter.Burst())
		began = now.Add(-time.Duration(full * float64(r.Per)))
		b.limiter.SetBurstAt(now, 0) // pours everything out
	}
	b.limiter.SetLimitAt(began, r.limit())
	b.limiter.SetBurstAt(began, r.Count)
}

// Mark sets a mark.
func (m *Memory) Mark(_ context.Context, key Key, mark Mark) {
	m.marksOf(key).update(m.sum(key), func(n *note, _ bool) { n.set(key, mark) })
}

// Add sets a mark where there is none.
func (m *Memory) Add(_ context.Context, key Key, mark Mark) (added bool) {
	now := m.now()
	m.marksOf(key).update(m.sum(key), func(n *note, isNew bool) {
		if added = isNew || !now.Before(n.Ends); added {
			n.set(key, mark)
		}
	})
	return added
}

func (n *note) set(key Key, mark Mark) {
	n.Mark = mark
	if n.key == nil && key.Topic.isListed() {
		kept := key
		n.key = &kept
	}
}

// Marked returns a mark.
func (m *Memory) Marked(_ context.Context, key Key) (mark Mark, ok bool) {
	now := m.now()
	m.marksOf(key).look(m.sum(key), func(n *note) {
		mark, ok = n.Mark, now.Before(n.Ends)
	})
	if !ok {
		return Mark{}, false
	}
	return mark, true
}

// Delete removes a bucket or a mark.
func (m *Memory) Delete(_ context.Context, key Key) bool {
	if key.Topic.isBucket() {
		return m.buckets[key.Topic].remove(m.sum(key))
	}
	return m.marksOf(key).remove(m.sum(key))
}

// Marks returns the marks of a kind that is listed.
func (m *Memory) Marks(_ context.Context, topic Topic) (list []Marked) {
	now := m.now()
	m.marks[topic-tried].each(func(n *note) {
		if n.key != nil && now.Before(n.Ends) {
			list = append(list, Marked{*n.key, n.Mark})
		}
	})
	return list
}

func (m *Memory) marksOf(key Key) *table[note] { return &m.marks[key.Topic-tried] }
