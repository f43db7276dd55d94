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
	g := New(Limits{Connections: most, ConnectionsPerIP: most, ConnectionsBeforeLogin: most})
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
		g.SetLimits(Limits{Connections: 1 + i%most, ConnectionsPerIP: 1 + i%most, ConnectionsBeforeLogin: 1 + i%most})
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
	g := New(Limits{Connections: workers, ConnectionsPerIP: workers, ConnectionsBeforeLogin: workers})
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
