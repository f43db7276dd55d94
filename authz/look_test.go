package authz

import (
	"math/rand/v2"
	"testing"
	"time"
)

// FuzzLook plays the same with two Guards, of which one is looked at before each
// step. A look tells what each check says then, and changes nothing: both Guards
// decide the same for ever.
func FuzzLook(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 0, 0, 4, 0, 0, 5, 9, 9, 6, 1, 0, 7, 3, 0})
	f.Fuzz(func(t *testing.T, steps []byte) {
		if len(steps) > 600 {
			t.Skip("long inputs show no more")
		}
		lookAndTake(t, steps)
	})
}

// TestLookAgreesWithTake is the same for long inputs.
func TestLookAgreesWithTake(t *testing.T) {
	for seed := range byte(10) {
		steps := make([]byte, 6000)
		_, _ = rand.NewChaCha8([32]byte{seed}).Read(steps)
		lookAndTake(t, steps)
	}
}

// lookedAt are rules in force by turns. Numbers are small, so that each check
// denies now and then.
func lookedAt() []Rules {
	few := Limits{
		Connections: 6, ConnectionsBeforeLogin: 5, ConnectionsPerIP: 3, ConnectionsPerTenant: 4, ConnectionsPerUser: 2,
		ConnectionRate: perMinute(9), LoginRatePerIP: perMinute(8), LoginRate: perMinute(5), LoginRatePerUser: perMinute(3),
	}
	own := Override{Connections: ptr(4), ConnectionsBeforeLogin: ptr(3), ConnectionsPerIP: ptr(2), ConnectionRate: ptr(Rate{4, time.Hour}), LoginRatePerUser: &Rate{}}
	b := Blocking{FailuresPerUser: 2, FailuresPerIP: 3, Window: 10 * time.Minute, First: time.Minute, Longest: 10 * time.Minute, Remember: 5 * time.Minute, Entries: 100_000}
	wide := few
	wide.IPv4Prefix, wide.ConnectionsPerUser, wide.LoginRate = 8, 0, Rate{}
	exempt := few
	exempt.Exempt = everywhere[:1]
	return []Rules{
		{Limits: few, Blocking: b},
		{
			Limits: few, Blocking: b, Listeners: map[string]Override{"pop3": own},
			Tenants: map[string]Tenant{"t": {LoginDelay: time.Minute, Override: Override{ConnectionsPerUser: ptr(1), LoginRate: ptr(perMinute(2))}}},
		},
		{Limits: wide, Blocking: b, Tenants: map[string]Tenant{"t": {LoginDelay: time.Hour}}},
		{Limits: exempt, Blocking: b},
		{},
	}
}

func lookAndTake(t *testing.T, steps []byte) {
	clock, all := newClock(), lookedAt()
	looked, other := New(all[0], Options{Now: clock.now}), New(all[0], Options{Now: clock.now})
	ctx := impatient
	var held []func()
	for ; len(steps) >= 3; steps = steps[3:] {
		op, x, y := steps[0]%8, steps[1], steps[2]
		s := &Subject{
			Listener: []string{"pop3s", "pop3"}[x&1], Addr: number(int(x >> 1 & 3)),
			User: []string{"joe", "ann"}[y&1], Tenant: []string{"", "t"}[y>>1&1],
		}
		looked.Look(ctx, s)
		looked.Look(ctx, &Subject{})
		switch op {
		case 0, 1, 2, 3:
			held = append(held, takeBoth(t, looked, other, Stage(op), s)...)
		case 4:
			for _, g := range []*Guard{looked, other} {
				told(ctx, g, s, Outcome(y>>2%3), uint64(y))
			}
		case 5:
			clock.pass(time.Duration(x) * time.Duration(y) * time.Second / 16)
		case 6:
			for _, back := range held[len(held)/2:] {
				back()
			}
			held = held[:len(held)/2]
		case 7:
			rules := all[int(x)%len(all)]
			looked.SetRules(rules)
			other.SetRules(rules)
		}
	}
	for _, back := range held {
		back()
	}
	insistEmpty(t, looked)
	insistEmpty(t, other)
}

