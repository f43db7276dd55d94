package authz

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// TestClientKey: what counts as one client, and what does not.
func TestClientKey(t *testing.T) {
	zoned := netip.MustParseAddr("fe80::1%eth0")
	for _, test := range []struct {
		name string
		a, b netip.Addr
		same bool
	}{
		{"an address and itself", addr("192.0.2.1"), addr("192.0.2.1"), true},
		{"two IPv4 neighbours", addr("192.0.2.1"), addr("192.0.2.2"), false},
		{"IPv4 and the same written as IPv6", addr("192.0.2.1"), addr("::ffff:192.0.2.1"), true},
		{"the same in hexadecimal", addr("192.0.2.1"), addr("::ffff:c000:201"), true},
		{"IPv4 written as IPv6, with a zone", addr("192.0.2.1"), addr("::ffff:192.0.2.1").WithZone("eth0"), true},
		{"two IPv4 neighbours written as IPv6", addr("::ffff:192.0.2.1"), addr("::ffff:192.0.2.2"), false},
		{"two addresses of one /64", addr("2001:db8:1:2::1"), addr("2001:db8:1:2:ffff:ffff:ffff:ffff"), true},
		{"the first address of a /64", addr("2001:db8:1:2::"), addr("2001:db8:1:2::1"), true},
		{"two /64 of one /48", addr("2001:db8:1:2::1"), addr("2001:db8:1:3::1"), false},
		{"two that differ in bit 64", addr("2001:db8:1:2::1"), addr("2001:db8:1:3::1"), false},
		{"two that differ in bit 65", addr("2001:db8:1:2::1"), addr("2001:db8:1:2:8000::1"), true},
		{"a link-local address on two interfaces", zoned, zoned.WithZone("eth1"), true},
		{"with a zone and without", zoned, zoned.WithZone(""), true},
		{"IPv4 and an IPv6 address with the same bits", addr("0.0.0.0"), addr("::"), false},
		{"IPv4-compatible, which is not IPv4-mapped", addr("192.0.2.1"), addr("::192.0.2.1"), false},
		{"no address and no address", netip.Addr{}, netip.Addr{}, true},
		{"no address and the unspecified one", netip.Addr{}, addr("::"), false},
		{"no address and that of IPv4", netip.Addr{}, addr("0.0.0.0"), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var l Limits
			if got := l.client(&Subject{Addr: test.a}) == l.client(&Subject{Addr: test.b}); got != test.same {
				t.Errorf("%v and %v are one client: %v, want %v", test.a, test.b, got, test.same)
			}
			one := roomy
			one.ConnectionsPerIP = 1
			g := guardWith(one)
			first := admit(t, g, Address, &Subject{Addr: test.a})
			if test.same {
				deny(t, g, Address, &Subject{Addr: test.b}, connectionsPerIP, Refused)
			} else {
				admit(t, g, Address, &Subject{Addr: test.b}).Release()
			}
			first.Release()
			// The place is free again, for both forms.
			admit(t, g, Address, &Subject{Addr: test.b}).Release()
			insistEmpty(t, g)
		})
	}
}

// TestFullAddressHarmsNobodyElse: a client at its limit is refused, others are
// not.
func TestFullAddressHarmsNobodyElse(t *testing.T) {
	two := roomy
	two.ConnectionsPerIP = 2
	g := guardWith(two)
	greedy, other := from("2001:db8::bad"), from("192.0.2.1")
	leases := []*Lease{admit(t, g, Address, greedy), admit(t, g, Address, greedy)}
	for range 100 {
		deny(t, g, Address, greedy, connectionsPerIP, Refused)
	}
	leases = append(leases, admit(t, g, Address, other), admit(t, g, Address, other))
	for _, lease := range leases {
		lease.Release()
	}
	insistEmpty(t, g)
}

// TestAddressTableIsBounded: the table has entries of open sessions only,
// however many addresses come by, refused ones too.
func TestAddressTableIsBounded(t *testing.T) {
	const sessions, strangers = 20, 5000
	one := roomy
	one.ConnectionsPerIP = 1
	g := guardWith(one)
	var open []*Lease
	for i := range sessions {
		open = append(open, admit(t, g, Address, from(fmt.Sprintf("2001:db8:0:%x::1", i))))
	}
	for i := range strangers {
		admit(t, g, Address, from(fmt.Sprintf("10.%d.%d.1", i>>8, i&255))).Release()
		deny(t, g, Address, from(fmt.Sprintf("2001:db8:0:%x::%x", i%sessions, i)), connectionsPerIP, Refused)
		if n := len(countsOf(t, g).perAddress); n != sessions {
			t.Fatalf("%d entries after %d strangers, want %d", n, i+1, sessions)
		}
	}
	for _, lease := range open {
		lease.Release()
	}
	insistEmpty(t, g)
}

