package authz

import (
	"net/netip"
	"reflect"
	"testing"
	"time"
)

// TestOverrides: a tenant's word wins over a listener's, and both over the one
// for all; what isn't written is as for all.
func TestOverrides(t *testing.T) {
	all := Limits{
		Connections: 10, ConnectionsBeforeLogin: 11, ConnectionsPerIP: 12, ConnectionsPerTenant: 13, ConnectionsPerUser: 14,
		ConnectionRate: perMinute(15), LoginRatePerIP: perMinute(16), LoginRate: perMinute(17), LoginRatePerUser: perMinute(18),
		IPv4Prefix: 24, IPv6Prefix: 56, Exempt: everywhere,
	}
	rules := Rules{Limits: all,
		Listeners: map[string]Override{
			"plain": {},
			"own": {Connections: ptr(20), ConnectionsBeforeLogin: ptr(21), ConnectionsPerIP: ptr(22), ConnectionsPerUser: ptr(24),
				ConnectionRate: ptr(perMinute(25)), LoginRatePerIP: ptr(perMinute(26)), LoginRate: ptr(perMinute(27)),
				LoginRatePerUser: ptr(perMinute(28)), Exempt: []netip.Prefix{}},
			"off": {LoginRate: &Rate{}, ConnectionsPerUser: ptr(0)},
		},
		Tenants: map[string]Tenant{
			"plain": {},
			"own": {Override: Override{Connections: ptr(33), ConnectionsPerUser: ptr(34), LoginRatePerIP: ptr(perMinute(36)),
				LoginRate: ptr(perMinute(37)), LoginRatePerUser: ptr(perMinute(38))}},
			"some": {Override: Override{LoginRate: ptr(perMinute(47))}},
		}}
	for _, test := range []struct {
		listener, tenant string
		want             func(*Limits)
	}{
		{"", "", func(*Limits) {}},
		{"unknown", "unknown", func(*Limits) {}},
		{"plain", "plain", func(*Limits) {}},
		{"own", "", ofListener},
		{"own", "plain", ofListener},
		{"plain", "own", ofTenant},
		{"own", "own", func(l *Limits) { ofListener(l); ofTenant(l) }},
		{"own", "some", func(l *Limits) { ofListener(l); l.LoginRate = perMinute(47) }},
		{"off", "", func(l *Limits) { l.LoginRate, l.ConnectionsPerUser = Rate{}, 0 }},
		{"off", "some", func(l *Limits) { l.LoginRate, l.ConnectionsPerUser = perMinute(47), 0 }},
	} {
		want := all
		test.want(&want)
		got := rules.limits(&Subject{Listener: test.listener, Tenant: test.tenant})
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("listener %q, tenant %q:\n%+v, want\n%+v", test.listener, test.tenant, *got, want)
		}
	}
	if !reflect.DeepEqual(rules.Limits, all) {
		t.Errorf("the limits for all have changed: %+v", rules.Limits)
	}
}

// ofListener are the words of listener "own": not connections in all, which it
// counts beside those of all listeners.
func ofListener(l *Limits) {
	l.ConnectionsPerIP, l.ConnectionsPerUser = 22, 24
	l.ConnectionRate, l.LoginRatePerIP = perMinute(25), perMinute(26)
	l.LoginRate, l.LoginRatePerUser = perMinute(27), perMinute(28)
	l.Exempt = []netip.Prefix{}
}

// ofTenant are those of tenant "own".
func ofTenant(l *Limits) {
	l.ConnectionsPerTenant, l.ConnectionsPerUser = 33, 34
	l.LoginRatePerIP, l.LoginRate, l.LoginRatePerUser = perMinute(36), perMinute(37), perMinute(38)
}

// TestZeroRulesLimitNothingElse: apart from the three limits that must be set,
// what isn't written limits, blocks and remembers nothing.
func TestZeroRulesLimitNothingElse(t *testing.T) {
	g, _ := timed(Rules{Limits: Limits{Connections: 1e6, ConnectionsBeforeLogin: 1e6, ConnectionsPerIP: 1e6}})
	s := &Subject{Addr: addr("192.0.2.1"), User: "joe", Tenant: "t"}
	for i := range 2000 {
		for _, stage := range []Stage{Accept, Address, Login, Accepted} {
			defer admit(t, g, stage, s).Release()
		}
		if denied, blocks := attempt(g, s, time.Duration(i).String(), i%7 == 0); denied != "" || blocks != nil {
			t.Fatalf("login %d: denied by %q, blocks %v", i, denied, blocks)
		}
	}
	if list := g.Blocks(t.Context()); list != nil {
		t.Errorf("blocks: %v", list)
	}
}
