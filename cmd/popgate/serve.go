package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/admin"
	"popgate/internal/config"
	"popgate/internal/handover"
	"popgate/internal/metrics"
)

// serve runs the proxy until it is told to stop.
func serve(ctx context.Context, args []string, std streams) error {
	signals := listenForSignals()
	defer signals.stop()
	inherited := inherit()
	from, err := serveWith(ctx, args, std, inherited, signals)
	inherited.report(from, err)
	return err
}

// serveWith does so with what the process was given, and says where the
// configuration came from.
func serveWith(ctx context.Context, args []string, std streams, inherited *inheritance, signals *signals) (from origin, err error) {
	if err := inherited.broken(); err != nil {
		return origin{}, err
	}
	from, cfg, err := configured("serve", args, std)
	if err != nil {
		return from, err
	}
	numbers := metrics.New()
	return from, withLog(logOptions{Log: cfg.Log, Target: std.err, OnDrop: numbers.LogDropped}, func(log hclog.Logger) error {
		if err := forbidCores(); err != nil {
			log.Warn("core dumps can't be turned off, passwords may be in them", "error", err)
		}
		if from.environment {
			log.Info("the configuration comes from the environment", "variables", getVariables().set())
		}
		s, err := newHeir(cfg, log, numbers, inherited)
		if err != nil {
			return err
		}
		load := func() (*config.Config, error) { return loadAgain(from, s.log) }
		return s.run(ctx, cfg, runOptions{load: load, signals: signals, before: inherited.before, program: ownProgram()})
	})
}

// errStopped is a second signal: the operator does not want to wait.
var errStopped = errors.New("stopped before all sessions had ended")

// runOptions say how a service runs.
type runOptions struct {
	load    func() (*config.Config, error) // reads the configuration again
	signals *signals
	// started, if set, is called once the listeners are open.
	started func() error
	// before is the popgate whose place this one takes; nil: none.
	before *handover.Predecessor
	// program is what an upgrade starts; nil: there can be none.
	program *ownership
}

// run applies cfg and obeys signals: SIGHUP reloads, SIGUSR2 upgrades, SIGTERM and
// SIGINT drain, a second one of these stops at once. The end of ctx drains, too.
func (s *service) run(ctx context.Context, cfg *config.Config, opts runOptions) error {
	serving, stopServing := context.WithCancel(ctx)
	defer stopServing()
	if err := s.apply(serving, cfg); err != nil {
		return err
	}
	s.closeUnused()
	if opts.started != nil {
		if err := opts.started(); err != nil {
			return err
		}
	}
	if opts.before != nil {
		if err := s.takeOver(ctx, opts.before, opts.signals.ends); err != nil {
			return err
		}
	}
	defer s.herald.begin()()
	l := &loop{service: s, runOptions: opts, serving: serving}
	next := l.run(ctx)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		if next != nil {
			s.leave(next, stopServing)
			return
		}
		s.orders.end(admin.ErrShuttingDown)
		s.herald.stopping(s.drain + s.quit)
		s.draining.Store(true)
		stopServing()
		s.finish()
	}()
	return s.await(drained, opts.signals.ends, next != nil || l.called)
}

// sameSignal is how close a signal follows one that it is the double of: whoever
// ends a program and all of its group, as timeout does and some shells, sends two.
const sameSignal = 200 * time.Millisecond

// await waits for the end of the draining, or for a second signal. If no signal
// has begun it, it takes two: after a hand-over systemd sends the one for the new
// process to all, and after `popgate drain` a supervisor sends the usual one.
func (s *service) await(drained <-chan struct{}, ends <-chan os.Signal, unsignalled bool) error {
	spared, last := !unsignalled, time.Now()
	for {
		select {
		case <-drained:
			return nil
		case <-ends:
		}
		switch {
		case !spared:
			s.log.Info("draining already, a second signal stops")
			spared, last = true, time.Now()
		case time.Since(last) > sameSignal:
			return errStopped
		}
	}
}