// everywhere exempts everybody.
var everywhere = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// TestPrefixes: how much counts as one client can be set, and wherever clients
// are counted or blocked the same is meant by one.
func TestPrefixes(t *testing.T) {
	for _, test := range []struct {
		v4, v6 int
		a, b   string
		same   bool
	}{
		{32, 64, "192.0.2.1", "192.0.2.2", false},
		{24, 64, "192.0.2.1", "192.0.2.254", true},
		{24, 64, "192.0.2.1", "::ffff:192.0.2.254", true},
		{24, 64, "192.0.2.1", "192.0.3.1", false},
		{8, 64, "10.0.0.1", "10.255.255.255", true},
		{8, 64, "10.0.0.1", "11.0.0.1", false},
		{31, 64, "192.0.2.2", "192.0.2.3", true},
		{31, 64, "192.0.2.1", "192.0.2.2", false},
		{24, 56, "2001:db8:0:ff::1", "2001:db8:0:1::1", true},
		{24, 56, "2001:db8:0:ff::1", "2001:db8:0:100::1", false},
		{24, 128, "2001:db8::1", "2001:db8::2", false},
		{24, 16, "2001:db8::1", "2001:ffff::1", true},
		{24, 16, "2001:db8::1", "2002:db8::1", false},
		{8, 16, "32.1.0.0", "2001::", false}, // the same first bits
	} {
		t.Run(fmt.Sprintf("%d %d %s %s", test.v4, test.v6, test.a, test.b), func(t *testing.T) {
			limits := Limits{ConnectionsPerIP: 1, ConnectionRate: perMinute(1), LoginRatePerIP: perMinute(1), IPv4Prefix: test.v4, IPv6Prefix: test.v6}
			g, _ := timed(Rules{Limits: limits, Blocking: Blocking{FailuresPerIP: 1, Window: time.Hour, First: time.Hour, Longest: time.Hour}})
			defer admit(t, g, Address, from(test.a)).Release()
			attempt(g, as(test.a, "joe"), "wrong", false)
			want := map[Stage]string{Address: connectionRate, Login: blockedIP}
			for stage, check := range want {
				if test.same {
					deny(t, g, stage, as(test.b, "ann"), check, Refused)
				} else {
					admit(t, g, stage, as(test.b, "ann")).Release()
				}
			}
		})
	}
}

// TestExempt: nothing that counts or blocks addresses applies to exempt ones;
// what is about all, tenants and users does.
func TestExempt(t *testing.T) {
	once := Limits{
		Connections: 99, ConnectionsBeforeLogin: 99, ConnectionsPerIP: 1, ConnectionRate: perMinute(1),
		LoginRatePerIP: perMinute(1), LoginRate: perMinute(1), LoginRatePerUser: perMinute(1), ConnectionsPerTenant: 1, ConnectionsPerUser: 1,
		Exempt: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8:1::/48")},
	}
	rules := Rules{Limits: once, Blocking: Blocking{FailuresPerUser: 1, FailuresPerIP: 1, Window: time.Hour, First: time.Hour, Longest: time.Hour},
		Listeners: map[string]Override{
			"none":  {Exempt: []netip.Prefix{}},
			"other": {Exempt: []netip.Prefix{netip.MustParsePrefix("198.51.100.1/32")}},
		}}
	for _, test := range []struct {
		listener, addr string
		exempt         bool
	}{
		{"pop3s", "192.0.2.1", true},
		{"pop3s", "::ffff:192.0.2.200", true},
		{"pop3s", "2001:db8:1:ffff::1", true},
		{"pop3s", "192.0.3.1", false},
		{"pop3s", "2001:db8:2::1", false},
		{"none", "192.0.2.1", false},
		{"other", "192.0.2.1", false},
		{"other", "198.51.100.1", true},
		{"other", "198.51.100.2", false},
	} {
		t.Run(test.listener+" "+test.addr, func(t *testing.T) {
			g, _ := timed(rules)
			s := &Subject{Listener: test.listener, Addr: addr(test.addr), User: "joe", Tenant: "t"}
			for i := range 5 {
				lease, denial := g.Ask(t.Context(), Address, s)
				if refused := denial != nil; refused != (i > 0 && !test.exempt) {
					t.Errorf("connection %d: %v", i+1, denial)
				}
				defer lease.Release()
				denied, blocks := attempt(g, s, fmt.Sprint(i), false)
				if refused := denied != ""; refused != (i > 0 && !test.exempt) {
					t.Errorf("guess %d: denied by %q", i+1, denied)
				}
				if test.exempt && len(blocks) > 0 {
					t.Errorf("guess %d blocks %v", i+1, blocks)
				}
			}
			if !test.exempt {
				return
			}
			lease := admit(t, g, Accepted, s)
			deny(t, g, Login, s, connectionsPerTenant, Refused)
			lease.Release()
			if denied, _ := attempt(g, s, "right", true); denied != "" {
				t.Errorf("the right password is denied by %s", denied)
			}
			deny(t, g, Login, s, loginRatePerUser, Refused)
		})
	}
}
