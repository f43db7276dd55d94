package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"popgate/authz"
	"popgate/internal/admin"
	"popgate/internal/autoconfig"
	"popgate/internal/config"
	"popgate/internal/metrics"
	"popgate/proxy"
	"popgate/tlsconf"
)

// service is a running popgate: the parts that outlive a configuration, and
// the one that is in force.
type service struct {
	lasting
	guard     *authz.Guard
	server    *proxy.Server
	entrances *entrances

	format string        // of the log; can't change while running
	level  logLevel      // of the log; can
	drain  time.Duration // of the configuration in force
	quit   time.Duration // likewise
	orders *orders
	herald *herald
	had    legacy // of the process before; zero: there was none
	ears   *ears  // what the log warns of while a configuration is brought in force

	config   atomic.Pointer[config.Config] // in force
	loaded   atomic.Int64                  // when that was brought in force, in ns of Unix time
	reloaded atomic.Pointer[admin.Reload]  // the last try; nil: there was none
	draining atomic.Bool

	handedOver atomic.Bool // another process serves

	explainer    atomic.Pointer[explainer]      // of the configuration in force
	certificates atomic.Pointer[tlsconf.Source] // in force
	watching     sync.WaitGroup
	stopWatching context.CancelFunc // of the certificates in force
}

// newService returns a service that does nothing yet. It counts in numbers.
func newService(cfg *config.Config, log hclog.Logger, numbers *metrics.Metrics) (*service, error) {
	return newServiceOf(cfg, newLasting(log, numbers))
}

// newServiceOf does so with what is there already.
func newServiceOf(cfg *config.Config, with lasting) (*service, error) {
	s := &service{lasting: with, guard: authz.New(authz.Rules{}, authz.Options{}), format: cfg.Log.Format}
	log := s.log
	s.level.log, s.orders = log, newOrders()
	s.herald = newHerald(s)
	heard := overhear(log)
	s.lasting.log, s.ears = heard, heard.ears
	descriptors, err := raiseDescriptors()
	if err != nil {
		return nil, fmt.Errorf("descriptors: %w", err)
	}
	s.server = proxy.New(proxy.Options{
		Guard: s.guard, Metrics: s.metrics, Logger: log.Named("proxy"), Polite: politeFor(descriptors),
		SmallBuffers: memoryLimit() > 0, Given: s.given.mail, Hold: s.given.hold,
	})
	s.stopWatching = func() {}
	s.begin()
	s.entrances, err = newEntrances(heard, s.autoconfig, s.given, admin.Options{
		Certificates: &certificateDesk{current: &s.certificates, automatic: s.automatic},
		Logins:       &loginDesk{guard: s.guard, current: &s.explainer},
		Sessions:     &sessionDesk{server: s.server},
		Backends:     &backendDesk{server: s.server, current: &s.config},
		Process:      &processDesk{service: s, started: time.Now()},
		Metrics:      s.metrics.Registry,
		Refused:      s.metrics.AdminRefused,
	})
	return s, err
}

// newLasting makes what outlives configurations.
func newLasting(log hclog.Logger, numbers *metrics.Metrics) lasting {
	automatic := tlsconf.NewAutomatic(tlsconf.AutomaticOptions{Logger: log, Observer: numbers})
	return lasting{
		log: log, metrics: numbers, tickets: tlsconf.NewTickets(), given: new(given), automatic: automatic,
		autoconfig: autoconfig.New(autoconfig.Options{
			Next: automatic, Count: numbers.AutoconfigAsked, Logger: log.Named("autoconfig"),
		}),
	}
}

// apply makes cfg the configuration in force, whole or not at all. The end of
// ctx, the same at each call, begins the draining.
func (s *service) apply(ctx context.Context, cfg *config.Config) error {
	parts, err := assemble(cfg, s.lasting)
	if err != nil {
		return usageError{err}
	}
	if parts.rules.Limits, err = s.fit(parts.rules.Limits); err != nil {
		return err
	}
	s.given.Assign(wants(cfg))
	if err := s.entrances.open(cfg, &parts.settings); err != nil {
		s.entrances.forget()
		return err
	}
	// Sessions keep the rules that they are born with, and the first are let in by Apply.
	parts.settings.Rules = &parts.rules
	if err := s.server.Apply(ctx, parts.settings); err != nil {
		s.entrances.forget()
		return err
	}
	s.inForce(cfg)
	s.explainer.Store(newExplainer(cfg, s.guard, &parts.rules, parts.settings.Routes, s.server.Backend))
	s.guard.SetRules(parts.rules)
	s.autoconfig.Use(autoconfigDomains(cfg))
	s.config.Store(cfg)
	s.loaded.Store(time.Now().UnixNano())
	s.level.configure(cfg.Log.Level)
	if cfg.Log.Format != s.format {
		s.log.Warn("the log's format changes with a restart only", "format", cfg.Log.Format)
	}
	s.drain, s.quit = cfg.Timeouts.Drain, cfg.Timeouts.Quit
	// Before operators can ask for them.
	before := s.certificates.Swap(parts.certificates)
	s.entrances.use(parts.access)
	s.watchCertificates(ctx, before, s.answers(cfg))
	return nil
}

