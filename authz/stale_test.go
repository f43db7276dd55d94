package authz

import (
	"fmt"
	"testing"
	"time"
)

// TestSamePasswordForEver: an old phone with an old password is no attack,
// however often or seldom it comes and for however long.
func TestSamePasswordForEver(t *testing.T) {
	for _, every := range []time.Duration{
		time.Second, time.Minute, 29 * time.Minute, 30 * time.Minute, 31 * time.Minute, time.Hour, 24 * time.Hour, 7 * 24 * time.Hour,
	} {
		t.Run(every.String(), func(t *testing.T) {
			g, clock := blocking(usual)
			for range 2000 {
				mustBe(t, g, as("192.0.2.1", "joe"), "old", false, "")
				clock.pass(every)
			}
			mustBe(t, g, as("192.0.2.1", "joe"), "new", true, "")
		})
	}
}

// TestManyOldPhones: an office with more of them than the address may have
// wrong passwords in a window stays open for days, as each counts once. The
// window forgets tries, not what was tried: else all of them would count again in
// each window.
func TestManyOldPhones(t *testing.T) {
	const phones = 40
	for _, every := range []time.Duration{10 * time.Minute, 4 * time.Hour, 23 * time.Hour} {
		t.Run(every.String(), func(t *testing.T) {
			g, clock := blocking(usual)
			phone := func(i int) { mustBe(t, g, as("192.0.2.1", fmt.Sprint(i)), "old", false, "") }
			for i := range phones { // passwords expire one after another
				phone(i)
				clock.pass(5 * time.Minute)
			}
			for range 72 {
				for i := range phones {
					phone(i)
				}
				clock.pass(every)
			}
			mustBe(t, g, as("192.0.2.1", "new"), "right", true, "")
		})
	}
}

// TestOldPhoneBehindALongBlock: what a phone has tried isn't forgotten while
// the longest block keeps it away.
func TestOldPhoneBehindALongBlock(t *testing.T) {
	b := usual
	b.First, b.FailuresPerUser = b.Longest, 2
	g, clock := blocking(b)
	phone := as("192.0.2.1", "joe")
	mustBe(t, g, phone, "old", false, "")
	b.FailuresPerUser = 0
	g.SetRules(Rules{Limits: roomy, Blocking: b})
	guess(t, g, as("192.0.2.1", "victim"), "x")
	clock.pass(time.Hour)
	mustBe(t, g, phone, "old", false, blockedIP)
	b.FailuresPerUser = 2
	g.SetRules(Rules{Limits: roomy, Blocking: b})
	clock.pass(b.Longest - time.Hour)
	mustBe(t, g, phone, "old", false, "")
	mustBe(t, g, phone, "typo", false, "") // the first that counts
	mustBe(t, g, phone, "new", true, "")
}

// TestAnotherPasswordCounts: the same passwords, tried by another client or for
// another user, are others.
func TestAnotherPasswordCounts(t *testing.T) {
	b := usual
	b.FailuresPerUser, b.FailuresPerIP = 2, 3
	g, _ := blocking(b)
	mustBe(t, g, as("192.0.2.1", "joe"), "x", false, "")
	mustBe(t, g, as("192.0.2.1", "joe"), "x", false, "")
	mustBe(t, g, as("192.0.2.2", "joe"), "x", false, "")
	mustBe(t, g, as("192.0.2.1", "ann"), "x", false, "")
	if _, blocks := attempt(g, as("192.0.2.1", "eve"), "x", false); len(blocks) != 1 || blocks[0].Check != blockedIP {
		t.Errorf("%+v, want the address blocked by its third", blocks)
	}
	if _, blocks := attempt(g, as("192.0.2.2", "joe"), "X", false); len(blocks) != 1 || blocks[0].Check != blockedPair {
		t.Errorf("%+v, want the pair blocked by its second", blocks)
	}
}
