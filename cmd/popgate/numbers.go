package main

import (
	"runtime/debug"
	"slices"
	"time"

	"popgate/internal/config"
)

// begin shows what is known from the start.
func (s *service) begin() {
	if build, ok := debug.ReadBuildInfo(); ok {
		s.metrics.Build(build.Main.Version, build.GoVersion, setting(build, "vcs.revision"))
	}
	s.metrics.Ready(func() bool { return len(s.hindrances()) == 0 })
}

// setting is one of a build's settings; "" if it isn't known.
func setting(build *debug.BuildInfo, key string) string {
	i := slices.IndexFunc(build.Settings, func(s debug.BuildSetting) bool { return s.Key == key })
	if i < 0 {
		return ""
	}
	return build.Settings[i].Value
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
