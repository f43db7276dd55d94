package load

import (
	"context"
	"fmt"
	"sync/atomic"
)

// Pool is a number of logged-in sessions that are held open.
type Pool struct {
	target  Target
	clients []*client
}

// loginsAtOnce bounds how many sessions of a pool are opened or closed at a
// time.
const loginsAtOnce = 32

// Open logs in n sessions. They break when ctx ends. If one fails, all are
// dropped.
func Open(ctx context.Context, t Target, n int) (*Pool, error) {
	return open(ctx, t, n, func(c *client) error { return c.login(t) })
}

// Greet opens n sessions that take the greeting and don't log in. They break
// when ctx ends.
func Greet(ctx context.Context, t Target, n int) (*Pool, error) {
	return open(ctx, t, n, func(*client) error { return nil })
}

// Stall opens n sessions that log in, ask for the message with this number (from
// 1), which is large, and take nothing of it. They break when ctx ends.
func Stall(ctx context.Context, t Target, n, number int) (*Pool, error) {
	return open(ctx, t, n, func(c *client) error {
		if err := c.login(t); err != nil {
			return err
		}
		return c.ask(number)
	})
}

// open opens n sessions and takes the first step in each.
func open(ctx context.Context, t Target, n int, step func(*client) error) (*Pool, error) {
	p := &Pool{target: t, clients: make([]*client, n)}
	var next atomic.Int64
	// The context that each hands to an operation ends with each; the sessions live longer.
	_, err := each(ctx, loginsAtOnce, n, func(context.Context, int) error {
		c, err := dial(ctx, t, make([]byte, lineBuffer))
		if err != nil {
			return err
		}
		p.clients[next.Add(1)-1] = c
		return step(c)
	})
	if err != nil {
		p.Drop()
		return nil, fmt.Errorf("open %d sessions: %w", n, err)
	}
	return p, nil
}

// Retrieve fetches the message with this number (from 1) so many times in
// all, one at a time on each of the pool's sessions. An operation of the
// result is one RETR; its octets are those of the replies.
func (p *Pool) Retrieve(ctx context.Context, number, times int) (Result, error) {
	for _, c := range p.clients {
		if len(c.buf) < mailBuffer {
			c.buf = append(make([]byte, 0, mailBuffer), c.buf...)[:mailBuffer]
		}
	}
	message := p.target.Messages[number-1]
	r, err := each(ctx, len(p.clients), times, func(ctx context.Context, worker int) error {
		c := p.clients[worker]
		if err := c.arm(ctx); err != nil {
			return err
		}
		return c.retrieve(number, message, nil)
	})
	r.Octets = int64(r.Operations) * int64(len(message.Reply))
	return r, err
}

// Close ends every session with QUIT and waits until the proxy has closed
// them all; if one can't be ended so, the rest are dropped.
func (p *Pool) Close(ctx context.Context) error {
	var next atomic.Int64
	_, err := each(ctx, loginsAtOnce, len(p.clients), func(ctx context.Context, _ int) error {
		c := p.clients[next.Add(1)-1]
		if err := c.arm(ctx); err != nil {
			return err
		}
		return c.quit()
	})
	p.Drop()
	if err != nil {
		return fmt.Errorf("close %d sessions: %w", len(p.clients), err)
	}
	return nil
}

// Drop closes whatever is open, without QUIT.
func (p *Pool) Drop() {
	for _, c := range p.clients {
		if c != nil {
			c.close()
		}
	}
}
