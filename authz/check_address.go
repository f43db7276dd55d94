package authz

import (
	"context"
	"net/netip"
	"sync"
)

// perAddress counts sessions by client: an IPv4 address, or an IPv6 /64, of
// which one customer of a provider has at least one to play with. The table
// holds open sessions only, so Limits.Connections bounds it.
type perAddress struct {
	mu   sync.Mutex
	open map[netip.Addr]int
}

const connectionsPerIP = "connections_per_ip"

func newPerAddress() Check { return &perAddress{open: make(map[netip.Addr]int)} }

func (p *perAddress) Name() string { return connectionsPerIP }

func (p *perAddress) Stage() Stage { return Address }

func (p *perAddress) Take(_ context.Context, s *Subject, limits *Limits) (func(), *Denial) {
	key := clientKey(s.Addr)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open[key] >= limits.ConnectionsPerIP {
		return nil, &Denial{Check: connectionsPerIP, Kind: Refused}
	}
	p.open[key]++
	return func() { p.giveBack(key) }, nil
}

func (p *perAddress) giveBack(key netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open[key]--; p.open[key] <= 0 {
		delete(p.open, key)
	}
}

// clientKey is what counts as one client.
func clientKey(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if !addr.Is6() {
		return addr
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		return addr
	}
	return prefix.Addr()
}
