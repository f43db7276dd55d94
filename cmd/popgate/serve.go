package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/config"
	"popgate/internal/metrics"
)

// serve runs the proxy until it is told to stop.
func serve(ctx context.Context, args []string, std streams) error {
	from, cfg, err := configured("serve", args, std)
	if err != nil {
		return err
	}
	numbers := metrics.New()
	return withLog(logOptions{Log: cfg.Log, Target: std.err, OnDrop: numbers.LogDropped}, func(log hclog.Logger) error {
		if err := forbidCores(); err != nil {
			log.Warn("core dumps can't be turned off, passwords may be in them", "error", err)
		}
		if from.environment {
			log.Info("the configuration comes from the environment", "variables", getVariables().set())
		}
		s, err := newService(cfg, log, numbers)
		if err != nil {
			return err
		}
		return s.run(ctx, cfg, func() (*config.Config, error) { return loadAgain(from, log) }, nil)
	})
}

// errStopped is a second signal: the operator does not want to wait.
var errStopped = errors.New("stopped before all sessions had ended")

// run applies cfg and obeys signals: SIGHUP reloads, SIGTERM and SIGINT drain,
// a second one of these stops at once. started, if set, is called once the
// listeners are open. The end of ctx drains, too.
func (s *service) run(ctx context.Context, cfg *config.Config, load func() (*config.Config, error), started func() error) error {
	// Each its own: many SIGHUPs must not push the one out that ends it.
	reloads, ends := make(chan os.Signal, 1), make(chan os.Signal, 2)
	signal.Notify(reloads, syscall.SIGHUP)
	signal.Notify(ends, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(reloads)
	defer signal.Stop(ends)
	serving, stopServing := context.WithCancel(ctx)
	defer stopServing()
	if err := s.apply(serving, cfg); err != nil {
		return err
	}
	if started != nil {
		if err := started(); err != nil {
			return err
		}
	}
	for running := true; running; {
		select {
		case <-ctx.Done():
			running = false
		case <-ends:
			running = false
		case <-s.orders.drained:
			running = false
		case <-reloads:
			// Of several that come meanwhile one is enough. The log says how it went.
			_ = s.reload(serving, load)
		case answer := <-s.orders.reloads:
			answer <- s.reload(serving, load)
		}
	}
	close(s.orders.over)
	s.draining.Store(true)
	stopServing()
	drained := make(chan struct{})
	go func() {
		s.finish()
		close(drained)
	}()
	select {
	case <-drained:
		return nil
	case <-ends:
		return errStopped
	}
}
