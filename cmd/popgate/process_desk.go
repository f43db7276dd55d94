package main

import (
	"context"
	"errors"
	"runtime/debug"
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
		Connections:  s.guard.Rules().Limits.Connections,
	}
	status.Version, status.GoVersion = buildVersion()
	status.MemoryBytes, status.Goroutines = runtimeNumbers()
	return status
}

// buildVersion is the version of popgate and that of Go.
func buildVersion() (popgate, golang string) {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown", ""
	}
	return build.Main.Version, build.GoVersion
}

// runtimeNumbers reads without stopping the program.
func runtimeNumbers() (memory uint64, goroutines int) {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}, {Name: "/sched/goroutines:goroutines"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64(), int(samples[2].Value.Uint64())
}

// Ready tells whether clients are served, and if not, why.
func (d *processDesk) Ready() admin.Readiness {
	var reasons []string
	s := d.service
	if s.draining.Load() {
		reasons = append(reasons, "popgate is draining")
	}
	for _, l := range s.config.Load().Listeners {
		if s.server.Addr(l.Address) == nil && !s.draining.Load() {
			reasons = append(reasons, "listener "+l.Name+" is not open")
		}
	}
	if !d.hasCertificate() {
		reasons = append(reasons, "there is no certificate that is in force")
	}
	return admin.Readiness{Ready: len(reasons) == 0, Reasons: reasons}
}

// hasCertificate tells whether any client can be served. One that has expired
// doesn't count: clients refuse it.
func (d *processDesk) hasCertificate() bool {
	source := d.service.certificates.Load()
	if source == nil {
		return false
	}
	now := time.Now()
	for _, c := range source.Certificates() {
		if c.NotAfter.After(now) {
			return true
		}
	}
	return false
}

// Config returns the configuration in force.
func (d *processDesk) Config() string { return config.Effective(d.service.config.Load()) }

// Reload reads the configuration again.
func (d *processDesk) Reload(ctx context.Context) error {
	err := d.service.orders.reload(ctx)
	var bad *badConfig
	switch {
	case err == nil, errors.Is(err, admin.ErrShuttingDown), ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return err
	case errors.As(err, &bad):
		return &admin.ReloadError{Problems: bad.problems}
	}
	return &admin.ReloadError{Problems: []string{asLine(err)}}
}

// Drain begins to drain.
func (d *processDesk) Drain() { d.service.orders.drain() }

// LogLevel returns the log's level.
func (d *processDesk) LogLevel() (string, time.Time) { return d.service.level.get() }

// SetLogLevel changes the log's level.
func (d *processDesk) SetLogLevel(level string, t time.Duration) { d.service.level.set(level, t) }
