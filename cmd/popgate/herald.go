package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"popgate/internal/notify"
)

// herald tells systemd how popgate is.
type herald struct {
	service  *service
	systemd  *notify.Notifier
	watchdog time.Duration // how long systemd puts up with silence; 0: as long as you like
}

// statusEvery is how often it is looked whether the status has changed, and how
// often the watchdog is fed at least.
const statusEvery = 10 * time.Second

func newHerald(s *service) *herald { return &herald{service: s, systemd: new(notify.Notifier)} }

// begin says that popgate serves, and goes on telling how it is until the
// function that it returns is called.
func (h *herald) begin() (stop func()) {
	var err error
	if h.systemd, h.watchdog, err = notify.New(); err != nil {
		h.service.log.Warn("systemd is not told how popgate is", "error", err)
	}
	if !h.systemd.Used() {
		return func() {}
	}
	told := h.status()
	h.send(notify.Ready, notify.Status(told))
	ctx, cancel := context.WithCancel(context.Background())
	var telling sync.WaitGroup
	telling.Go(func() { h.run(ctx, told) })
	return func() {
		cancel()
		telling.Wait()
	}
}

// run feeds the watchdog as long as popgate is alive, and tells what is new.
func (h *herald) run(ctx context.Context, told string) {
	every := statusEvery
	if h.watchdog > 0 {
		every = min(every, h.watchdog/3)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if h.service.handedOver.Load() {
			return // the new process speaks
		}
		var words []string
		if h.watchdog > 0 && h.alive(ctx, every) {
			words = append(words, notify.Alive)
		}
		if status := h.status(); status != told {
			told, words = status, append(words, notify.Status(status))
		}
		if len(words) > 0 {
			h.send(words...)
		}
	}
}

// alive tells whether popgate does what it is there for: the loop takes orders,
// and whatever is accepted gets a session.
func (h *herald) alive(ctx context.Context, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	stuck := h.service.server.Stuck(h.watchdog / 2)
	if len(stuck) == 0 && h.service.orders.alive(ctx) {
		return true
	}
	h.service.log.Error("no progress, systemd's watchdog isn't fed", "stuck", stuck)
	return false
}

// status is popgate in a line.
func (h *herald) status() string {
	state := "serving"
	if h.service.draining.Load() {
		state = "draining"
	}
	return fmt.Sprintf("%s, %s", state, count(h.service.server.Open(), "session"))
}

// reloading and reloaded are around a reload, whatever becomes of it.
func (h *herald) reloading() { h.send(notify.Reloading()) }
func (h *herald) reloaded()  { h.send(notify.Ready, notify.Status(h.status())) }

// stopSpare is for what ending takes beside sessions.
const stopSpare = 15 * time.Second

// stopping says that popgate drains, which takes so long at most.
func (h *herald) stopping(limit time.Duration) {
	h.send(notify.Stopping, notify.ExtendTimeout(limit+stopSpare), notify.Status(h.status()))
}

// handOver says which process speaks from now on.
func (h *herald) handOver(pid int) { h.send(notify.MainPID(pid)) }

func (h *herald) send(words ...string) {
	if err := h.systemd.Send(words...); err != nil {
		h.service.log.Warn("systemd can't be told how popgate is", "error", err)
	}
}
