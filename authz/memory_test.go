package authz

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// remembering is a Memory in virtual time.
func remembering(entries int) (*Memory, *clock) {
	c := newClock()
	return NewMemory(entries, c.now), c
}

// sizes are how many entries the tables hold, by topic.
func (m *Memory) sizes() (n [topics]int) {
	for i := range m.buckets {
		n[i] = m.buckets[i].size()
	}
	for i := range m.marks {
		n[int(tried)+i] = m.marks[i].size()
	}
	return n
}

// TestBucket: it is full at the start, gives no more than it has, and refills.
func TestBucket(t *testing.T) {
	m, clock := remembering(1000)
	ctx, key, r := t.Context(), Key{Topic: connecting, Addr: addr("192.0.2.1")}, Rate{10, time.Minute}
	for i, step := range []struct {
		pass time.Duration
		cost int
		left float64
		ok   bool
	}{
		{0, 11, 10, false}, {0, 1, 9, true}, {0, 0, 9, true}, {0, 10, 9, false}, {0, 9, 0, true}, {0, 1, 0, false}, {0, 0, 0, true},
		{3 * time.Second, 1, 0.5, false}, {3 * time.Second, 1, 0, true}, {45 * time.Second, 3, 4.5, true},
		{time.Hour, 11, 10, false}, {0, 10, 0, true}, {100 * 365 * 24 * time.Hour, 10, 0, true},
	} {
		clock.pass(step.pass)
		looked := m.Left(ctx, key, r)
		left, ok := m.Take(ctx, key, r, step.cost)
		if ok != step.ok || left < step.left-1e-9 || left > step.left+1e-9 {
			t.Errorf("step %d: %v left, %v, want %v, %v", i, left, ok, step.left, step.ok)
		}
		if took := looked - left; ok && took != float64(step.cost) || !ok && took != 0 {
			t.Errorf("step %d: it took %v of %v", i, took, looked)
		}
	}
	if !m.Delete(ctx, key) || m.Delete(ctx, key) {
		t.Error("want it deleted once")
	}
	if left := m.Left(ctx, key, r); left != 10 {
		t.Errorf("%v left in one that isn't there", left)
	}
	if n := m.sizes(); n != [topics]int{} {
		t.Errorf("looking has made entries: %v", n)
	}
}

// TestBucketIsNeverBelowZero: not even for a token that is there within a
// nanosecond, and a look says the same.
func TestBucketIsNeverBelowZero(t *testing.T) {
	m, clock := remembering(1000)
	ctx, key, r := t.Context(), Key{Topic: connecting, Addr: addr("192.0.2.1")}, perMinute(7)
	m.Take(ctx, key, r, 7)
	clock.pass(time.Minute / 7) // and 4/7 ns
	if left, ok := m.Take(ctx, key, r, 1); ok || left < 0 || left != m.Left(ctx, key, r) {
		t.Errorf("%v left, given: %v", left, ok)
	}
	clock.pass(1)
	if left, ok := m.Take(ctx, key, r, 1); !ok || left < 0 {
		t.Errorf("a nanosecond later: %v left, given: %v", left, ok)
	}
}

// TestBucketWithAnotherRate: what was half full is half full.
func TestBucketWithAnotherRate(t *testing.T) {
	m, _ := remembering(1000)
	ctx, key := t.Context(), Key{Topic: failuresOfIP, Addr: addr("192.0.2.1")}
	for _, step := range []struct {
		to   Rate
		cost int
		left float64
	}{
		{Rate{10, time.Minute}, 0, 10}, {Rate{100, time.Hour}, 0, 100}, {Rate{10, time.Hour}, 5, 5},
		{Rate{100, time.Minute}, 0, 50}, {Rate{4, time.Second}, 1, 1}, {Rate{4, 24 * time.Hour}, 0, 1}, {Rate{1e6, time.Second}, 250_000, 0}, {Rate{1, time.Hour}, 0, 0},
	} {
		if left, ok := m.Take(ctx, key, step.to, step.cost); !ok || left < step.left-1e-3 || left > step.left+1e-3 {
			t.Errorf("%+v: %v left, %v, want %v", step.to, left, ok, step.left)
		}
	}
}

