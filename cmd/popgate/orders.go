package main

import (
	"context"
	"sync"

	"popgate/internal/admin"
)

// orders are what operators want of the running program beside signals. The
// loop of [service.run] takes them one by one, as it does signals.
type orders struct {
	reloads chan chan error
	drained chan struct{} // closed: somebody wants to drain
	once    sync.Once
	over    chan struct{} // closed: nothing is taken any more
}

func newOrders() *orders {
	return &orders{reloads: make(chan chan error), drained: make(chan struct{}), over: make(chan struct{})}
}

// reload has the configuration read again, and returns how that went.
func (o *orders) reload(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case o.reloads <- answer:
	case <-o.over:
		return admin.ErrShuttingDown
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drain begins to drain.
func (o *orders) drain() { o.once.Do(func() { close(o.drained) }) }
