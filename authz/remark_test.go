package authz

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// passedOn is a Guard with what another one remembers, as it is told over a pipe,
// and whose clock has nothing to do with that one's.
func passedOn(t *testing.T, from *Guard, b Blocking) (*Guard, *clock) {
	t.Helper()
	text, err := json.Marshal(from.Remarks(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	var list []Remark
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	g, clock := blocking(b)
	clock.pass(-1000 * time.Hour)
	g.Learn(t.Context(), list)
	return g, clock
}

// TestRemarks: the next process refuses whom this one refuses, as long, and knows
// who is welcome in spite of it.
func TestRemarks(t *testing.T) {
	old, clock := blocking(usual)
	const office = "2001:db8::1"
	mustBe(t, old, as(office, "joe"), "right", true, "")
	mustBe(t, old, as(office, "odd\xff"), "right", true, "")
	guess(t, old, as("192.0.2.1", "ann"), "a") // the pair's first block
	clock.pass(6 * time.Minute)
	guess(t, old, as("192.0.2.1", "ann"), "b") // and second: 10 minutes
	for i := 0; len(old.Blocks(t.Context())) < 2; i++ {
		attempt(old, as(office, fmt.Sprint("user", i)), "x", false)
	}
	clock.pass(2 * time.Minute)

	g, clock := passedOn(t, old, usual)
	mustBe(t, g, as("192.0.2.1", "ann"), "right", true, blockedPair)
	mustBe(t, g, as("192.0.2.1", "bob"), "right", true, "")
	mustBe(t, g, as(office, "ann"), "right", true, blockedIP)
	mustBe(t, g, as(office, "joe"), "right", true, "")
	mustBe(t, g, as(office, "odd\xff"), "right", true, "")
	if list := g.Blocks(t.Context()); len(list) != 2 {
		t.Errorf("blocks: %+v", list)
	}
	clock.pass(8*time.Minute - time.Second)
	mustBe(t, g, as("192.0.2.1", "ann"), "right", true, blockedPair)
	clock.pass(time.Second)
	if _, blocks := guess(t, g, as("192.0.2.1", "ann"), "c"); blocks[0].Level != 3 {
		t.Errorf("the third block in a row is %+v", blocks)
	}
	clock.pass(usual.Remember)
	mustBe(t, g, as(office, "joe"), "right", true, "")
}

// TestRemarksEnd: what is over isn't passed on, nor what is lifted or earned anew.
func TestRemarksEnd(t *testing.T) {
	old, clock := blocking(usual)
	guess(t, old, as("192.0.2.1", "ann"), "a")
	guess(t, old, as("192.0.2.2", "ann"), "a")
	old.Unblock(t.Context(), addr("192.0.2.2"), "ann")
	mustBe(t, old, as("192.0.2.3", "ann"), "right", true, "")
	if list := old.Remarks(t.Context()); len(list) != 2 {
		t.Errorf("%+v, want a block and a welcome", list)
	}
	clock.pass(usual.First + usual.Longest)
	if list := old.Remarks(t.Context()); len(list) != 1 || !list[0].Welcome {
		t.Errorf("%+v, want a welcome alone", list)
	}
	clock.pass(usual.Remember)
	if list := old.Remarks(t.Context()); len(list) > 0 {
		t.Errorf("%+v is over", list)
	}
}

// TestRemarksKeepTheirOrder: what was used last is the last to make room, in the
// next process as in this one.
func TestRemarksKeepTheirOrder(t *testing.T) {
	b := usual
	b.Entries = 100 * parts
	old, clock := blocking(b)
	logIn := func(g *Guard, i int) { mustBe(t, g, &Subject{Addr: number(i), User: "joe"}, "right", true, "") }
	for i := range 50 * parts {
		logIn(old, i)
	}
	clock.pass(time.Second)
	for i := range parts { // the first that came are the last that came back
		logIn(old, i)
	}
	b.Entries = 20 * parts
	g, _ := passedOn(t, old, b)
	for i := range parts {
		if _, ok := g.store.Marked(t.Context(), ofPair(welcome, &Subject{Addr: number(i), User: "joe"}, &roomy)); !ok {
			t.Errorf("client %d came last, and is forgotten", i)
		}
	}
}

// TestLearnNonsense: what no process of ours would say changes nothing.
func TestLearnNonsense(t *testing.T) {
	g, _ := blocking(usual)
	here := addr("192.0.2.1")
	g.Learn(t.Context(), []Remark{
		{Ends: time.Hour, Until: time.Hour, Level: 1},
		{Addr: here, Until: time.Hour, Level: 1},
		{Addr: here, Ends: -time.Hour, Until: time.Hour, Level: 1},
		{Addr: here, Ends: time.Hour, Until: time.Hour, Level: -1},
		{Addr: here, Ends: time.Hour, Welcome: true},
	})
	if list := g.Remarks(t.Context()); len(list) > 0 {
		t.Errorf("%+v", list)
	}
}

// shared is a Store that isn't this process's alone.
type shared struct{ Store }

// TestRemarksOfSharedStore: the next process finds all there.
func TestRemarksOfSharedStore(t *testing.T) {
	g := New(Rules{Limits: roomy, Blocking: usual}, Options{Store: shared{NewMemory(100, nil)}})
	mustBe(t, g, &Subject{Addr: netip.IPv6Loopback(), User: "joe"}, "right", true, "")
	if list := g.Remarks(t.Context()); len(list) > 0 {
		t.Errorf("%+v", list)
	}
}
