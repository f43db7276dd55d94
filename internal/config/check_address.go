package config

import (
	"net"
	"net/netip"
	"strings"
)

// overlaps reports whether two listeners can't both have their addresses. Port 0
// stands for any free one.
func overlaps(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	return hostA == hostB || everywhere(hostA) || everywhere(hostB)
}

// leadsTo reports whether dialing the backend's address surely ends at the
// listener's. Names but localhost aren't looked up: what they mean can change.
func leadsTo(backend, listener string) bool {
	host, port, err := net.SplitHostPort(backend)
	at, atPort, atErr := net.SplitHostPort(listener)
	if err != nil || atErr != nil || port != atPort {
		return false // a unix socket is none of ours
	}
	here, _ := netip.ParseAddr(host)
	// RFC 6761 §6.3: localhost and what ends in .localhost are this machine.
	name := strings.TrimSuffix(host, ".")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		there, _ := netip.ParseAddr(at)
		return everywhere(at) || there.IsLoopback()
	}
	return host == at || here.IsLoopback() && everywhere(at)
}

// everywhere reports whether a listener's host means all addresses of the machine.
//
// Go listens on IPv4 and IPv6 for each of "", 0.0.0.0 and ::, where it can.
func everywhere(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "" || err == nil && a.IsUnspecified()
}
