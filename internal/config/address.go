package config

import (
	"fmt"
	"net"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"unicode"
)

// pop3Port is the port of a backend that is written without one.
const pop3Port = 110

// maxSocketPath is the longest path of a unix socket on Linux, in octets: 108
// with the NUL behind it.
const maxSocketPath = 107

// maxAdminSocket is the longest path of popgate's own socket, in octets, which is
// made under a longer name first, and on systems with room for less than Linux has.
const maxAdminSocket = 97

// listenAt returns a check of addresses to listen on: IP:port, [IPv6]:port or :port.
// Its messages have the usual port in their examples.
func listenAt(usual int) func(string) (string, *fault) {
	return func(s string) (string, *fault) {
		wrong := func(why string, args ...any) (string, *fault) {
			return "", &fault{"Invalid listener address", fmt.Sprintf("%q is not an address to listen on: %s.", s, fmt.Sprintf(why, args...))}
		}
		host, port, why := splitPort(s)
		switch {
		case why != "":
			return wrong("%s", why)
		case port < 0:
			return wrong(`add a port, as in ":%d"`, usual)
		case host == "":
			return net.JoinHostPort("", strconv.Itoa(port)), nil
		}
		addr, err := netip.ParseAddr(host)
		if err != nil {
			return wrong(`write an IP address or nothing before the port, as in "127.0.0.1:%d" or ":%[1]d"`, usual)
		}
		if !plainZone(addr) || addr.IsMulticast() {
			return wrong("write an address of this machine")
		}
		return netip.AddrPortFrom(addr.Unmap(), uint16(port)).String(), nil
	}
}

// backendAddress checks an address to connect to: IP, [IPv6] or host name, with or
// without a port, or unix:/path.
func backendAddress(s string) (string, *fault) {
	wrong := func(why string) (string, *fault) {
		return "", &fault{"Invalid backend address", fmt.Sprintf("%q is not an address to connect to: %s.", s, why)}
	}
	if socket, isUnix := strings.CutPrefix(s, "unix:"); isUnix {
		if !path.IsAbs(socket) || len(socket) > maxSocketPath || strings.ContainsFunc(socket, unicode.IsControl) {
			return wrong(fmt.Sprintf(`write a whole path of at most %d octets, as in "unix:/run/pop3.sock"`, maxSocketPath))
		}
		return "unix:" + path.Clean(socket), nil
	}
	host, port, why := splitPort(s)
	switch {
	case why != "":
		return wrong(why)
	case host == "":
		return wrong(`write where the server is, as in "10.0.0.5:110"`)
	case port == 0:
		return wrong("port 0 can't be connected to; write the server's, which is mostly 110")
	case port < 0:
		port = pop3Port
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.IsUnspecified() || addr.IsMulticast() || !plainZone(addr) {
			return wrong("write the address of the server itself")
		}
		return netip.AddrPortFrom(addr.Unmap(), uint16(port)).String(), nil
	}
	// Names of containers have underscores in them, and a dot at the end keeps a
	// resolver from trying other domains; neither is a host name elsewhere.
	name := lower(host)
	if why := notHost(strings.ReplaceAll(strings.TrimSuffix(name, "."), "_", "x")); why != "" {
		return wrong(why)
	}
	return net.JoinHostPort(name, strconv.Itoa(port)), nil
}

// splitPort takes host:port apart; port is -1 where there is none. why says what
// is wrong with s, "" if nothing is.
func splitPort(s string) (host string, port int, why string) {
	host, rest := s, ""
	switch colons := strings.Count(s, ":"); {
	case strings.Contains(s, "://"):
		return "", 0, "leave everything before the host or address out"
	case strings.HasPrefix(s, "["):
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "", 0, `close the bracket, as in "[2001:db8::1]:110"`
		}
		host, rest = s[1:end], s[end+1:]
		if addr, err := netip.ParseAddr(host); err != nil || !addr.Is6() {
			return "", 0, `write an IPv6 address in the brackets, as in "[2001:db8::1]:110"`
		}
	case colons > 1:
		return "", 0, `put an IPv6 address in brackets, as in "[2001:db8::1]:110"`
	case colons == 1:
		host, rest = s[:strings.IndexByte(s, ':')], s[strings.IndexByte(s, ':'):]
	}
	if rest == "" {
		return host, -1, ""
	}
	digits := strings.TrimPrefix(rest, ":")
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || rest[0] != ':' || strconv.FormatUint(n, 10) != digits {
		return "", 0, "write the port as a number of up to 65535 behind a colon"
	}
	return host, int(n), ""
}

// plainZone reports whether an address' zone, if it has one, could be the name of
// an interface.
func plainZone(a netip.Addr) bool {
	for _, r := range a.Zone() {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune("[]%/", r) {
			return false
		}
	}
	return true
}

// network checks a network or a single address and gives it the form of a network.
func network(s string) (string, *fault) {
	p, err := parseNetwork(s)
	if err != nil {
		return "", &fault{"Invalid network range",
			fmt.Sprintf("%q is not a network: write an address and the length of its prefix, as in \"10.0.0.0/8\" or \"2001:db8::/32\".", s)}
	}
	if p != p.Masked() {
		return "", &fault{"Invalid network range", fmt.Sprintf("%q has bits set behind its prefix: write %q for the whole network.", s, p.Masked())}
	}
	return p.String(), nil
}

// parseNetwork reads a network or a single address. IPv4 written as IPv6 is taken
// as IPv4, as that is how clients' addresses are compared.
func parseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, err
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p, nil
}

// holdsEveryone reports whether s, which passed network, has every address of IPv4
// or of IPv6 in it.
func holdsEveryone(s string) bool {
	p, err := netip.ParsePrefix(s)
	return err == nil && p.Bits() == 0
}

// openNetwork doubts networks that everyone is in.
func openNetwork(s string) *fault {
	if !holdsEveryone(s) {
		return nil
	}
	return &fault{"Everyone is trusted",
		"Whoever is in this network can claim any client address, and this one holds everyone: name the networks of your load balancers only."}
}

// allExempt doubts networks without which nobody is left to be limited.
func allExempt(s string) *fault {
	if !holdsEveryone(s) {
		return nil
	}
	return &fault{"Everyone is exempt",
		"Whoever is in this network is neither limited nor blocked by address, and this one holds everyone, guessers among them: name the networks of your offices, webmail and monitoring only."}
}