// takeBoth asks each check of a stage of both Guards, having looked at one.
func takeBoth(t *testing.T, looked, other *Guard, stage Stage, s *Subject) (held []func()) {
	t.Helper()
	ctx, limits := impatient, looked.Rules().limits(s)
	for i, check := range looked.checks[stage] {
		f := check.Look(ctx, s, limits)
		if again := check.Look(ctx, s, limits); again != f {
			t.Fatalf("one look says %+v, the next %+v", f, again)
		}
		back, denial := check.Take(ctx, s, limits)
		back2, denial2 := other.checks[stage][i].Take(ctx, s, limits)
		// Who would have to wait for others is not denied.
		denies := denial != nil && !(denial.Kind == Capacity && stage == Login)
		if f.Check != check.Name() || denies != (f.Verdict == Denies) {
			t.Fatalf("look: %+v, take: %v", f, denial)
		}
		if (denial == nil) != (denial2 == nil) {
			t.Fatalf("%s: %v where it was looked at, %v where it wasn't", check.Name(), denial, denial2)
		}
		if back != nil {
			held = append(held, func() { back(); back2() })
		}
	}
	return held
}

// TestLook: all checks, in the order in which a session asks them, with words
// for people.
func TestLook(t *testing.T) {
	g, clock := timed(lookedAt()[1])
	clock.begin = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	s := &Subject{Listener: "pop3", Addr: addr("192.0.2.1"), User: "joe", Tenant: "t"}
	var held []*Lease
	for _, stage := range []Stage{Accept, Address, Address} {
		held = append(held, admit(t, g, stage, s))
	}
	mustBe(t, g, s, "right", true, "")
	for i, want := range []struct {
		stage   Stage
		check   string
		verdict Verdict
		detail  string
	}{
		{Accept, "connections", Passes, "1 of 6"},
		{Accept, "connections_per_listener", Passes, "1 of 4"},
		{Accept, "connections_before_login", Passes, "1 of 5"},
		{Accept, "connections_before_login_per_listener", Passes, "1 of 3"},
		{Address, "connection_rate", Passes, "2.0 of 4 left, 4 more in 1h0m0s"},
		{Address, "connections_per_ip", Denies, "2 of 2"},
		{Login, "blocked_user", Passes, ""},
		{Login, "blocked_ip", Passes, ""},
		{Login, "login_rate", Passes, "1.0 of 2 left, 2 more in 1m0s"},
		{Login, "login_rate_per_ip", Passes, "7.0 of 8 left, 8 more in 1m0s"},
		{Login, "login_rate_per_user", Unlimited, ""},
		{Accepted, "connections_per_tenant", Passes, "0 of 4"},
		{Accepted, "connections_per_user", Passes, "0 of 1"},
		{Accepted, "login_delay", Denies, "until 2024-02-29T12:01:00Z"},
	} {
		got := g.Look(t.Context(), s)
		if len(got) != 14 || got[i].Stage != want.stage {
			t.Fatalf("%+v, want %+v at its place", got, want)
		}
		insistFinding(t, g, s, want.check, want.verdict, want.detail)
	}
	// Blocks say until when, and why they don't hold.
	for i := range 2 {
		told(t.Context(), g, s, Failed, uint64(i))
	}
	told(t.Context(), g, &Subject{Addr: s.Addr, User: "ann"}, Failed, 0)
	insistFinding(t, g, s, blockedIP, Passes, "until 2024-02-29T12:01:00Z, block 1 in a row, but it has logged in as this user before")
	insistFinding(t, g, s, blockedPair, Denies, "until 2024-02-29T12:01:00Z, block 1 in a row")
	insistFinding(t, g, &Subject{Addr: s.Addr, User: "ann"}, blockedIP, Denies, "until 2024-02-29T12:01:00Z, block 1 in a row")
	insistFinding(t, g, &Subject{Addr: s.Addr, User: "ann"}, blockedPair, Passes, "")
	g.SetRules(lookedAt()[3])
	insistFinding(t, g, s, blockedIP, Unlimited, "")
	insistFinding(t, g, s, connectionRate, Unlimited, "")
	insistFinding(t, g, s, connectionsPerIP, Unlimited, "")
	for _, lease := range held {
		lease.Release()
	}
}

func insistFinding(t *testing.T, g *Guard, s *Subject, check string, verdict Verdict, detail string) {
	t.Helper()
	for _, f := range g.Look(t.Context(), s) {
		if f.Check == check {
			if f.Verdict != verdict || f.Detail != detail {
				t.Errorf("%+v, want %s: %s", f, verdict, detail)
			}
			return
		}
	}
	t.Errorf("nothing is said of %s", check)
}
