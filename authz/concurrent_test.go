package authz

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// TestLimitsHoldUnderLoad: with many goroutines at once, and limits that change
// meanwhile, no more than the highest limit is ever inside, everybody who can't
// be one too many gets in, and all places are free at the end.
func TestLimitsHoldUnderLoad(t *testing.T) {
	const workers, rounds, most = 16, 300, 5
	g := guardWith(Limits{Connections: most, ConnectionsPerIP: most, ConnectionsBeforeLogin: most})
	var inside, ofOne, admitted atomic.Int64
	session := func(s *Subject) {
		slot, denial := g.Ask(context.Background(), Accept, s)
		if denial != nil {
			return
		}
		defer slot.Release()
		if n := inside.Add(1); n > most {
			t.Errorf("%d sessions, at most %d are allowed", n, most)
		}
		defer inside.Add(-1) // before Release: it still has its place
		slot.LoggedIn()
		lease, denial := g.Ask(context.Background(), Address, s)
		if denial != nil {
			return
		}
		defer lease.Release()
		if n := ofOne.Add(1); n > most {
			t.Errorf("%d sessions of one client, at most %d are allowed", n, most)
		}
		defer ofOne.Add(-1)
		admitted.Add(1)
	}
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			s := from(fmt.Sprintf("2001:db8::%x", i)) // one /64
			for range rounds {
				session(s)
			}
		})
	}
	for i := range rounds {
		g.SetRules(Rules{Limits: Limits{Connections: 1 + i%most, ConnectionsPerIP: 1 + i%most, ConnectionsBeforeLogin: 1 + i%most}})
	}
	all.Wait()
	if admitted.Load() == 0 {
		t.Error("nobody got in")
	}
	insistEmpty(t, g)
}

// TestNobodyIsRefusedWhereThereIsRoom: as many goroutines as places, so that
// each must always get one.
func TestNobodyIsRefusedWhereThereIsRoom(t *testing.T) {
	const workers, rounds = 8, 300
	g := guardWith(Limits{Connections: workers, ConnectionsPerIP: workers, ConnectionsBeforeLogin: workers})
	session := func(s *Subject) {
		for _, stage := range []Stage{Accept, Address, Login} {
			lease, denial := g.Ask(context.Background(), stage, s)
			if denial != nil {
				t.Errorf("stage %d: %v", stage, denial)
				return
			}
			defer lease.Release()
		}
	}
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range rounds {
				session(from("192.0.2.1"))
			}
		})
	}
	all.Wait()
	insistEmpty(t, g)
}

// TestEverythingAtOnce: logins, guesses, reloads, lists of blocks and their
// lifting, all at the same time. The race detector is the judge, and nothing is
// left held.
func TestEverythingAtOnce(t *testing.T) {
	const rounds = 300
	rules := lookedAt()[:4]
	for i := range rules {
		rules[i].Blocking.Entries = 1000 * (i + 1)
		rules[i].Policies = []Policy{{Name: "p", ReadOnly: i%2 == 0}}
		rules[i].Networks = networksOf(t, Network{Name: "all", Addresses: everywhere})
	}
	g := New(rules[0], Options{})
	ctx := context.Background()
	subject := func(i int) *Subject {
		return &Subject{Listener: []string{"pop3", "pop3s"}[i&1], Addr: number(i % 7), User: fmt.Sprint(i % 5), Tenant: []string{"", "t"}[i>>1&1]}
	}
	session := func(i int) {
		s := subject(i)
		var held []*Lease
		defer func() {
			for _, lease := range held {
				lease.LoggedIn()
				lease.Release()
			}
		}()
		for stage := Accept; stage <= Accepted; stage++ {
			lease, denial := g.Ask(ctx, stage, s)
			if denial != nil {
				told(ctx, g, s, Neither, 0)
				return
			}
			held = append(held, lease)
		}
		if _, denial := g.Decide(ctx, s); denial != nil {
			t.Errorf("%v", denial)
		}
		told(ctx, g, s, Outcome(i%3), g.Fingerprint(s.User, []byte{byte(i)}))
	}
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for i := range rounds {
				session(i*8 + w)
			}
		})
	}
	for _, other := range []func(i int){
		func(i int) { g.SetRules(rules[i%len(rules)]) },
		func(i int) {
			for _, b := range g.Blocks(ctx) {
				g.Unblock(ctx, b.Addr, b.User)
			}
		},
		func(i int) { g.Look(ctx, subject(i)); g.Opinions(subject(i)) },
		func(i int) { told(ctx, g, subject(i), Failed, uint64(i)) },
		func(i int) {
			if len(g.Rules().Networks.Of(subject(i).Addr)) != 1 {
				t.Error("an address is in no network")
			}
			if _, err := g.Rules().Networks.Refresh(); err != nil {
				t.Error(err)
			}
		},
	} {
		all.Go(func() {
			for i := range rounds {
				other(i)
			}
		})
	}
	all.Wait()
	insistEmpty(t, g)
}
