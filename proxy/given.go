package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// givenListener is a listening socket that another process has opened. What it
// accepts is as what a socket of our own accepts.
type givenListener struct {
	*net.TCPListener
	keepAlive net.KeepAliveConfig
}

// newGivenListener sets on a socket what listen sets on its own.
func newGivenListener(ln *net.TCPListener) (net.Listener, error) {
	raw, err := ln.SyscallConn()
	if err == nil {
		var failed error
		given := &givenListener{TCPListener: ln}
		err = raw.Control(func(fd uintptr) {
			failed = keepAlive(fd)
			given.keepAlive = keepAliveTimes(fd)
		})
		if err = errors.Join(failed, err); err == nil {
			return given, nil
		}
	}
	_ = ln.Close()
	return nil, fmt.Errorf("inherited socket %s: %w", ln.Addr(), err)
}

// Accept gives connections the times of keepalive that the socket has. Deliberate:
// one by one, as Go gives 15 seconds to what it accepts here, and can't be told
// not to (net.ListenConfig is for sockets that it opens): that would wake phones.
func (l *givenListener) Accept() (net.Conn, error) {
	conn, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	_ = conn.SetKeepAliveConfig(l.keepAlive) // fails if the client is gone
	return conn, nil
}

// released waits until connections may be accepted; false: ctx has ended before.
func (s *Server) released(ctx context.Context) bool {
	if s.opts.Hold == nil {
		return true
	}
	select {
	case <-s.opts.Hold:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