// TestMarks: they are there until they end, and Add doesn't touch one that is.
func TestMarks(t *testing.T) {
	m, clock := remembering(1000)
	ctx, key := t.Context(), Key{Topic: blocked, Addr: addr("192.0.2.1"), User: "joe"}
	mark := func(d time.Duration, level int) Mark {
		return Mark{Ends: clock.now().Add(d), Until: clock.now(), Level: level}
	}
	is := func(level int) {
		t.Helper()
		got, ok := m.Marked(ctx, key)
		list := m.Marks(ctx, blocked)
		if got.Level != level || ok != (level > 0) || len(list) != min(level, 1) {
			t.Errorf("level %d, %v, list %v, want level %d", got.Level, ok, list, level)
		}
		if len(list) > 0 && (list[0].Key != key || list[0].Mark != got) {
			t.Errorf("%+v is listed", list[0])
		}
	}
	is(0)
	if !m.Add(ctx, key, mark(time.Minute, 1)) || m.Add(ctx, key, mark(time.Hour, 2)) {
		t.Error("want the first to be added")
	}
	is(1)
	clock.pass(time.Minute - 1)
	is(1)
	clock.pass(1)
	is(0)
	if !m.Add(ctx, key, mark(time.Minute, 3)) {
		t.Error("one that has ended is in the way")
	}
	is(3)
	m.Mark(ctx, key, mark(time.Second, 4))
	is(4)
	m.Mark(ctx, key, mark(0, 5))
	is(0)
	m.Mark(ctx, key, mark(time.Hour, 6))
	if !m.Delete(ctx, key) || m.Delete(ctx, key) {
		t.Error("want it deleted once")
	}
	is(0)
}

// TestKeysAreApart: whatever differs in a key makes it another.
func TestKeysAreApart(t *testing.T) {
	m, clock := remembering(100_000)
	var keys []Key
	for _, a := range []string{"0.0.0.0", "192.0.2.1", "192.0.2.2", "2001:db8::", "2001:db8:0:1::"} {
		for _, user := range []string{"", "a", "b", "ab", "a\x00"} {
			for _, print := range []uint64{0, 1, 1 << 63} {
				for topic := range topics {
					keys = append(keys, Key{Topic: topic, Addr: addr(a), User: user, Print: print})
				}
			}
		}
	}
	ctx := t.Context()
	for _, key := range keys {
		if key.Topic.isBucket() {
			for _, r := range []Rate{{1, time.Hour}, {1, time.Minute}, {2, time.Hour}} {
				key.Rate = r
				if _, ok := m.Take(ctx, key, Rate{1, time.Hour}, 1); !ok {
					t.Errorf("%+v is another's", key)
				}
			}
		} else if !m.Add(ctx, key, Mark{Ends: clock.now().Add(1)}) {
			t.Errorf("%+v is another's", key)
		}
	}
}

// TestAddIsAtomic: of a hundred at once, one wins; and of a bucket's ten tokens
// ten are taken.
func TestAddIsAtomic(t *testing.T) {
	m := NewMemory(1000, nil)
	for round := range 50 {
		var added, took atomic.Int32
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if m.Add(t.Context(), Key{Topic: loggedIn, User: fmt.Sprint(round)}, Mark{Ends: time.Now().Add(time.Hour)}) {
					added.Add(1)
				}
				if _, ok := m.Take(t.Context(), Key{Topic: connecting, User: fmt.Sprint(round)}, Rate{10, time.Hour}, 1); ok {
					took.Add(1)
				}
			})
		}
		all.Wait()
		if added.Load() != 1 || took.Load() != 10 {
			t.Fatalf("%d were added, %d tokens taken, want 1 and 10", added.Load(), took.Load())
		}
	}
}

// TestMillionStrangers: no table grows beyond its size, whatever comes by.
func TestMillionStrangers(t *testing.T) {
	const entries, strangers = 10_000, 1_000_000
	m, clock := remembering(entries)
	ctx := context.Background()
	mark := Mark{Ends: clock.now().Add(time.Hour)}
	for i := range strangers {
		m.Take(ctx, Key{Topic: connecting, Addr: number(i)}, perMinute(300), 1)
		if i%4 == 0 {
			m.Mark(ctx, Key{Topic: welcome, Addr: number(i), User: "joe"}, mark)
		}
		if i%50_000 == 0 || i == strangers-1 {
			for topic, n := range m.sizes() {
				if n > entries {
					t.Fatalf("topic %d: %d entries after %d strangers", topic, n, i+1)
				}
			}
		}
	}
	if n := m.sizes(); n[connecting] < entries*99/100 || n[welcome] < entries*99/100 {
		t.Errorf("%v entries: room is wasted", n)
	}
}

