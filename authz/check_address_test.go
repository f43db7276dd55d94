package authz

import (
	"fmt"
	"net/netip"
	"testing"
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
			if got := clientKey(test.a) == clientKey(test.b); got != test.same {
				t.Errorf("%v and %v are one client: %v, want %v", test.a, test.b, got, test.same)
			}
			one := roomy
			one.ConnectionsPerIP = 1
			g := New(one)
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

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// TestFullAddressHarmsNobodyElse: a client at its limit is refused, others are
// not.
func TestFullAddressHarmsNobodyElse(t *testing.T) {
	two := roomy
	two.ConnectionsPerIP = 2
	g := New(two)
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
	g := New(one)
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
