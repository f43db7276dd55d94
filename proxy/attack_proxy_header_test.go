package proxy_test

import (
	"net/netip"
)

// loopback is every network that a client of a stand comes from.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
