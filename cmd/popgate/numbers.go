package main

import (
	"time"

	"popgate/internal/config"
)

// begin shows what is known from the start.
func (s *service) begin() {
	b := builtFrom()
	s.metrics.Build(b.Version, b.GoVersion, b.Commit)
	s.metrics.Ready(func() bool { return len(s.hindrances()) == 0 })
}

// inForce shows which configuration is in force now, and counts by its names.
func (s *service) inForce(cfg *config.Config) {
	var tenants, backends []string
	for _, t := range cfg.Tenants {
		tenants = append(tenants, t.Name)
	}
	for _, b := range cfg.Backends {
		backends = append(backends, b.Name)
	}
	s.metrics.Tenants(tenants)
	s.metrics.Backends(backends)
	s.metrics.ConfigLoaded(time.Now())
}
