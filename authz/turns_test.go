package authz

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// storm lets many try at once, each a password of its own; the backend takes a
// second for its answer. It returns how many got as far as that.
func storm(g *Guard, subjects []*Subject, prefix string) int {
	var seen atomic.Int32
	var all sync.WaitGroup
	for i, s := range subjects {
		all.Go(func() {
			lease, denial := g.Ask(context.Background(), Login, s)
			if denial != nil {
				return
			}
			seen.Add(1)
			time.Sleep(time.Second)
			told(context.Background(), g, s, Failed, g.Fingerprint(s.User, []byte(fmt.Sprint(prefix, i))))
			lease.Release()
		})
	}
	all.Wait()
	return int(seen.Load())
}

// TestManyAtOnceGetNoFurther: guesses that come in the same moment reach the
// backend as seldom as those that come one after the other.
func TestManyAtOnceGetNoFurther(t *testing.T) {
	for _, test := range []struct {
		name string
		user func(i int) string
		most int
	}{
		{"as one user", func(int) string { return "joe" }, 5},
		{"as many users", func(i int) string { return fmt.Sprint(i) }, 20},
		{"as some users", func(i int) string { return fmt.Sprint(i % 10) }, 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := New(Rules{Limits: roomy, Blocking: usual}, Options{})
				var subjects []*Subject
				for i := range 300 {
					subjects = append(subjects, as("192.0.2.1", test.user(i)))
				}
				if seen := storm(g, subjects, "first"); seen != test.most {
					t.Errorf("%d guesses reached the backend, want %d", seen, test.most)
				}
				for _, b := range g.Blocks(t.Context()) {
					if b.Level != 1 {
						t.Errorf("%+v", b)
					}
				}
				insistEmpty(t, g)

				// After the block what has come back since is tried one at a time.
				time.Sleep(5 * time.Minute)
				if seen := storm(g, subjects, "second"); seen > test.most/2 || seen == 0 {
					t.Errorf("%d guesses reached the backend after the first block", seen)
				}
				insistEmpty(t, g)
			})
		})
	}
}

// TestWaitingIsNoRefusal: many clients of an office, none known yet, log in at
// the same moment, as after a restart. All of them get in, a few at a time.
func TestWaitingIsNoRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Rules{Limits: roomy, Blocking: usual}, Options{})
		began := time.Now()
		var in atomic.Int32
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				s := as("192.0.2.1", fmt.Sprint(i))
				lease, denial := g.Ask(t.Context(), Login, s)
				if denial != nil {
					t.Errorf("%d: %v", i, denial)
					return
				}
				defer lease.Release()
				time.Sleep(time.Second) // the backend
				told(t.Context(), g, s, Succeeded, 0)
				lease.LoggedIn()
				time.Sleep(time.Hour) // who is in is in nobody's way
				in.Add(1)
			})
		}
		all.Wait()
		if took := time.Since(began); in.Load() != 100 || took != time.Hour+5*time.Second {
			t.Errorf("%d are in after %v, want 100 after an hour and five rounds", in.Load(), took)
		}
		// Now they are known, and needn't wait for anybody.
		var held []*Lease
		for i := range 100 {
			held = append(held, admit(t, g, Login, as("192.0.2.1", fmt.Sprint(i))))
		}
		for _, lease := range held {
			lease.Release()
		}
		insistEmpty(t, g)
	})
}

// TestOldPasswordsNeedNoTurn: a password that is known to be wrong leads to no
// block and waits for nobody, so that it tells nothing by waiting; a new one does.
func TestOldPasswordsNeedNoTurn(t *testing.T) {
	g := New(Rules{Limits: roomy, Blocking: usual}, Options{})
	old := as("192.0.2.1", "joe")
	old.Fingerprint = g.Fingerprint("joe", []byte("old"))
	told(t.Context(), g, old, Failed, old.Fingerprint)
	var held []*Lease
	for range 4 {
		held = append(held, admit(t, g, Login, as("192.0.2.1", "joe")))
	}
	held = append(held, admit(t, g, Login, old))
	for _, other := range []string{"new", ""} {
		s := as("192.0.2.1", "joe")
		if other != "" {
			s.Fingerprint = g.Fingerprint("joe", []byte(other))
		}
		if lease, denial := g.Ask(impatient, Login, s); lease != nil || denial == nil || denial.Kind != Capacity {
			t.Errorf("password %q: lease %v, denial %+v, want that it waits", other, lease, denial)
		}
	}
	for _, lease := range held {
		lease.Release()
	}
	insistEmpty(t, g)
}