// TestFloodsStayInTheirTable: passwords that are tried, and addresses that
// connect, can't push out who is blocked, who is welcome and who has logged in.
func TestFloodsStayInTheirTable(t *testing.T) {
	g, _ := timed(Rules{Limits: Limits{ConnectionsPerIP: 1, ConnectionRate: perMinute(5), LoginRate: perMinute(30), LoginRatePerIP: perMinute(100)},
		Tenants:  map[string]Tenant{"t": {LoginDelay: time.Hour}},
		Blocking: Blocking{FailuresPerUser: 1, FailuresPerIP: 3, Window: time.Hour, First: time.Hour, Longest: time.Hour, Remember: time.Hour, Entries: 1000}})
	joe := &Subject{Addr: addr("192.0.2.1"), User: "joe", Tenant: "t"}
	mustBe(t, g, joe, "right", true, "")
	attempt(g, as("192.0.2.1", "ann"), "x", false)
	for i := range 3 {
		attempt(g, as("192.0.2.1", "eve"), fmt.Sprint(i), false)
		attempt(g, as("192.0.2.1", "tom"), fmt.Sprint(i), false)
	}
	if n := len(g.Blocks(t.Context())); n != 4 { // three pairs and the address
		t.Fatalf("%d blocks at the start", n)
	}
	quiet := *g.Rules()
	quiet.Blocking.FailuresPerUser, quiet.Blocking.FailuresPerIP = 1000, 1000
	g.SetRules(quiet)
	for i := range 20_000 {
		s := &Subject{Addr: number(i % 7000), User: fmt.Sprint(i)}
		if lease, denial := g.Ask(t.Context(), Address, s); denial == nil {
			lease.Release()
		}
		attempt(g, s, "guess", false)
	}
	if n := len(g.Blocks(t.Context())); n != 4 {
		t.Errorf("%d blocks after the flood", n)
	}
	mustBe(t, g, as("192.0.2.1", "new"), "right", true, blockedIP)
	mustBe(t, g, as("192.0.2.1", "ann"), "right", true, blockedPair)
	mustBe(t, g, joe, "right", true, loginDelay) // welcome, but too soon
}

// TestResize: fewer entries are kept as the table is used, more from then on.
func TestResize(t *testing.T) {
	m, clock := remembering(10_000)
	fill := func() {
		for i := range 50_000 {
			m.Add(t.Context(), Key{Topic: tried, Print: uint64(clock.passed.Add(1))<<32 | uint64(i)}, Mark{Ends: clock.now().Add(time.Hour)})
		}
	}
	for _, entries := range []int{10_000, 1000, 100_000, 64, 1, 20_000} {
		m.Resize(entries)
		fill()
		n, most := m.sizes()[tried], max(entries, parts)
		if n > most || n < min(most, 50_000)*9/10 {
			t.Errorf("%d entries where there may be %d", n, entries)
		}
	}
}

// TestReloadsKeepWhatIsRemembered: of a table that becomes smaller the most
// recently used stay.
func TestReloadsKeepWhatIsRemembered(t *testing.T) {
	g, _ := timed(tight())
	mustBe(t, g, as("192.0.2.1", "joe"), "right", true, "")
	rules := tight()
	rules.Blocking.Entries = 100_000
	g.SetRules(rules)
	for i := range 1000 { // too few to push anything out
		g.store.Mark(t.Context(), Key{Topic: welcome, Addr: number(i)}, Mark{Ends: g.now().Add(time.Hour)})
	}
	g.SetRules(tight())
	told(t.Context(), g, as("192.0.2.1", "ann"), Failed, 1)
	deny(t, g, Login, as("192.0.2.1", "eve"), blockedIP, Refused)
	for _, f := range g.Look(t.Context(), as("192.0.2.1", "joe")) {
		if f.Check == blockedIP && f.Verdict != Passes {
			t.Errorf("joe isn't welcome any more: %+v", f)
		}
	}
}
