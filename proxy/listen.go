package proxy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// dialer connects to backends. One keepalive setting, with the system's times:
// the relay's own limits end dead sessions.
var dialer = net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: -1, Interval: -1, Count: -1}}

// listen opens a TCP listener. Keepalive is set once, on the listening socket:
// accepted ones inherit it where the system does that, as Linux does.
func listen(ctx context.Context, address string) (net.Listener, error) {
	config := net.ListenConfig{
		KeepAlive: -1,
		Control: func(_, _ string, raw syscall.RawConn) error {
			var err error
			return errors.Join(raw.Control(func(fd uintptr) { err = keepAlive(fd) }), err)
		},
	}
	ln, err := config.Listen(ctx, "tcp", address)
	return ln, privileged(err)
}

// enter returns the listener for an address: on a socket that was given for it,
// or else on one that is opened.
func (s *Server) enter(ctx context.Context, address string) (net.Listener, error) {
	ln, err := s.opts.Given(address)
	switch tcp, ok := ln.(*net.TCPListener); {
	case err != nil:
		return nil, err
	case ln == nil:
		return s.opts.Listen(ctx, address)
	case ok:
		return newGivenListener(tcp)
	}
	return ln, nil
}

// privileged adds to an error what a port below 1024 takes.
func privileged(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w (ports below 1024 need CAP_NET_BIND_SERVICE, or root)", err)
	}
	return err
}

// acceptor accepts on one listener.
type acceptor struct {
	srv      *Server
	address  string // as configured
	listener net.Listener
	busy     atomic.Int64 // since when it deals with a connection, in ns of Unix time; 0: it waits for one
}

// The waits after an accept that failed, as when there is no descriptor left.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

// run accepts until the listener is closed or ctx ends.
func (a *acceptor) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { _ = a.listener.Close() })
	defer stop()
	if !a.srv.released(ctx) {
		return
	}
	var pause time.Duration
	for {
		conn, err := a.listener.Accept()
		switch {
		case err == nil:
			pause = 0
			a.busy.Store(time.Now().UnixNano())
			a.srv.start(ctx, conn, a.address)
			a.busy.Store(0)
			continue
		case errors.Is(err, net.ErrClosed), ctx.Err() != nil:
			return
		}
		a.srv.metrics.AcceptFailed()
		if pause == 0 {
			a.srv.log.Error("can't accept", "address", a.address, "error", err)
		}
		pause = min(max(2*pause, firstPause), lastPause)
		if !sleep(ctx, pause) {
			return
		}
	}
}

// sleep waits, and reports whether it did so to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// listener finds the listener with an address.
func (s *snapshot) listener(address string) (Listener, bool) {
	i := slices.IndexFunc(s.Listeners, func(l Listener) bool { return l.Address == address })
	if i < 0 {
		return Listener{}, false
	}
	return s.Listeners[i], true
}