// TestWaitsAreOne: who has waited for others as his user doesn't wait as long
// again for others at his address.
func TestWaitsAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Rules{Limits: roomy, Blocking: usual}, Options{})
		block := g.checks[Login][0]
		s, limits := as("192.0.2.1", "joe"), &g.Rules().Limits
		var backs []func()
		for range usual.FailuresPerUser {
			back, denial := block.Take(t.Context(), s, limits) // a turn of the pair, none of the address
			if block.Name() != blockedPair || denial != nil {
				t.Fatalf("%s: %v", block.Name(), denial)
			}
			backs = append(backs, back)
		}
		var held []*Lease
		for i := range usual.FailuresPerIP {
			held = append(held, admit(t, g, Login, as("192.0.2.1", fmt.Sprint(i))))
		}
		time.AfterFunc(longestWait-time.Second, backs[0])
		began := time.Now()
		lease, denial := g.Ask(t.Context(), Login, s)
		if lease != nil || denial == nil || denial.Check != triesUnderWay || time.Since(began) != longestWait {
			t.Errorf("lease %v, denial %+v after %v", lease, denial, time.Since(began))
		}
		for _, back := range backs[1:] {
			back()
		}
		for _, lease := range held {
			lease.Release()
		}
		insistEmpty(t, g)
	})
}

// TestWaitingEnds: with the session, by a refusal that is no word about the
// password, and having taken nothing.
func TestWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Rules{Limits: roomy, Blocking: usual}, Options{})
		var held []*Lease
		for range 5 {
			held = append(held, admit(t, g, Login, as("192.0.2.1", "joe")))
		}
		ctx, cancel := context.WithTimeout(t.Context(), longestWait-time.Second)
		defer cancel()
		began := time.Now()
		lease, denial := g.Ask(ctx, Login, as("192.0.2.1", "joe"))
		if lease != nil || denial == nil || denial.Kind != Capacity || denial.Check != blockedPair || time.Since(began) != longestWait-time.Second {
			t.Errorf("lease %v, denial %+v after %v", lease, denial, time.Since(began))
		}
		// One that isn't over in time: nothing is blocked, and nobody has guessed.
		began = time.Now()
		lease, denial = g.Ask(t.Context(), Login, as("192.0.2.1", "joe"))
		if lease != nil || denial == nil || denial.Kind != Capacity || denial.Check != triesUnderWay || time.Since(began) != longestWait {
			t.Errorf("lease %v, denial %+v after %v", lease, denial, time.Since(began))
		}
		for _, other := range []*Subject{as("192.0.2.1", "ann"), as("192.0.2.2", "joe")} {
			admit(t, g, Login, other).Release()
		}
		for _, lease := range held {
			lease.Release()
		}
		insistEmpty(t, g)
	})
}

// TestTurnsOnRealProcessors is TestManyAtOnceGetNoFurther without the bubble,
// where goroutines run at once.
func TestTurnsOnRealProcessors(t *testing.T) {
	for round := range 200 {
		g, _ := blocking(usual)
		var seen atomic.Int32
		var all sync.WaitGroup
		begin := make(chan struct{})
		for i := range 50 {
			all.Go(func() {
				<-begin
				s := as("192.0.2.1", "joe")
				lease, denial := g.Ask(context.Background(), Login, s)
				if denial != nil {
					return
				}
				seen.Add(1)
				told(context.Background(), g, s, Failed, uint64(i))
				lease.Release()
			})
		}
		close(begin)
		all.Wait()
		if n := seen.Load(); n != 5 {
			t.Errorf("round %d: %d guesses reached the backend, want 5", round, n)
		}
		insistEmpty(t, g)
	}
}
