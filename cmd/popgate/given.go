package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"

	"popgate/internal/admin"
	"popgate/internal/config"
	"popgate/internal/handover"
)

// given are the listening sockets that this process was given, by systemd or by
// the popgate before it.
type given struct {
	*handover.Sockets
	// hold is closed once connections may be accepted. Nil: they may.
	hold chan struct{}
}

// released waits until connections may be accepted; false: ctx has ended before.
func (g *given) released(ctx context.Context) bool {
	if g.hold == nil {
		return true
	}
	select {
	case <-g.hold:
		return true
	case <-ctx.Done():
		return false
	}
}

// What sockets are used for, as two popgates tell each other. Deliberate: not the
// labels of listeners, as one whose label has changed is the same port still.
const (
	useMail      = "mail"
	useChallenge = "http_address"
	useOperators = "admin_address"
	useSocket    = "admin_socket"
)

// wants are what a configuration needs sockets for.
func wants(cfg *config.Config) []handover.Want {
	var list []handover.Want
	add := func(kind, address, name string) {
		if address != "" {
			use := handover.Use{Kind: kind, Address: address}
			list = append(list, handover.Want{Use: use, Name: name, Unix: kind == useSocket})
		}
	}
	for _, l := range cfg.Listeners {
		add(useMail, l.Address, l.Name)
	}
	if acme := cfg.TLS.ACME; acme != nil {
		shared := func(l config.Listener) bool { return l.Address == acme.HTTPS.Address }
		if !slices.ContainsFunc(cfg.Listeners, shared) {
			add(useMail, acme.HTTPS.Address, challengeListener)
		}
		add(useChallenge, acme.HTTP.Address, useChallenge)
	}
	add(useOperators, cfg.Admin.Address, useOperators)
	add(useSocket, cfg.Admin.Socket, useSocket)
	return list
}

// listen returns a TCP listener: on a socket that was given, or a new one.
func (g *given) listen(kind, address string) (net.Listener, error) {
	if l, err := g.Take(handover.Use{Kind: kind, Address: address}); l != nil || err != nil {
		return l, err
	}
	return net.Listen("tcp", address)
}

// mail returns a listener for mail clients on a socket that was given; nil: none
// was.
func (g *given) mail(address string) (net.Listener, error) {
	return g.Take(handover.Use{Kind: useMail, Address: address})
}

// listenAdmin returns the admin socket likewise.
func (g *given) listenAdmin(path string) (net.Listener, error) {
	l, err := g.Take(handover.Use{Kind: useSocket, Address: path})
	switch {
	case err != nil:
		return nil, err
	case l == nil:
		return admin.Listen(path)
	}
	return admin.Given(l, path)
}

// away are the sockets that a process in this one's place is to have. They are to
// be closed also if there is an error.
func (s *service) away() ([]*handover.Socket, error) {
	var open []*handover.Socket
	var errs []error
	add := func(kind, address string, conn any) {
		socket, err := handover.NewSocket(handover.Use{Kind: kind, Address: address}, conn)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", address, err))
			return
		}
		open = append(open, socket)
	}
	for address, socket := range s.server.Sockets() {
		add(useMail, address, socket)
	}
	for kind, d := range map[string]*door{
		useChallenge: &s.entrances.challenge, useOperators: &s.entrances.operators, useSocket: &s.entrances.socket,
	} {
		if d.current != nil && (kind != useSocket || s.hasAdminSocket()) {
			add(kind, d.address, d.current)
		}
	}
	open, err := s.given.Offer(open)
	return open, errors.Join(append(errs, err)...)
}

// hasAdminSocket tells whether the admin socket is where its path leads. If
// another process has put its own there, the next popgate has to try likewise.
func (s *service) hasAdminSocket() bool {
	socket := &s.entrances.socket
	return s.given.Kept(handover.Use{Kind: useSocket, Address: socket.address}) || admin.Owns(socket.current)
}
