package authz

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// spend asks until it is denied, and returns how often it was not.
func spend(t *testing.T, g *Guard, stage Stage, s *Subject, check string) (n int) {
	t.Helper()
	for ; n < 10_000; n++ {
		lease, denial := g.Ask(t.Context(), stage, s)
		if denial != nil {
			if denial.Check != check || denial.Kind != Refused {
				t.Fatalf("%+v, want a denial by %s", *denial, check)
			}
			return n
		}
		lease.Release()
	}
	return n
}

// TestRates: a rate's number at once, then as many as time brings, and never
// more than its number.
func TestRates(t *testing.T) {
	for _, test := range []struct {
		check  string
		stage  Stage
		limits func(l *Limits, r Rate)
		// whether another address, and another user, have a bucket of their own
		addrs, users bool
	}{
		{connectionRate, Address, func(l *Limits, r Rate) { l.ConnectionRate = r }, true, false},
		{loginRatePerIP, Login, func(l *Limits, r Rate) { l.LoginRatePerIP = r }, true, false},
		{loginRate, Login, func(l *Limits, r Rate) { l.LoginRate = r }, true, true},
	} {
		t.Run(test.check, func(t *testing.T) {
			limits := roomy
			test.limits(&limits, perMinute(60))
			g, clock := timed(Rules{Limits: limits})
			s := as("192.0.2.1", "joe")
			for _, step := range []struct {
				pass time.Duration
				want int
			}{
				{0, 60}, {0, 0}, {999 * time.Millisecond, 0}, {2 * time.Millisecond, 1}, {10 * time.Second, 10},
				{time.Minute, 60}, {30 * 24 * time.Hour, 60}, {1500 * time.Millisecond, 1}, {1500 * time.Millisecond, 2},
			} {
				clock.pass(step.pass)
				if n := spend(t, g, test.stage, s, test.check); n != step.want {
					t.Errorf("after %v: %d, want %d", step.pass, n, step.want)
				}
			}
			if n := spend(t, g, test.stage, as("192.0.2.2", "joe"), test.check); test.addrs != (n == 60) {
				t.Errorf("another address: %d", n)
			}
			if n := spend(t, g, test.stage, as("192.0.2.1", "ann"), test.check); test.users != (n == 60) {
				t.Errorf("another user: %d", n)
			}
			insistEmpty(t, g)
		})
	}
}

// TestLoginRatePerUser: only logins that succeed use it up, wherever from.
func TestLoginRatePerUser(t *testing.T) {
	limits := roomy
	limits.LoginRatePerUser = perMinute(3)
	g, clock := timed(Rules{Limits: limits})
	for i := range 1000 {
		s := &Subject{Addr: number(i), User: "joe"}
		if denied, _ := attempt(g, s, fmt.Sprint(i), false); denied != "" {
			t.Fatalf("guess %d: denied by %s", i, denied)
		}
		told(t.Context(), g, s, Neither, 0)
	}
	login := func(i int, want string) {
		t.Helper()
		if denied, _ := attempt(g, &Subject{Addr: number(i), User: "joe"}, "right", true); denied != want {
			t.Errorf("from address %d: denied by %q, want %q", i, denied, want)
		}
	}
	login(1, "")
	login(2, "")
	login(2000, "")
	login(1, loginRatePerUser)
	login(3000, loginRatePerUser)
	if denied, _ := attempt(g, as("192.0.2.1", "ann"), "right", true); denied != "" {
		t.Errorf("another user: denied by %s", denied)
	}
	clock.pass(20*time.Second + time.Millisecond)
	login(1, "")
	login(1, loginRatePerUser)
}

