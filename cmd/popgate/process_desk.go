package main

import (
	"context"
	"errors"
	"runtime/metrics"
	"time"

	"popgate/internal/admin"
	"popgate/internal/config"
)

// processDesk tells operators of the process, and takes their wishes.
type processDesk struct {
	service *service
	started time.Time
}

// Status tells how everything is.
func (d *processDesk) Status() admin.Status {
	s := d.service
	cfg := s.config.Load()
	level, _ := s.level.get()
	status := admin.Status{
		Hostname: cfg.Hostname, Started: d.started.UTC().Truncate(time.Second),
		ConfigLoaded: time.Unix(0, s.loaded.Load()).UTC().Truncate(time.Second),
		LogLevel:     level,
		LogDropped:   s.metrics.LogLost(),
		Connections:  s.guard.Rules().Limits.Connections,
		LastReload:   s.reloaded.Load(),
	}
	for _, l := range cfg.Listeners {
		listener := admin.Listener{Name: l.Name}
		if at := s.server.Addr(l.Address); at != nil {
			listener.Address = at.String()
		}
		status.Listeners = append(status.Listeners, listener)
	}
	for _, c := range s.metrics.Sessions() {
		status.Sessions = append(status.Sessions, admin.SessionCount(c))
	}
	for _, m := range s.metrics.LoginHistory(time.Now()) {
		status.Logins = append(status.Logins, admin.LoginMinute(m))
	}
	build := builtFrom()
	status.Version, status.GoVersion = build.Version, build.GoVersion
	status.MemoryBytes, status.Goroutines = runtimeNumbers()
	return status
}

// runtimeNumbers reads without stopping the program.
func runtimeNumbers() (memory uint64, goroutines int) {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}, {Name: "/sched/goroutines:goroutines"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64(), int(samples[2].Value.Uint64())
}

// Ready tells whether clients are served, and if not, why.
func (d *processDesk) Ready() admin.Readiness {
	reasons := d.service.hindrances()
	return admin.Readiness{Ready: len(reasons) == 0, Reasons: reasons}
}

// Config returns the configuration in force, with the connections that there can be.
func (d *processDesk) Config() string {
	cfg := *d.service.config.Load()
	fitted := d.service.guard.Rules().Limits
	cfg.Limits.Connections, cfg.Limits.ConnectionsBeforeLogin = fitted.Connections, fitted.ConnectionsBeforeLogin
	return config.Effective(&cfg)
}

// Reload reads the configuration again.
func (d *processDesk) Reload(ctx context.Context) (warnings []string, err error) {
	warnings, err = d.service.orders.reload(ctx)
	switch {
	case err == nil, errors.Is(err, admin.ErrShuttingDown), errors.Is(err, admin.ErrUpgrading), ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return warnings, err
	}
	return nil, &admin.ReloadError{Problems: problemsOf(err)}
}

// Upgrade starts the program anew, which takes over.
func (d *processDesk) Upgrade(ctx context.Context) (pid int, err error) {
	pid, err = d.service.orders.upgrade(ctx)
	switch {
	case err == nil, errors.Is(err, admin.ErrUpgrading), errors.Is(err, admin.ErrShuttingDown), ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return pid, err
	case errors.Is(err, errStopping):
		return 0, admin.ErrShuttingDown
	}
	return 0, &admin.UpgradeError{Reason: asLine(err)}
}

// Drain begins to drain.
func (d *processDesk) Drain() { d.service.orders.drain() }

// LogLevel returns the log's level.
func (d *processDesk) LogLevel() (string, time.Time) { return d.service.level.get() }

// SetLogLevel changes the log's level.
func (d *processDesk) SetLogLevel(level string, t time.Duration) { d.service.level.set(level, t) }
