package main

import (
	"context"
	"fmt"
	"popgate/internal/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/config"
)

// value is one of the service's numbers, by the values of its labels in the
// order of their names.
func (s *service) value(t *testing.T, name string, labels ...string) (value float64, shown bool) {
	t.Helper()
	families, err := s.metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var values []string
			for _, pair := range m.GetLabel() {
				values = append(values, pair.GetValue())
			}
			if family.GetName() == name && slices.Equal(values, labels) {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue(), true
			}
		}
	}
	return 0, false
}

// load reads the site's configuration.
func (s *site) load(t *testing.T) *config.Config {
	t.Helper()
	cfg, diags, _ := config.Load(s.config)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return cfg
}

// TestNumbersOfTheConfiguration: what is built and ready, which configuration is
// in force and since when, whether the last reload was refused; backends come
// and go with it, and tenants get their labels.
func TestNumbersOfTheConfiguration(t *testing.T) {
	site := newSite(t)
	site.write(t, site.text("tenant \"acme\" {\n  domains = [\"acme.example\"]\n  backend = \"legacy\"\n}\n"))
	cfg := site.load(t)
	s, err := newService(cfg, hclog.NewNullLogger(), metrics.New())
	if err != nil {
		t.Fatal(err)
	}
	check := func(when, name string, want float64, labels ...string) {
		t.Helper()
		if got, shown := s.value(t, name, labels...); !shown || got != want {
			t.Errorf("%s: %s%v is %v, want %v", when, name, labels, got, want)
		}
	}
	check("before", "popgate_ready", 0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	began := time.Now().Unix()
	if err := s.apply(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	check("applied", "popgate_ready", 1)
	check("applied", "popgate_config_last_reload_successful", 1)
	name := cfg.Backends[0].Name
	check("applied", "popgate_backend_sessions", 0, name)
	if at, _ := s.value(t, "popgate_config_loaded_seconds"); at < float64(began) || at > float64(time.Now().Unix()) {
		t.Errorf("loaded at %v, want about %v", at, began)
	}
	open := s.metrics.SessionOpened("logged_in", "pop3s", "acme")
	check("applied", "popgate_sessions", 1, "pop3s", "logged_in", "acme")
	open.Close()

	s.reload(ctx, func() (*config.Config, error) { return nil, fmt.Errorf("no") })
	check("refused", "popgate_config_last_reload_successful", 0)
	check("refused", "popgate_reloads_total", 1, "error")
	check("refused", "popgate_backend_sessions", 0, name)

	site.write(t, strings.ReplaceAll(site.text(""), `"`+name+`"`, `"fresh"`))
	s.reload(ctx, func() (*config.Config, error) { return site.load(t), nil })
	check("reloaded", "popgate_config_last_reload_successful", 1)
	check("reloaded", "popgate_reloads_total", 1, "ok")
	check("reloaded", "popgate_backend_sessions", 0, "fresh")
	if _, shown := s.value(t, "popgate_backend_sessions", name); shown {
		t.Errorf("the numbers of %q are still there", name)
	}
	cancel()
	s.finish()
	check("drained", "popgate_ready", 0)
}

// TestBuildInfo: popgate and Go have a version there, as in `popgate version`.
func TestBuildInfo(t *testing.T) {
	site := newSite(t)
	s, err := newService(site.load(t), hclog.NewNullLogger(), metrics.New())
	if err != nil {
		t.Fatal(err)
	}
	defer s.finish()
	families, err := s.metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	build := builtFrom()
	want := map[string]string{"version": build.Version, "go_version": build.GoVersion, "revision": build.Commit}
	for _, family := range families {
		if family.GetName() != "popgate_build_info" {
			continue
		}
		for _, pair := range family.GetMetric()[0].GetLabel() {
			if pair.GetValue() != want[pair.GetName()] {
				t.Errorf("%s is %q, want %q", pair.GetName(), pair.GetValue(), want[pair.GetName()])
			}
			delete(want, pair.GetName())
		}
	}
	if len(want) > 0 || !strings.HasPrefix(build.GoVersion, "go1.") {
		t.Errorf("not shown: %q", want)
	}
}
