package authz

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// FuzzOwnerGetsIn: whatever others do from other addresses, guessing as the
// owner, as others or as nobody, at any pace, with any number of logins on
// their way: the owner, from an address that nobody else has used, gets in with
// the right password.
func FuzzOwnerGetsIn(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 3, 5, 0, 0})
	f.Add([]byte{2, 1, 0, 2, 2, 0, 2, 3, 0, 5, 0, 0, 3, 0, 0, 4, 200, 0, 5, 1, 0})
	f.Add([]byte{1, 0, 9, 4, 9, 9, 1, 1, 9, 4, 0, 200, 1, 1, 1, 6, 0, 0, 5, 7, 7})
	f.Fuzz(func(t *testing.T, steps []byte) {
		if len(steps) > 600 {
			t.Skip("long inputs show no more")
		}
		besiege(t, steps)
	})
}

// TestOwnerGetsIn is the same for long sieges.
func TestOwnerGetsIn(t *testing.T) {
	for seed := range uint64(3) {
		steps := make([]byte, 40_000)
		rng := rand.NewChaCha8([32]byte{byte(seed)})
		_, _ = rng.Read(steps)
		besiege(t, steps)
	}
}

// tight rules are such that the least that others could use up would be missing.
func tight() Rules {
	return Rules{
		Limits: Limits{
			Connections: 1e6, ConnectionsBeforeLogin: 1e6, ConnectionsPerIP: 1, ConnectionsPerTenant: 1, ConnectionsPerUser: 1, ConnectionRate: perMinute(1),
			LoginRatePerIP: perMinute(1), LoginRate: perMinute(1), LoginRatePerUser: perMinute(1),
		},
		Tenants:  map[string]Tenant{"t": {LoginDelay: time.Minute}},
		Blocking: Blocking{FailuresPerUser: 1, FailuresPerIP: 1, Window: time.Hour, First: time.Hour, Longest: 24 * time.Hour, Remember: time.Hour, Entries: 1000},
	}
}

// besiege does what steps say, three bytes each.
func besiege(t *testing.T, steps []byte) {
	ctx := impatient
	g, clock := timed(tight())
	users := []string{"owner@t", "OWNER@T", "owner", "ann@t", "", "nobody@else"}
	subject := func(a, u byte) *Subject {
		return &Subject{Addr: number(int(a)), User: users[int(u)%len(users)], Tenant: "t"}
	}
	var onTheirWay []*Lease
	fresh := 0
	for i := 0; i+3 <= len(steps); i += 3 {
		op, a, b := steps[i]%7, steps[i+1], steps[i+2]
		s := subject(a, b)
		switch op {
		case 0: // a guess
			attempt(g, s, fmt.Sprint(b), false)
		case 1: // a guess of a client that doesn't care whether it was let through
			told(ctx, g, s, Failed, uint64(b)<<8|uint64(i))
		case 2, 3: // one that takes its time
			for _, stage := range []Stage{Accept, Address, Login} {
				if lease, denial := g.Ask(ctx, stage, s); denial == nil {
					onTheirWay = append(onTheirWay, lease)
				}
			}
		case 4:
			clock.pass(time.Duration(a) * time.Duration(b) * time.Second)
		case 5:
			for _, lease := range onTheirWay[len(onTheirWay)/2:] {
				lease.Release()
			}
			onTheirWay = onTheirWay[:len(onTheirWay)/2]
		case 6:
			fresh++
			clock.pass(time.Minute + time.Millisecond) // the owner's own pace
			ownerLogsIn(t, g, &Subject{Addr: number(1<<16 + fresh), User: "owner@t", Tenant: "t"})
		}
	}
	for _, lease := range onTheirWay {
		lease.Release()
	}
	insistEmpty(t, g)
}

func ownerLogsIn(t *testing.T, g *Guard, s *Subject) {
	t.Helper()
	slot, address := admit(t, g, Accept, s), admit(t, g, Address, s)
	defer slot.Release()
	defer address.Release()
	if denied, blocks := attempt(g, s, "right", true); denied != "" || blocks != nil {
		t.Fatalf("the owner is denied by %s, blocks %v", denied, blocks)
	}
}
