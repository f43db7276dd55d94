package authz

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestBlocksAreListedAndLifted: what is in force, and what lifting leaves.
func TestBlocksAreListedAndLifted(t *testing.T) {
	b := usual
	b.FailuresPerIP = 8
	g, clock := blocking(b)
	if list := g.Blocks(t.Context()); len(list) > 0 {
		t.Errorf("blocks at the start: %+v", list)
	}
	joe, ann := as("2001:db8::1", "joe"), as("2001:db8::1", "ann")
	guess(t, g, joe, "a") // 5 of the address's 8
	clock.pass(time.Minute)
	_, blocks := guess(t, g, ann, "b")
	if blocks[0].Check != blockedIP {
		t.Fatalf("%+v", blocks)
	}
	list := g.Blocks(t.Context())
	slices.SortFunc(list, func(a, b Block) int { return strings.Compare(a.User, b.User) })
	want := []Block{
		{Check: blockedIP, Addr: addr("2001:db8::"), Until: clock.now().Add(5 * time.Minute), Level: 1},
		{Check: blockedPair, Addr: addr("2001:db8::"), User: "joe", Until: clock.now().Add(4 * time.Minute), Level: 1},
	}
	if !slices.Equal(list, want) {
		t.Fatalf("%+v, want %+v", list, want)
	}

	for _, none := range []struct{ addr, user string }{{"2001:db8::", "ann"}, {"2001:db9::", ""}, {"2001:db8:0:1::", "joe"}} {
		if g.Unblock(t.Context(), addr(none.addr), none.user) {
			t.Errorf("a block of %v was lifted, which there was not", none)
		}
	}
	if len(g.Blocks(t.Context())) != 2 {
		t.Error("lifting what isn't there lifted what is")
	}
	if !g.Unblock(t.Context(), addr("2001:db8::"), "") || g.Unblock(t.Context(), addr("2001:db8::"), "") {
		t.Error("want the address's block to be lifted once")
	}
	mustBe(t, g, ann, "right", true, "")
	mustBe(t, g, joe, "right", true, blockedPair)
	if !g.Unblock(t.Context(), addr("2001:db8::"), "joe") {
		t.Error("want the pair's block to be lifted")
	}
	mustBe(t, g, joe, "a1", false, "") // tried before: it doesn't count
	if tries, blocks := guess(t, g, joe, "c"); tries != 5 || blocks[0].Level != 1 {
		t.Errorf("after the lifting: %d tries, %+v, want 5 and the first block", tries, blocks)
	}
	clock.pass(5 * time.Minute)
	if g.Unblock(t.Context(), addr("2001:db8::"), "joe") {
		t.Error("a block that was over was lifted")
	}
}

// TestLiftingTheAddress: its failures are forgotten with the block.
func TestLiftingTheAddress(t *testing.T) {
	b := usual
	b.FailuresPerUser = 0
	g, _ := blocking(b)
	s := as("192.0.2.1", "joe")
	guess(t, g, s, "a")
	g.Unblock(t.Context(), s.Addr, "")
	if tries, _ := guess(t, g, s, "b"); tries != 20 {
		t.Errorf("%d guesses until the next block, want 20", tries)
	}
}

// TestBlocksSurviveReloads: and their numbers change with it.
func TestBlocksSurviveReloads(t *testing.T) {
	g, clock := blocking(usual)
	s := as("192.0.2.1", "joe")
	guess(t, g, s, "a")
	mild := usual
	mild.FailuresPerUser, mild.First, mild.Longest, mild.Entries = 50, time.Minute, time.Hour, 1000
	g.SetRules(Rules{Limits: roomy, Blocking: mild})
	mustBe(t, g, s, "right", true, blockedPair)
	clock.pass(5 * time.Minute)
	// A sixth of the bucket has come back: 8 of 50.
	if tries, blocks := guess(t, g, s, "b"); tries != 8 || blocks[0].Level != 2 || blocks[0].Until.Sub(clock.now()) != 2*time.Minute {
		t.Errorf("%d guesses, %+v", tries, blocks)
	}
	if tries, _ := guess(t, g, as("192.0.2.9", "joe"), "c"); tries != 20 { // the address's
		t.Errorf("%d guesses of another address", tries)
	}
}

// TestLongNamesAreCut: what is kept of a name that nobody can have is bounded.
func TestLongNamesAreCut(t *testing.T) {
	g, _ := blocking(usual)
	long := strings.Repeat("x", 10_000)
	guess(t, g, as("192.0.2.1", long+"1"), "a")
	list := g.Blocks(t.Context())
	if len(list) != 1 || list[0].User != long[:255] {
		t.Fatalf("%.300v", fmt.Sprint(list))
	}
	mustBe(t, g, as("192.0.2.1", long+"2"), "x", false, blockedPair)
	if !g.Unblock(t.Context(), list[0].Addr, list[0].User) {
		t.Error("it can't be lifted")
	}
}
