package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/config"
)

// serve runs the proxy until it is told to stop.
func serve(ctx context.Context, args []string, std streams) error {
	path, cfg, err := configured("serve", args, std)
	if err != nil {
		return err
	}
	s, err := newService(cfg, newLogger(cfg.Log, std.err))
	if err != nil {
		return err
	}
	return s.run(ctx, cfg, func() (*config.Config, error) { return loadAgain(path, s.log) }, nil)
}

// errStopped is a second signal: the operator does not want to wait.
var errStopped = errors.New("stopped before all sessions had ended")

// run applies cfg and obeys signals: SIGHUP reloads, SIGTERM and SIGINT drain,
// a second one of these stops at once. started, if set, is called once the
// listeners are open. The end of ctx drains, too.
func (s *service) run(ctx context.Context, cfg *config.Config, load func() (*config.Config, error), started func() error) error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)
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
	for {
		select {
		case <-ctx.Done():
		case sig := <-signals:
			if sig == syscall.SIGHUP {
				s.reload(serving, load)
				continue
			}
		}
		break
	}
	stopServing()
	drained := make(chan struct{})
	go func() {
		s.finish()
		close(drained)
	}()
	for {
		select {
		case <-drained:
			return nil
		case sig := <-signals:
			if sig != syscall.SIGHUP {
				return errStopped
			}
		}
	}
}

// newLogger writes to w as the log block says.
func newLogger(log config.Log, w io.Writer) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{
		Name:       "popgate",
		Level:      hclog.LevelFromString(log.Level),
		Output:     w,
		JSONFormat: log.Format == "json",
	})
}
