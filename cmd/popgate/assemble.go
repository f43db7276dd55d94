package main

import (
	"errors"

	"github.com/hashicorp/go-hclog"

	"popgate/authz"
	"popgate/internal/config"
	"popgate/internal/metrics"
	"popgate/internal/route"
	"popgate/proxy"
	"popgate/tlsconf"
)

// assembly is a configuration made into the parts of a proxy.
type assembly struct {
	settings     proxy.Settings
	certificates *tlsconf.Source
	limits       authz.Limits
}

// assemble makes the parts and reports all problems at once.
func assemble(cfg *config.Config, log hclog.Logger, numbers *metrics.Metrics) (*assembly, error) {
	table, tableErr := route.New(routeOptions(cfg))
	certificates, certErr := tlsconf.New(tlsOptions(cfg, log, numbers))
	if err := errors.Join(tableErr, certErr); err != nil {
		return nil, err
	}
	a := &assembly{
		certificates: certificates,
		limits: authz.Limits{
			Connections:            cfg.Limits.Connections,
			ConnectionsPerIP:       cfg.Limits.ConnectionsPerIP,
			ConnectionsBeforeLogin: cfg.Limits.ConnectionsBeforeLogin,
		},
		settings: proxy.Settings{
			Hostname:      cfg.Hostname,
			TLS:           certificates.ServerConfig(),
			Routes:        table,
			Errors:        cfg.Limits.Errors,
			LoginAttempts: cfg.Limits.LoginAttempts,
			FailedUsers:   proxy.FailedUsers(cfg.Log.FailedUsers),
			Timeouts:      proxyTimeouts(cfg.Timeouts),
		},
	}
	for _, l := range cfg.Listeners {
		a.settings.Listeners = append(a.settings.Listeners, proxy.Listener(l))
	}
	return a, nil
}

func proxyTimeouts(t config.Timeouts) proxy.Timeouts {
	return proxy.Timeouts{
		Handshake: t.Handshake, Login: t.Login, FailureDelay: t.FailureDelay,
		Connect: t.Connect, Greeting: t.Greeting, BackendLogin: t.BackendLogin,
		Idle: t.Idle, Quit: t.Quit, HalfClosed: t.HalfClosed,
	}
}

func tlsOptions(cfg *config.Config, log hclog.Logger, numbers *metrics.Metrics) tlsconf.Options {
	opts := tlsconf.Options{
		MinVersion:  cfg.TLS.MinVersion,
		DefaultHost: cfg.TLS.DefaultHost,
		SelfSigned:  cfg.TLS.SelfSigned,
		Logger:      log,
		Observer:    numbers,
	}
	for _, c := range cfg.TLS.Certificates {
		opts.Certificates = append(opts.Certificates, tlsconf.Files(c))
	}
	for _, t := range cfg.Tenants {
		opts.Hosts = append(opts.Hosts, t.Hosts...)
	}
	return opts
}

func routeOptions(cfg *config.Config) route.Options {
	opts := route.Options{Routes: rules(cfg.Routes)}
	for _, b := range cfg.Backends {
		backend := route.Backend{
			Name: b.Name, Addresses: b.Addresses, Capabilities: b.Capabilities, Connections: b.Connections,
			InUseWords: b.InUseWords, TemporaryWords: b.TemporaryWords,
		}
		if b.AuthPlain {
			backend.Auth = route.AuthPlain
		}
		opts.Backends = append(opts.Backends, backend)
	}
	for _, t := range cfg.Tenants {
		opts.Tenants = append(opts.Tenants, route.Tenant{
			Name: t.Name, Hosts: t.Hosts, Domains: t.Domains, AnyHost: t.AnyHost,
			Backend: t.Backend, Routes: rules(t.Routes),
		})
	}
	return opts
}

func rules(routes []config.Route) []route.Rule {
	var rules []route.Rule
	for _, r := range routes {
		rules = append(rules, route.Rule{Name: r.Name, When: r.When, Login: r.Login, Backend: r.Backend})
	}
	return rules
}
