// Package backend is the POP3 server behind every proxy of the comparison,
// and the HTTP service that nginx asks where to log in. It holds its few
// messages in memory as finished replies and answers each RETR with one
// write, so that it costs as little as it can. It is no example of a server:
// it speaks what the generator sends and trusts the loopback. It knows nothing
// of proxies. Start with Options and ServePOP3.
package backend

import (
	"context"
	"errors"
	"net"
	"sync"
)

// serve accepts until ctx ends, then closes what is open and waits for every
// handler. A handler's connection is closed for it.
func serve(ctx context.Context, listener net.Listener, handle func(net.Conn)) error {
	var (
		wg    sync.WaitGroup
		conns = &open{conns: make(map[net.Conn]struct{})}
	)
	defer wg.Wait()
	stop := context.AfterFunc(ctx, func() {
		listener.Close()
		conns.closeAll()
	})
	defer stop()
	for {
		c, err := listener.Accept()
		if err != nil {
			conns.closeAll()
			if ctx.Err() != nil && errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		if !conns.add(c) {
			c.Close()
			continue
		}
		wg.Go(func() {
			defer conns.remove(c)
			handle(c)
		})
	}
}

// open is the set of connections that a stop must close.
type open struct {
	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

// add reports false once the set has been closed.
func (o *open) add(c net.Conn) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return false
	}
	o.conns[c] = struct{}{}
	return true
}

func (o *open) remove(c net.Conn) {
	o.mu.Lock()
	delete(o.conns, c)
	o.mu.Unlock()
	c.Close()
}

func (o *open) closeAll() {
	o.mu.Lock()
	conns := o.conns
	o.conns, o.closed = make(map[net.Conn]struct{}), true
	o.mu.Unlock()
	for c := range conns {
		c.Close()
	}
}
