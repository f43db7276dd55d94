package proxy

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/pires/go-proxyproto"

	"popgate/authz"
	"popgate/internal/pop3"
	"popgate/internal/route"
)

// admit learns the client's address, from a PROXY header where one is due, and
// asks whether it may come in.
func (s *session) admit(ctx context.Context, by time.Time) error {
	if s.headerDue() {
		if err := s.readHeader(ctx, by); err != nil {
			if ctx.Err() != nil {
				return silent("draining", nil)
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
	return &authz.Subject{Listener: s.listener.Name, Addr: s.rec.Client.Addr()}
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
		s.rec.Client = unmapped(source.AddrPort())
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

// resolve finds who is meant. It does no I/O.
func (s *session) resolve(creds pop3.Credentials) (route.Name, error) {
	name, err := s.set.Routes.Resolve(creds.Name, s.rec.ServerName)
	if err != nil {
		return route.Name{}, fail(causeAuth, "bad_name", err)
	}
	s.rec.User, s.rec.Tenant = name.Canonical, name.Tenant
	s.rec.served = s.set.Routes.Serves(name.Domain)
	return name, nil
}

// authorise asks whether this user may log in now.
func (s *session) authorise(ctx context.Context, name route.Name, mechanism string) error {
	subject := s.subject()
	subject.User, subject.Tenant, subject.Mechanism = name.Canonical, name.Tenant, mechanism
	lease, denial := s.srv.guard.Ask(ctx, authz.Login, subject)
	if denial == nil {
		s.holds.login = lease
		return nil
	}
	s.srv.metrics.Denied(denial.Check)
	if denial.Kind == authz.Capacity {
		return fail(causeCapacity, denial.Check, denial)
	}
	return fail(causeAuth, denial.Check, denial)
}

// vars is what expressions may ask of this login.
func (s *session) vars(name route.Name) route.Vars {
	return route.Vars{
		UserName: name.Typed, UserLocal: name.Local, UserDomain: name.Domain, UserTenant: name.Tenant,
		ClientIP: s.rec.Client.Addr(), ClientPort: s.rec.Client.Port(),
		TLSVersion: strings.TrimPrefix(s.rec.TLSVersion, "TLS "), TLSCipher: s.rec.Cipher, ServerName: s.rec.ServerName,
		Listener: s.listener.Name, Time: time.Now(),
	}
}
