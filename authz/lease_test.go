package authz

import (
	"context"
	"sync"
	"testing"
)

// TestLease: whatever is done to a session's leases, and how often, each place
// is given back once.
func TestLease(t *testing.T) {
	const (
		release  = "release"
		loggedIn = "logged in"
	)
	type want struct{ connections, beforeLogin int64 }
	for _, test := range []struct {
		name  string
		steps []string
		after []want // each step, with one more session open beside
	}{
		{"released", []string{release}, []want{{1, 1}}},
		{"released twice", []string{release, release}, []want{{1, 1}, {1, 1}}},
		{"logged in, then released", []string{loggedIn, release}, []want{{2, 1}, {1, 1}}},
		{"logged in twice", []string{loggedIn, loggedIn, release}, []want{{2, 1}, {2, 1}, {1, 1}}},
		{"logged in after the end", []string{release, loggedIn}, []want{{1, 1}, {1, 1}}},
		{"everything twice", []string{loggedIn, release, loggedIn, release}, []want{{2, 1}, {1, 1}, {1, 1}, {1, 1}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := guardWith(roomy)
			beside := admit(t, g, Accept, from("192.0.2.1"))
			lease := admit(t, g, Accept, from("192.0.2.1"))
			for i, step := range test.steps {
				switch step {
				case release:
					lease.Release()
				case loggedIn:
					lease.LoggedIn()
				}
				c := countsOf(t, g)
				if got := (want{c.connections, c.beforeLogin}); got != test.after[i] {
					t.Errorf("step %d, %s: counts %+v, want %+v", i+1, step, got, test.after[i])
				}
			}
			beside.Release()
			insistEmpty(t, g)
		})
	}
}

// TestLoggedInKeepsOtherLeases: a lease without a place among the sessions
// before login has nothing to give back at login.
func TestLoggedInKeepsOtherLeases(t *testing.T) {
	g := guardWith(roomy)
	lease := admit(t, g, Address, from("192.0.2.1"))
	lease.LoggedIn()
	if got := countsOf(t, g).perAddress[addr("192.0.2.1")]; got != 1 {
		t.Errorf("%d sessions of the address, want 1", got)
	}
	lease.Release()
	insistEmpty(t, g)
}

// TestNilLeaseHoldsNothing: sessions that were never let in end like others.
func TestNilLeaseHoldsNothing(t *testing.T) {
	g := guardWith(Limits{})
	lease, denial := g.Ask(context.Background(), Accept, from("192.0.2.1"))
	if lease != nil || denial == nil {
		t.Fatalf("lease %v, denial %v", lease, denial)
	}
	lease.LoggedIn()
	lease.Release()
	insistEmpty(t, g)
}

// TestReleaseAtOnce: a session's end can be noticed by several goroutines at a
// time, and during its login.
func TestReleaseAtOnce(t *testing.T) {
	g := guardWith(roomy)
	for range 200 {
		lease := admit(t, g, Accept, from("192.0.2.1"))
		begin := make(chan struct{})
		var all sync.WaitGroup
		for _, end := range []func(){lease.Release, lease.LoggedIn, lease.Release, lease.LoggedIn} {
			all.Go(func() {
				<-begin
				end()
			})
		}
		close(begin)
		all.Wait()
		insistEmpty(t, g)
	}
}

// TestLoggedInFreesTheListenersPlaceToo: a listener's sessions before login are
// those before login.
func TestLoggedInFreesTheListenersPlaceToo(t *testing.T) {
	g := New(Rules{Limits: roomy, Listeners: map[string]Override{
		"pop3s": {Connections: ptr(3), ConnectionsBeforeLogin: ptr(1)},
	}}, Options{})
	s := from("192.0.2.1")
	var leases []*Lease
	for range 3 {
		lease := admit(t, g, Accept, s)
		deny(t, g, Accept, s, map[bool]string{true: perListener, false: beforeLoginPerListener}[len(leases) == 2], Capacity)
		lease.LoggedIn()
		leases = append(leases, lease)
	}
	deny(t, g, Accept, s, perListener, Capacity)
	for _, lease := range leases {
		lease.Release()
	}
	insistEmpty(t, g)
}
