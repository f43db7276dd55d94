package main

import (
	"context"
	"sync"
)

// orders are what operators want of the running program beside signals. The
// loop of [service.run] takes them one by one, as it does signals.
type orders struct {
	reloads  chan chan reloadResult
	upgrades chan chan<- upgraded
	pulses   chan struct{} // what the loop takes while it goes on
	drained  chan struct{} // closed: somebody wants to drain
	once     sync.Once
	over     chan struct{} // closed: nothing is taken any more
	why      error         // set before that
}

func newOrders() *orders {
	return &orders{
		reloads: make(chan chan reloadResult), upgrades: make(chan chan<- upgraded), pulses: make(chan struct{}),
		drained: make(chan struct{}), over: make(chan struct{}),
	}
}

// end takes no orders from now on, for a reason.
func (o *orders) end(why error) {
	o.why = why
	close(o.over)
}

// wantsDrain tells whether somebody wants to drain.
func (o *orders) wantsDrain() bool {
	select {
	case <-o.drained:
		return true
	default:
		return false
	}
}

// reloadResult is what became of a reload.
type reloadResult struct {
	err      error
	warnings []string // a line each
}

// reload has the configuration read again, and returns how that went.
func (o *orders) reload(ctx context.Context) (warnings []string, err error) {
	answer := make(chan reloadResult, 1)
	select {
	case o.reloads <- answer:
	case <-o.over:
		return nil, o.why
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case result := <-answer:
		return result.warnings, result.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// upgrade has the program started anew, and returns the new process's id once that
// one serves.
func (o *orders) upgrade(ctx context.Context) (pid int, err error) {
	answer := make(chan upgraded, 1)
	select {
	case o.upgrades <- answer:
	case <-o.over:
		return 0, o.why
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	select {
	case end := <-answer:
		return end.pid, end.err
	case <-ctx.Done():
	}
	// Both, maybe: the answer is what ends everything here.
	select {
	case end := <-answer:
		return end.pid, end.err
	default:
		return 0, ctx.Err()
	}
}

// alive tells whether the loop takes orders before ctx ends. One that is over has
// ended in order.
func (o *orders) alive(ctx context.Context) bool {
	select {
	case o.pulses <- struct{}{}:
		return true
	case <-o.over:
		return true
	case <-ctx.Done():
		return false
	}
}

// drain begins to drain.
func (o *orders) drain() { o.once.Do(func() { close(o.drained) }) }