// answers are the types of challenges that can be answered, in the order in
// which to try them.
func (s *service) answers(cfg *config.Config) (types []string) {
	if s.entrances.challenge.addr() != nil {
		types = append(types, tlsconf.HTTP01)
	}
	if acme := cfg.TLS.ACME; acme != nil && acme.HTTPS.Address != "" && s.server.Addr(acme.HTTPS.Address) != nil {
		types = append(types, tlsconf.TLSALPN01)
	}
	return types
}

// watchCertificates keeps those in force fresh from now on, and those of before
// (nil: there were none) no more.
func (s *service) watchCertificates(ctx context.Context, before *tlsconf.Source, answers []string) {
	s.stopWatching()
	s.watching.Wait()
	next := s.certificates.Load()
	if before != nil {
		s.forgetFiles(before, next)
	}
	next.Answer(answers...)
	watch, stop := context.WithCancel(ctx)
	s.stopWatching = stop
	s.watching.Go(func() {
		if !s.given.released(watch) {
			return
		}
		if err := next.Run(watch); err != nil && watch.Err() == nil {
			s.log.Error("certificates are not watched any more", "error", err)
		}
	})
	networks := s.guard.Rules().Networks
	s.watching.Go(func() { s.refreshNetworks(watch, networks) })
}

// forgetFiles takes the numbers of certificate blocks away that are gone.
func (s *service) forgetFiles(before, next *tlsconf.Source) {
	kept := make(map[string]bool)
	for _, c := range next.Certificates() {
		kept[c.Source+" "+c.Name] = true
	}
	for _, c := range before.Certificates() {
		if c.Source == tlsconf.SourceFile && !kept[c.Source+" "+c.Name] {
			s.metrics.CertificateDropped(c.Source, c.Name)
		}
	}
}

// fit lowers the number of connections to what descriptors, two a session, and
// memory allow. Where it is the default nobody has counted on it: that is no
// warning.
func (s *service) fit(limits authz.Limits) (authz.Limits, error) {
	descriptors, err := raiseDescriptors()
	if err != nil {
		return limits, fmt.Errorf("descriptors: %w", err)
	}
	memory := memoryLimit()
	byDescriptors, byMemory := sessionsFor(descriptors), sessionsIn(memory)
	if most := min(byDescriptors, byMemory); limits.Connections <= most {
		return limits, nil
	}
	level := hclog.Warn
	if limits.Connections == config.DefaultConnections() {
		level = hclog.Info
	}
	if byDescriptors <= byMemory {
		s.log.Log(level, "limits.connections is lowered to what the descriptors allow",
			"connections", limits.Connections, "lowered_to", byDescriptors, "descriptors", descriptors)
	} else {
		s.log.Log(level, "limits.connections is lowered to what the memory allows",
			"connections", limits.Connections, "lowered_to", byMemory, "memory", memory)
	}
	limits.Connections = min(byDescriptors, byMemory)
	// Strangers must not take all places of those who log in.
	limits.ConnectionsBeforeLogin = min(limits.ConnectionsBeforeLogin, max(1, limits.Connections/2))
	return limits, nil
}

// reload applies the configuration that load returns, or keeps the one in
// force and says why. What came of it is kept for operators.
func (s *service) reload(ctx context.Context, load func() (*config.Config, error)) error {
	s.ears.begin()
	cfg, err := load()
	if err == nil {
		err = s.apply(ctx, cfg)
	}
	s.reloaded.Store(&admin.Reload{
		Time: time.Now().UTC().Truncate(time.Second), OK: err == nil, Problems: problemsOf(err), Warnings: s.ears.end(),
	})
	if err != nil {
		s.metrics.Reloaded("error")
		s.log.Error("reload failed, the old configuration stays", "error", asLine(err))
		return err
	}
	s.metrics.Reloaded("ok")
	s.log.Info("reloaded")
	return nil
}

// problemsOf are what hinders a configuration, a line each.
func problemsOf(err error) []string {
	var bad *badConfig
	switch {
	case err == nil:
		return nil
	case errors.As(err, &bad):
		return bad.problems
	}
	return []string{asLine(err)}
}

// finish waits for the sessions to end, after the context has, and for
// everything that apply started.
func (s *service) finish() {
	s.metrics.Ready(func() bool { return false })
	s.log.Info("draining", "timeout", s.drain.String())
	s.stopWatching()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.watching.Wait()
		s.automatic.Close()
	}()
	left := s.server.Drain(s.drain)
	<-ended
	s.entrances.close()
	s.level.stop()
	s.log.Info("drained", "closed_at_timeout", left)
}
