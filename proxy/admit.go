package proxy

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/pires/go-proxyproto"

	"popgate/authz"
)

// admit learns the client's address, from a PROXY header where one is due, and
// asks whether it may come in.
func (s *session) admit(ctx context.Context, by time.Time) error {
	if s.headerDue() {
		if err := s.readHeader(ctx, by); err != nil {
			if ctx.Err() != nil {
				return calledOff(ctx).quiet()
			}
			return silent("proxy_header", err)
		}
	}
	if s.overflow {
		return nil
	}
	lease, denial := s.srv.guard.Ask(ctx, authz.Address, s.subject())
	if denial != nil {
		s.srv.metrics.Denied(denial.Check)
		return silent(denial.Check, nil)
	}
	s.holds.address = lease
	return nil
}

// subject is what is known of the client so far.
func (s *session) subject() *authz.Subject {
	return &authz.Subject{Listener: s.listener.Name, Addr: s.rec.Client.Addr(), Rules: s.set.Rules}
}

// headerDue reports whether the peer is one that speaks for others.
func (s *session) headerDue() bool {
	peer := s.rec.Client.Addr().WithZone("")
	for _, network := range s.listener.ProxyFrom {
		if network.Contains(peer) {
			return true
		}
	}
	return false
}

// readHeader reads a PROXY header, v1 or v2, which must be there. What came
// behind it stays to be read. LOCAL and UNKNOWN speak of the peer itself.
func (s *session) readHeader(ctx context.Context, by time.Time) error {
	if err := s.client.allow(ctx, by); err != nil {
		return err
	}
	buffered := bufio.NewReader(s.raw)
	header, err := proxyproto.Read(buffered)
	if err != nil {
		return err
	}
	if err := s.raw.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	if header.Command.IsProxy() && !header.TransportProtocol.IsUnspec() {
		source, _, ok := header.TCPAddrs()
		if !ok {
			return errNotTCP
		}
		s.rec.note(func() { s.rec.Client = unmapped(source.AddrPort()) })
	}
	head, err := buffered.Peek(buffered.Buffered())
	if err != nil {
		return err
	}
	s.client = newClient(s.raw, head)
	return nil
}

// errNotTCP is a PROXY header about something else than a TCP connection.
var errNotTCP = errors.New("the header's source is no TCP address")

// unmapped writes an IPv4 address one way only.
func unmapped(addr netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

// peerOf is the other end of conn.
func peerOf(conn net.Conn) netip.AddrPort {
	addr, ok := conn.RemoteAddr().(interface{ AddrPort() netip.AddrPort })
	if !ok {
		return netip.AddrPort{}
	}
	return unmapped(addr.AddrPort())
}
