package main

import (
	"context"

	"popgate/internal/handover"
)

// loop is the part of a service's life in which it serves: it does one by one what
// signals and operators want.
type loop struct {
	*service
	runOptions
	serving context.Context // ends with it; deliberate: all that it starts has this one
	upgrade *upgrade        // under way; nil: none is
	called  bool            // it ends as an operator has asked for that, not by a signal
}

// run obeys until the service is to end. It returns the process that has taken
// over; nil: none has.
func (l *loop) run(ctx context.Context) (next *handover.Successor) {
	for {
		select {
		case <-ctx.Done():
			l.callOff()
			return nil
		case <-l.signals.ends:
			l.callOff()
			return nil
		case <-l.orders.drained:
			l.called = true
			l.callOff()
			return nil
		case <-l.signals.reloads:
			// Of several that come meanwhile one is enough. The log says how it went.
			_ = l.reloadNow(true)
		case answer := <-l.orders.reloads:
			answer <- l.reloadTold()
		case <-l.signals.upgrades:
			l.startUpgrade(nil)
		case answer := <-l.orders.upgrades:
			l.startUpgrade(answer)
		case end := <-l.upgrade.outcome():
			if l.toEnd(ctx) {
				l.upgrade.ends <- end // it is called off in the next rounds
				continue
			}
			if l.conclude(end) {
				return end.next
			}
		case <-l.orders.pulses:
		}
	}
}

// toEnd tells whether somebody wants the service to end who wasn't heard yet.
func (l *loop) toEnd(ctx context.Context) bool {
	return ctx.Err() != nil || len(l.signals.ends) > 0 || l.orders.wantsDrain()
}

// reloadTold reloads for an operator, who is told what there is to say of that.
func (l *loop) reloadTold() reloadResult {
	if err := l.reloadNow(false); err != nil {
		return reloadResult{err: err}
	}
	return reloadResult{warnings: l.reloaded.Load().Warnings}
}

// reloadNow reloads. While another process starts, a signal waits for the end of
// that, and an operator is told so.
func (l *loop) reloadNow(later bool) error {
	if l.upgrade != nil {
		l.upgrade.reload = l.upgrade.reload || later
		return errUpgrading
	}
	l.herald.reloading()
	defer l.herald.reloaded()
	return l.service.reload(l.serving, l.load)
}
