package authz

import (
	"context"
	"net/netip"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// roomy are limits that no test reaches by accident.
var roomy = Limits{Connections: 1000, ConnectionsPerIP: 1000, ConnectionsBeforeLogin: 1000}

// from is a subject with that address.
func from(addr string) *Subject { return &Subject{Listener: "pop3s", Addr: netip.MustParseAddr(addr)} }

// admit asks at a stage and fails the test on a denial.
func admit(t testing.TB, g *Guard, stage Stage, s *Subject) *Lease {
	t.Helper()
	lease, denial := g.Ask(context.Background(), stage, s)
	if denial != nil {
		t.Fatalf("stage %d: %v, want a lease", stage, denial)
	}
	if lease == nil {
		t.Fatalf("stage %d: neither a lease nor a denial", stage)
	}
	return lease
}

// deny asks at a stage and fails the test on anything but a denial by check.
func deny(t testing.TB, g *Guard, stage Stage, s *Subject, check string, kind Kind) {
	t.Helper()
	lease, denial := g.Ask(context.Background(), stage, s)
	switch {
	case denial == nil:
		lease.Release()
		t.Fatalf("stage %d: a lease, want a denial by %s", stage, check)
	case lease != nil:
		t.Errorf("stage %d: a lease beside a denial", stage)
	}
	if want := (Denial{Check: check, Kind: kind}); *denial != want {
		t.Errorf("stage %d: %+v, want %+v", stage, *denial, want)
	}
}

// counts is what a Guard has counted.
type counts struct {
	connections, beforeLogin int64
	perAddress               map[netip.Addr]int
}

// countsOf looks into the checks of g.
func countsOf(t testing.TB, g *Guard) counts {
	t.Helper()
	var c counts
	for _, checks := range g.checks {
		for _, check := range checks {
			switch check := check.(type) {
			case *places:
				switch check.Name() {
				case total:
					c.connections = check.taken.Load()
				case beforeLogin:
					c.beforeLogin = check.taken.Load()
				default:
					t.Fatalf("places are counted as %q, which no test knows", check.Name())
				}
			case *perAddress:
				c.perAddress = make(map[netip.Addr]int)
				check.mu.Lock()
				for key, n := range check.open {
					c.perAddress[key] = n
				}
				check.mu.Unlock()
			default:
				t.Fatalf("%T: which counts does it have?", check)
			}
		}
	}
	return c
}

// insistEmpty fails the test unless everything has been given back.
func insistEmpty(t testing.TB, g *Guard) {
	t.Helper()
	if c := countsOf(t, g); c.connections != 0 || c.beforeLogin != 0 || len(c.perAddress) != 0 {
		t.Errorf("left over at the end: %+v", c)
	}
}
