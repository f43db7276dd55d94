package authz

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
)

// jump is at with its wall clock set by d, and the reading of its monotonic
// clock as it was: what time.Now returns after somebody has set the clock.
func jump(t *testing.T, at time.Time, d time.Duration) time.Time {
	t.Helper()
	set := at
	// Package time packs the wall clock's seconds into a time that has a monotonic
	// reading, above 30 bits of nanoseconds. What follows insists on it.
	*(*uint64)(unsafe.Pointer(&set)) += uint64(d/time.Second) << 30
	if set.Sub(at) != 0 || set.Round(0).Sub(at.Round(0)) != d {
		t.Fatalf("%v became %v: package time has changed", at, set)
	}
	return set
}

// TestClockThatIsSet: a wall clock that jumps, forwards or back, ends nothing and
// prolongs nothing.
func TestClockThatIsSet(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, -time.Hour, 1000 * 24 * time.Hour, -1000 * 24 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			c, set := newClock(), time.Duration(0)
			now := func() time.Time { return jump(t, c.now(), set) }
			limits := roomy
			limits.LoginRatePerUser = Rate{2, time.Hour}
			b := usual
			b.Remember = 10 * time.Minute
			g := New(Rules{Limits: limits, Blocking: b, Tenants: map[string]Tenant{"t": {LoginDelay: 2 * time.Minute}}}, Options{Now: now})
			joe, ann, eve := as("192.0.2.1", "joe"), as("192.0.2.1", "ann"), &Subject{Addr: addr("192.0.2.2"), User: "eve", Tenant: "t"}
			mustBe(t, g, ann, "right", true, "")
			mustBe(t, g, eve, "right", true, "")
			for i := range 4 {
				mustBe(t, g, joe, fmt.Sprint(i), false, "")
			}
			set = by
			if _, blocks := attempt(g, joe, "5th", false); len(blocks) != 1 || blocks[0].Check != blockedPair {
				t.Fatalf("failures before the jump don't count: %+v", blocks)
			}
			mustBe(t, g, ann, "right", true, "")
			mustBe(t, g, ann, "right", true, loginRatePerUser)
			mustBe(t, g, eve, "right", true, loginDelay)
			set = -by
			mustBe(t, g, joe, "right", true, blockedPair)
			c.pass(2 * time.Minute)
			mustBe(t, g, eve, "right", true, "")
			c.pass(3*time.Minute - 1)
			mustBe(t, g, joe, "right", true, blockedPair)
			set = 0
			c.pass(1)
			mustBe(t, g, joe, "right", true, "")
			if _, ok := g.store.Marked(t.Context(), ofPair(welcome, ann, &limits)); !ok {
				t.Error("ann isn't welcome any more")
			}
			set = by
			c.pass(10 * time.Minute)
			if _, ok := g.store.Marked(t.Context(), ofPair(welcome, ann, &limits)); ok {
				t.Error("ann is welcome for ever")
			}
		})
	}
}

// TestRealTimeIsTheDefault: a Guard and a Memory without a clock use time.Now.
func TestRealTimeIsTheDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Rules{Limits: roomy, Blocking: usual}, Options{Store: NewMemory(1000, nil)})
		s := as("192.0.2.1", "joe")
		guess(t, g, s, "x")
		time.Sleep(5*time.Minute - 1)
		mustBe(t, g, s, "right", true, blockedPair)
		time.Sleep(time.Nanosecond)
		mustBe(t, g, s, "right", true, "")
	})
}