// TestRatesOfTenantsAreTheirOwn: what an address has spent under the narrow
// rate of one tenant or listener isn't missing under the wide one of another.
func TestRatesOfTenantsAreTheirOwn(t *testing.T) {
	limits := roomy
	limits.LoginRatePerIP, limits.ConnectionRate = perMinute(100), perMinute(100)
	g, _ := timed(Rules{Limits: limits,
		Listeners: map[string]Override{"slow": {ConnectionRate: ptr(Rate{3, time.Hour})}},
		Tenants:   map[string]Tenant{"slow": {Override: Override{LoginRatePerIP: ptr(Rate{3, time.Hour})}}}})
	slow := &Subject{Addr: addr("192.0.2.1"), User: "joe@slow", Tenant: "slow", Listener: "slow"}
	fast := &Subject{Addr: addr("192.0.2.1"), User: "ann"}
	for range 3 {
		if n := spend(t, g, Login, slow, loginRatePerIP); n > 3 {
			t.Errorf("%d logins at the narrow rate", n)
		}
		admit(t, g, Login, fast).Release()
		if n := spend(t, g, Address, slow, connectionRate); n > 3 {
			t.Errorf("%d connections at the narrow rate", n)
		}
		admit(t, g, Address, fast).Release()
	}
	if n := spend(t, g, Login, fast, loginRatePerIP); n != 97 {
		t.Errorf("%d logins are left at the wide rate, want 97", n)
	}
	if n := spend(t, g, Address, fast, connectionRate); n != 97 {
		t.Errorf("%d connections are left at the wide rate, want 97", n)
	}
}

// TestRatesChangeByReload: from then on the new rate holds. Turning back doesn't
// give anything twice.
func TestRatesChangeByReload(t *testing.T) {
	rate := func(r Rate) Rules {
		limits := roomy
		limits.LoginRate = r
		return Rules{Limits: limits}
	}
	g, clock := timed(rate(perMinute(10)))
	s := as("192.0.2.1", "joe")
	for _, step := range []struct {
		to   Rate
		pass time.Duration
		want int // -1: no limit
	}{
		{perMinute(10), 0, 10},
		{perMinute(20), 0, 20},
		{perMinute(10), 0, 0}, // as it was left
		{perMinute(20), 30*time.Second + time.Millisecond, 10},
		{Rate{}, 0, -1},
		{Rate{5, time.Hour}, 0, 5},
		{Rate{5, time.Hour}, 12*time.Minute + time.Second, 1},
		{perMinute(10), 0, 10},
	} {
		g.SetRules(rate(step.to))
		clock.pass(step.pass)
		n := spend(t, g, Login, s, loginRate)
		if step.want == -1 {
			step.want = 10_000
		}
		if n != step.want {
			t.Errorf("%+v, after %v: %d, want %d", step.to, step.pass, n, step.want)
		}
	}
}

// TestNarrowRatesComeFirst: who is refused by its own rate, or blocked, uses up
// nothing of what others behind the same address have.
func TestNarrowRatesComeFirst(t *testing.T) {
	limits := roomy
	limits.LoginRate, limits.LoginRatePerIP = perMinute(5), perMinute(20)
	g, _ := timed(Rules{Limits: limits, Blocking: Blocking{FailuresPerUser: 3, Window: time.Hour, First: time.Hour, Longest: time.Hour}})
	for range 1000 { // always the same password
		attempt(g, as("192.0.2.1", "crazed"), "old", false)
	}
	for i := range 1000 {
		attempt(g, as("192.0.2.1", "guessed"), fmt.Sprint(i), false)
	}
	n := 0
	for i := range 100 {
		if denied, _ := attempt(g, as("192.0.2.1", fmt.Sprint(i)), "right", true); denied == "" {
			n++
		}
	}
	if want := 20 - 5 - 3; n != want {
		t.Errorf("%d logins of others, want %d", n, want)
	}
}

// TestRatesOnTheRealClock: without Options.Now, time is that of the process.
func TestRatesOnTheRealClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := roomy
		limits.ConnectionRate = perMinute(2)
		g := guardWith(limits)
		s := from("192.0.2.1")
		for _, step := range []struct {
			sleep time.Duration
			want  int
		}{{0, 2}, {30*time.Second + time.Millisecond, 1}, {29 * time.Second, 0}, {time.Second, 1}, {24 * time.Hour, 2}} {
			time.Sleep(step.sleep)
			if n := spend(t, g, Address, s, connectionRate); n != step.want {
				t.Errorf("after %v: %d, want %d", step.sleep, n, step.want)
			}
		}
	})
}
