package authz

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestLoginDelay: a user of a tenant that wants it logs in once in that time,
// from wherever; users of others as often as they like.
func TestLoginDelay(t *testing.T) {
	g, clock := timed(Rules{Limits: roomy, Tenants: map[string]Tenant{
		"slow": {LoginDelay: time.Minute}, "slower": {LoginDelay: time.Hour}, "quick": {},
	}})
	subject := func(addr, user, tenant string) *Subject {
		s := as(addr, user+"@"+tenant)
		s.Tenant = tenant
		return s
	}
	for i, step := range []struct {
		pass         time.Duration
		user, tenant string
		want         string
	}{
		{0, "joe", "slow", ""},
		{0, "joe", "slow", loginDelay},
		{0, "ann", "slow", ""},
		{0, "joe", "slower", ""},
		{0, "joe", "quick", ""},
		{0, "joe", "quick", ""},
		{0, "joe", "", ""},
		{0, "joe", "", ""},
		{time.Minute - 1, "joe", "slow", loginDelay},
		{1, "joe", "slow", ""}, // those refused meanwhile prolong nothing
		{0, "joe", "slow", loginDelay},
		{0, "joe", "slower", loginDelay},
		{time.Hour, "joe", "slower", ""},
	} {
		clock.pass(step.pass)
		for _, from := range []string{"192.0.2.1", "2001:db8::1"} {
			s := subject(from, step.user, step.tenant)
			if step.want == loginDelay {
				admit(t, g, Login, s).Release() // nothing is said before the password is right
				deny(t, g, Accepted, s, loginDelay, TooSoon)
			}
		}
		if denied, _ := attempt(g, subject("192.0.2.1", step.user, step.tenant), "right", true); denied != step.want {
			t.Errorf("step %d: denied by %q, want %q", i, denied, step.want)
		}
	}
	insistEmpty(t, g)
}

// TestGuessesDelayNobody: wrong passwords leave no mark of a login.
func TestGuessesDelayNobody(t *testing.T) {
	g, _ := timed(Rules{Limits: roomy, Tenants: map[string]Tenant{"slow": {LoginDelay: time.Minute}}})
	for i := range 100 {
		attempt(g, &Subject{Addr: number(i), User: "joe", Tenant: "slow"}, "wrong", false)
	}
	if denied, _ := attempt(g, &Subject{Addr: addr("192.0.2.1"), User: "joe", Tenant: "slow"}, "right", true); denied != "" {
		t.Errorf("denied by %s", denied)
	}
}

// TestLoginDelayChanges: a delay that is given up ends at once, a new one is
// for logins from then on.
func TestLoginDelayChanges(t *testing.T) {
	rules := func(d time.Duration) Rules {
		return Rules{Limits: roomy, Tenants: map[string]Tenant{"t": {LoginDelay: d}}}
	}
	g, clock := timed(rules(time.Hour))
	s := &Subject{Addr: addr("192.0.2.1"), User: "joe", Tenant: "t"}
	login := func() {
		t.Helper()
		lease := admit(t, g, Accepted, s)
		lease.Settle()
		lease.Release()
	}
	login()
	deny(t, g, Accepted, s, loginDelay, TooSoon)
	g.SetRules(rules(0))
	login()
	clock.pass(2 * time.Hour)
	g.SetRules(rules(time.Minute))
	login()
	deny(t, g, Accepted, s, loginDelay, TooSoon)
	clock.pass(time.Minute)
	login()
}

// TestLoginThatIsLostDelaysNobody: only who really got in has logged in. One who
// left between the backend's answer and his own may come again at once.
func TestLoginThatIsLostDelaysNobody(t *testing.T) {
	g, clock := timed(Rules{Limits: roomy, Tenants: map[string]Tenant{"slow": {LoginDelay: time.Minute}}})
	s := &Subject{Addr: addr("192.0.2.1"), User: "joe", Tenant: "slow"}
	lost := admit(t, g, Accepted, s)
	deny(t, g, Accepted, s, loginDelay, TooSoon) // meanwhile it counts
	lost.Release()
	in := admit(t, g, Accepted, s)
	in.Settle()
	in.Release()
	deny(t, g, Accepted, s, loginDelay, TooSoon)
	lost.Release()
	deny(t, g, Accepted, s, loginDelay, TooSoon)
	// One that is lost late must not give back what another has left since.
	clock.pass(time.Minute)
	lost = admit(t, g, Accepted, s)
	clock.pass(time.Minute)
	in = admit(t, g, Accepted, s)
	in.Settle()
	in.Release()
	lost.Release()
	deny(t, g, Accepted, s, loginDelay, TooSoon)
	insistEmpty(t, g)
}

// TestOneOfManyLoginsAtOnce: of a hundred logins of one user in one moment, one
// is in time.
func TestOneOfManyLoginsAtOnce(t *testing.T) {
	g, _ := timed(Rules{Limits: roomy, Tenants: map[string]Tenant{"slow": {LoginDelay: time.Minute}}})
	s := &Subject{Addr: addr("192.0.2.1"), User: "joe", Tenant: "slow"}
	var in atomic.Int32
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if lease, denial := g.Ask(t.Context(), Accepted, s); denial == nil {
				in.Add(1)
				lease.Settle()
				lease.Release()
			}
		})
	}
	all.Wait()
	if in.Load() != 1 {
		t.Errorf("%d logins, want 1", in.Load())
	}
	insistEmpty(t, g)
}
