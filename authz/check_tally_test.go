package authz

import (
	"fmt"
	"testing"
)

// TestListenersConnections: a listener's own limits are beside those for all,
// and are none of another listener's business.
func TestListenersConnections(t *testing.T) {
	limits := Limits{Connections: 5, ConnectionsBeforeLogin: 5, ConnectionsPerIP: 9}
	for _, test := range []struct {
		name  string
		own   Override
		room  int // sessions of the listener
		check string
		then  int // sessions that other listeners may have besides
	}{
		{"nothing of its own", Override{}, 5, total, 0},
		{"two in all", Override{Connections: ptr(2)}, 2, perListener, 3},
		{"two before login", Override{ConnectionsBeforeLogin: ptr(2)}, 2, beforeLoginPerListener, 3},
		{"more than for all", Override{Connections: ptr(50)}, 5, total, 0},
		{"none at all", Override{Connections: ptr(0)}, 0, perListener, 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := New(Rules{Limits: limits, Listeners: map[string]Override{"pop3s": test.own}}, Options{})
			s, other := from("192.0.2.1"), &Subject{Listener: "pop3"}
			var leases []*Lease
			for range test.room {
				leases = append(leases, admit(t, g, Accept, s))
			}
			deny(t, g, Accept, s, test.check, Capacity)
			for range test.then {
				leases = append(leases, admit(t, g, Accept, other))
			}
			deny(t, g, Accept, other, total, Capacity)
			for _, lease := range leases {
				lease.Release()
			}
			insistEmpty(t, g)
		})
	}
}

// TestTenantsAndUsersConnections: who is counted together, and with whom not.
func TestTenantsAndUsersConnections(t *testing.T) {
	limits := roomy
	limits.ConnectionsPerTenant, limits.ConnectionsPerUser = 3, 2
	rules := Rules{Limits: limits, Tenants: map[string]Tenant{
		"small": {Override: Override{Connections: ptr(1), ConnectionsPerUser: ptr(1)}},
		"free":  {Override: Override{Connections: ptr(0), ConnectionsPerUser: ptr(0)}},
		"big":   {Override: Override{ConnectionsPerUser: ptr(9)}},
	}}
	joe := func(tenant string) *Subject {
		return &Subject{Addr: addr("192.0.2.1"), User: "joe@" + tenant, Tenant: tenant}
	}
	for _, test := range []struct {
		tenant string
		room   int // 0: no limit
		check  string
	}{
		{"small", 1, connectionsPerTenant},
		{"free", 0, ""},
		{"other", 2, connectionsPerUser},
		{"", 2, connectionsPerUser}, // users of no tenant have nothing in common
		{"big", 3, connectionsPerTenant},
	} {
		t.Run(test.tenant, func(t *testing.T) {
			g := New(rules, Options{})
			s := joe(test.tenant)
			var leases []*Lease
			for range test.room {
				leases = append(leases, admit(t, g, Accepted, s))
			}
			if test.room > 0 {
				deny(t, g, Accepted, s, test.check, Refused)
				elsewhere := *s
				elsewhere.Addr = addr("2001:db8::1")
				deny(t, g, Accepted, &elsewhere, test.check, Refused)
				// Who would be refused then is refused before the backend is asked.
				deny(t, g, Login, &elsewhere, test.check, Refused)
				leases[0].Release()
				leases[0] = admit(t, g, Accepted, &elsewhere)
			} else {
				for range 50 {
					leases = append(leases, admit(t, g, Accepted, s))
				}
			}
			leases = append(leases, admit(t, g, Accepted, &Subject{Addr: s.Addr, User: "ann@else", Tenant: "else"}))
			for _, lease := range leases {
				lease.Release()
			}
			insistEmpty(t, g)
		})
	}
}

// TestGuessesTakeNoPlaceOfTheUser: however many logins as a user of a tenant
// are on their way, the one with the right password gets in.
func TestGuessesTakeNoPlaceOfTheUser(t *testing.T) {
	limits := roomy
	limits.ConnectionsPerUser, limits.ConnectionsPerTenant = 1, 1
	g := guardWith(limits)
	var guesses []*Lease
	for i := range 50 {
		guesses = append(guesses, admit(t, g, Login, &Subject{Addr: number(i), User: "joe", Tenant: "t"}))
	}
	owner := &Subject{Addr: addr("2001:db8::1"), User: "joe", Tenant: "t"}
	if denied, _ := attempt(g, owner, "right", true); denied != "" {
		t.Errorf("the owner is denied by %s", denied)
	}
	for _, lease := range guesses {
		lease.Release()
	}
	insistEmpty(t, g)
}

// TestRulesChangeUnderSessions: sessions that began under other rules give back
// what they took, whatever limits, prefixes and exemptions are now.
func TestRulesChangeUnderSessions(t *testing.T) {
	before := Rules{Limits: Limits{Connections: 9, ConnectionsBeforeLogin: 9, ConnectionsPerIP: 2, ConnectionsPerTenant: 2, ConnectionsPerUser: 2},
		Listeners: map[string]Override{"pop3s": {Connections: ptr(2), ConnectionsBeforeLogin: ptr(2)}}}
	change := func(f func(*Rules)) Rules {
		r := before
		r.Listeners = map[string]Override{"pop3s": {Connections: ptr(2), ConnectionsBeforeLogin: ptr(2)}}
		f(&r)
		return r
	}
	for name, after := range map[string]Rules{
		"no rules at all":          {},
		"wider networks":           change(func(r *Rules) { r.Limits.IPv4Prefix, r.Limits.IPv6Prefix = 16, 32 }),
		"now exempt":               change(func(r *Rules) { r.Limits.Exempt = everywhere }),
		"no limits of users":       change(func(r *Rules) { r.Limits.ConnectionsPerTenant, r.Limits.ConnectionsPerUser = 0, 0 }),
		"no limits of listeners":   change(func(r *Rules) { r.Listeners = nil }),
		"the tenant has no limits": change(func(r *Rules) { r.Tenants = map[string]Tenant{"t": {Override: Override{Connections: ptr(0)}}} }),
	} {
		t.Run(name, func(t *testing.T) {
			g := New(before, Options{})
			s := &Subject{Listener: "pop3s", Addr: addr("192.0.2.1"), User: "joe", Tenant: "t"}
			var open []*Lease
			for range 2 {
				for _, stage := range []Stage{Accept, Address, Login, Accepted} {
					open = append(open, admit(t, g, stage, s))
				}
			}
			held := countsOf(t, g)
			g.SetRules(after)
			if now := countsOf(t, g); fmt.Sprint(now) != fmt.Sprint(held) {
				t.Errorf("counts %v after the change, %v before it", now, held)
			}
			g.SetRules(before)
			deny(t, g, Accept, s, perListener, Capacity)
			deny(t, g, Address, s, connectionsPerIP, Refused)
			deny(t, g, Login, s, connectionsPerTenant, Refused)
			deny(t, g, Accepted, s, connectionsPerTenant, Refused)
			g.SetRules(after)
			for _, lease := range open {
				lease.LoggedIn()
				lease.Release()
			}
			insistEmpty(t, g)
			g.SetRules(before)
			for _, stage := range []Stage{Accept, Address, Login, Accepted} {
				admit(t, g, stage, s).Release()
			}
		})
	}
}
