package authz

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestWhatTheNextOneWaitsFor: two may fail, and two are under way. Who comes then
// is next as soon as one of them turns out not to have failed with a password
// that counts, and is refused if both have.
func TestWhatTheNextOneWaitsFor(t *testing.T) {
	type end struct {
		outcome Outcome
		print   uint64
	}
	stale := end{Failed, 99} // tried before
	for _, test := range []struct {
		name   string
		ends   []end // of those under way, a second apart
		denied string
		after  time.Duration
	}{
		{"one gets in", []end{{Succeeded, 1}, {Failed, 2}}, "", time.Second},
		{"an outage", []end{{Neither, 1}, {Failed, 2}}, "", time.Second},
		{"an old password", []end{stale, {Failed, 2}}, "", time.Second},
		{"the second gets in", []end{{Failed, 1}, {Succeeded, 2}}, "", 2 * time.Second},
		{"an outage at the second", []end{{Failed, 1}, {Neither, 2}}, "", 2 * time.Second},
		{"both fail", []end{{Failed, 1}, {Failed, 2}}, "blocked", 2 * time.Second},
	} {
		for _, tier := range []string{blockedPair, blockedIP} {
			t.Run(test.name+", "+tier, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := usual
					b.FailuresPerUser, b.FailuresPerIP = 2, 0
					user := func(int) string { return "joe" }
					if tier == blockedIP {
						b.FailuresPerUser, b.FailuresPerIP = 0, 2
						user = func(i int) string { return fmt.Sprint("user", i) }
					}
					g := New(Rules{Limits: roomy, Blocking: b}, Options{})
					told(t.Context(), g, as("192.0.2.1", user(0)), Failed, stale.print)
					time.Sleep(b.Window) // that has faded
					began := time.Now()
					var all sync.WaitGroup
					for i, end := range test.ends {
						s := as("192.0.2.1", user(i))
						lease := admit(t, g, Login, s)
						all.Go(func() {
							time.Sleep(time.Duration(i+1) * time.Second)
							told(t.Context(), g, s, end.outcome, end.print)
							lease.Release()
						})
					}
					lease, denial := g.Ask(t.Context(), Login, as("192.0.2.1", user(9)))
					if took := time.Since(began); took != test.after {
						t.Errorf("it waited %v, want %v", took, test.after)
					}
					if test.denied != "" {
						if denial == nil || *denial != (Denial{Check: tier, Kind: Refused}) {
							t.Errorf("%v, want it refused as blocked", denial)
						}
					} else if denial != nil {
						t.Errorf("%v, want a lease", denial)
					}
					lease.Release()
					all.Wait()
					insistEmpty(t, g)
				})
			})
		}
	}
}

// TestWaitIsNoLongerThanThoseUnderWay: whoever they are, the user who comes
// behind them is in when they have been answered, and not all have failed.
func TestWaitIsNoLongerThanThoseUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Rules{Limits: roomy, Blocking: usual}, Options{})
		var all sync.WaitGroup
		for i := range 20 {
			s := as("192.0.2.1", fmt.Sprint("user", i))
			lease := admit(t, g, Login, s)
			all.Go(func() {
				time.Sleep(time.Duration(i+1) * time.Second)
				outcome := Failed
				if i == 19 {
					outcome = Neither
				}
				told(t.Context(), g, s, outcome, uint64(i))
				lease.Release()
			})
		}
		began := time.Now()
		lease, denial := g.Ask(t.Context(), Login, as("192.0.2.1", "joe"))
		if took := time.Since(began); denial != nil || took != 20*time.Second {
			t.Errorf("%v after %v, want a lease after 20s", denial, took)
		}
		lease.Release()
		all.Wait()
		insistEmpty(t, g)
	})
}

// TestWelcomeWaitsForNobodyElse: the tries of others at its address don't hold up
// who has logged in from there, but its own do.
func TestWelcomeWaitsForNobodyElse(t *testing.T) {
	g, _ := blocking(usual)
	mustBe(t, g, as("192.0.2.1", "joe"), "right", true, "")
	var held []*Lease
	for i := range 20 {
		held = append(held, admit(t, g, Login, as("192.0.2.1", fmt.Sprint("user", i))))
	}
	for range 5 {
		held = append(held, admit(t, g, Login, as("192.0.2.1", "joe")))
	}
	deny(t, g, Login, as("192.0.2.1", "ann"), blockedIP, Capacity)
	deny(t, g, Login, as("192.0.2.1", "joe"), blockedPair, Capacity)
	admit(t, g, Login, as("192.0.2.2", "ann")).Release()
	admit(t, g, Login, as("192.0.2.2", "joe")).Release()
	for _, lease := range held {
		lease.Release()
	}
	insistEmpty(t, g)
}

// TestTiersDontHoldEachOtherUp: crowds that wait at both tiers, with every
// outcome and every duration, all come to an end, and never are more under way
// than may fail. A deadlock would end the bubble.
func TestTiersDontHoldEachOtherUp(t *testing.T) {
	const addresses, users, tries = 3, 4, 300
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			b := usual
			b.FailuresPerUser, b.FailuresPerIP, b.Window, b.First, b.Longest, b.Remember = 2, 3, time.Minute, time.Second, 10*time.Second, 0
			g := New(Rules{Limits: roomy, Blocking: b}, Options{})
			rng := rand.New(rand.NewPCG(seed, 4))
			var mu sync.Mutex
			underWay := make(map[string]int)
			count := func(key string, change, most int) {
				mu.Lock()
				defer mu.Unlock()
				if underWay[key] += change; underWay[key] > most {
					t.Errorf("%d under way with %s, want %d at most", underWay[key], key, most)
				}
			}
			var all sync.WaitGroup
			for i := range tries {
				addr, user := fmt.Sprint("192.0.2.", rng.IntN(addresses)), fmt.Sprint(rng.IntN(users))
				comes, takes := time.Duration(rng.IntN(60_000))*time.Millisecond, time.Duration(rng.IntN(3000))*time.Millisecond
				outcome, in := Outcome(rng.IntN(3)), rng.IntN(2) == 0
				all.Go(func() {
					time.Sleep(comes)
					s := as(addr, user)
					lease, denial := g.Ask(t.Context(), Login, s)
					if denial != nil {
						return
					}
					defer lease.Release()
					count(addr, 1, b.FailuresPerIP)
					count(addr+" as "+user, 1, b.FailuresPerUser)
					time.Sleep(takes)
					count(addr, -1, b.FailuresPerIP)
					count(addr+" as "+user, -1, b.FailuresPerUser)
					told(t.Context(), g, s, outcome, uint64(i))
					if in {
						lease.LoggedIn()
						time.Sleep(time.Hour)
					}
				})
			}
			all.Wait()
			insistEmpty(t, g)
		})
	}
}
