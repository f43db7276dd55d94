package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"popgate/internal/relay"
	"popgate/internal/route"
)

// connect makes a connection to a backend and takes the login as far as it
// goes without the password. Until then another address may be tried; after
// it, none, as nobody can know what the backend has done.
func (s *session) connect(ctx context.Context, target route.Target) (*backend, error) {
	var last error
	for _, address := range target.Backend.Addresses {
		endpoints, err := s.srv.endpoints(ctx, address, s.set.Timeouts.Connect)
		if err != nil && ctx.Err() != nil {
			return nil, calledOff(ctx)
		}
		if err != nil {
			last = tryElsewhere("backend_unreachable", err)
			s.noteDial(target.Backend.Name, endpoint{address: address}, last)
			continue
		}
		for _, at := range endpoints {
			b, err := s.tryEndpoint(ctx, at, target)
			s.noteDial(target.Backend.Name, at, err)
			if err == nil {
				return b, nil
			}
			last = err
			if f := asFailure(err); !f.elsewhere || ctx.Err() != nil {
				return nil, err
			}
		}
	}
	s.noteDown(target.Backend.Name, last)
	return nil, last
}

// tryEndpoint connects to one address.
func (s *session) tryEndpoint(ctx context.Context, at endpoint, target route.Target) (*backend, error) {
	conn, err := s.srv.dialEndpoint(ctx, at, s.set.Timeouts.Connect)
	if err != nil {
		return nil, err
	}
	b := newBackend(ctx, conn, s.set.Timeouts)
	b.trail = s.rec.trail
	b.trail.dialed(at.address)
	s.backend = b
	if err := b.begin(ctx, target); err != nil {
		b.close()
		return nil, err
	}
	s.rec.note(func() { s.rec.Address = at.address })
	return b, nil
}

// noteDial counts a connection, or an address that can't be looked up, and
// remembers that the backend is there.
func (s *session) noteDial(name string, at endpoint, err error) {
	s.rec.trail.left(at.address, err)
	if err == nil {
		s.noteThere(name, at)
		return
	}
	f := asFailure(err)
	switch f.cause {
	case causeKicked, causeDraining:
		// Nobody has waited for what the backend would do.
		return
	case causeAuth:
		// One that refuses a user is there.
		s.noteThere(name, at)
	default:
		s.srv.metrics.Dialed(name, f.reason)
	}
	if s.srv.log.IsDebug() {
		s.debug("backend failed", "backend", name, "address", at.address, "error", foreign(err.Error()))
	}
}

// noteThere counts a connection that came about.
func (s *session) noteThere(name string, at endpoint) {
	s.srv.metrics.Dialed(name, "ok")
	s.srv.metrics.BackendUp(name, true)
	if s.srv.backends.succeeded(name) {
		s.info("backend is back", "backend", name, "address", at.address)
	}
}

// noteDown warns once that no address of a backend works.
func (s *session) noteDown(name string, err error) {
	if err == nil {
		return
	}
	s.srv.metrics.BackendUp(name, false)
	why := foreign(err.Error())
	if s.srv.backends.failed(name, why) {
		s.warn("backend is down", "backend", name, "error", why)
	}
}

// endpoint is one place to connect to.
type endpoint struct{ network, address string }

const unixPrefix = "unix:"

// endpoints turns an address of a backend into places to connect to. Host names
// are looked up each time.
func (s *Server) endpoints(ctx context.Context, address string, limit time.Duration) ([]endpoint, error) {
	if path, ok := strings.CutPrefix(address, unixPrefix); ok {
		return []endpoint{{"unix", path}}, nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return []endpoint{{"tcp", address}}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	addrs, err := s.opts.LookUp(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("look up: %w", err)
	}
	found := make([]endpoint, 0, len(addrs))
	for _, addr := range addrs {
		found = append(found, endpoint{"tcp", net.JoinHostPort(addr.Unmap().String(), port)})
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("look up: %s has no address", host)
	}
	return found, nil
}

// errSelf is a backend that is this popgate: each session would make another.
var errSelf = errors.New("the backend's address is popgate itself")

// dialEndpoint connects within limit.
func (s *Server) dialEndpoint(ctx context.Context, at endpoint, limit time.Duration) (relay.Stream, error) {
	dialing, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := s.opts.Dial(dialing, at.network, at.address)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, calledOff(ctx)
	case err != nil:
		return nil, tryElsewhere("backend_unreachable", err)
	case s.isSelf(conn):
		_ = conn.Close()
		s.log.Error("backend is this popgate itself", "address", at.address)
		return nil, fail(causeMisconfigured, "backend_is_self", errSelf)
	}
	if s.opts.SmallBuffers {
		backendBuffers.bound(conn)
	}
	stream, ok := conn.(relay.Stream)
	if !ok {
		_ = conn.Close()
		return nil, fail(causeMisconfigured, "backend_stream", fmt.Errorf("%T can't be half-closed", conn))
	}
	return stream, nil
}

// isSelf reports whether conn leads to one of our own listeners.
func (s *Server) isSelf(conn net.Conn) bool {
	to, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return false
	}
	from, _ := conn.LocalAddr().(*net.TCPAddr)
	for _, own := range s.Addrs() {
		own, ok := own.(*net.TCPAddr)
		if !ok || own.Port != to.Port {
			continue
		}
		// To itself a machine speaks from the address it speaks to; on
		// loopback, from any.
		local := to.IP.IsLoopback() || from != nil && from.IP.Equal(to.IP)
		if own.IP.Equal(to.IP) || own.IP.IsUnspecified() && local {
			return true
		}
	}
	return false
}
