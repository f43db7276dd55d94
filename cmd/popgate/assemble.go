package main

import (
	"context"
	"errors"
	"net"

	"github.com/hashicorp/go-hclog"

	"popgate/authz"
	"popgate/internal/admin"
	"popgate/internal/autoconfig"
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
	rules        authz.Rules
	access       admin.Access
}

// lasting is what outlives a configuration and goes into each.
type lasting struct {
	log       hclog.Logger
	metrics   *metrics.Metrics
	automatic *tlsconf.Automatic // nil: of the certificates' own
	tickets   *tlsconf.Tickets   // where ticket_secret isn't set; nil likewise
	given     *given             // sockets

	autoconfig *autoconfig.Server // answers mail clients; nil: nobody asks
}

// assemble makes the parts and reports all problems at once.
func assemble(cfg *config.Config, with lasting) (*assembly, error) {
	table, tableErr := route.New(routeOptions(cfg))
	certificates, certErr := newCertificates(cfg, with)
	rules, rulesErr := newRules(cfg)
	access, accessErr := newAccess(cfg, with.log)
	if err := errors.Join(tableErr, certErr, rulesErr, accessErr); err != nil {
		return nil, err
	}
	a := &assembly{
		certificates: certificates,
		rules:        rules,
		access:       access,
		settings: proxy.Settings{
			Hostname:      cfg.Hostname,
			TLS:           certificates.ServerConfig(),
			Routes:        table,
			Errors:        cfg.Limits.Errors,
			LoginAttempts: cfg.Limits.LoginAttempts,
			FailedUsers:   proxy.FailedUsers(cfg.Log.FailedUsers),
			Timeouts:      proxyTimeouts(cfg.Timeouts),
			LoginDelay:    longestLoginDelay(cfg.Tenants),
		},
	}
	a.settings.Listeners = listeners(cfg, certificates, with.autoconfig)
	return a, nil
}

// challengeListener is the name of the listener that https_address brings.
const challengeListener = "https_address"

// listeners are those of mail clients. A CA validates hosts at https_address,
// which is a listener of its own or shares the port of one. There mail clients ask
// settings for how to set an account up, if that is configured.
func listeners(cfg *config.Config, certificates *tlsconf.Source, settings *autoconfig.Server) []proxy.Listener {
	var list []proxy.Listener
	for _, l := range cfg.Listeners {
		listener := proxy.Listener{Name: l.Name, Address: l.Address, StartTLS: l.StartTLS, ProxyFrom: l.ProxyFrom}
		if n := l.Limits.Errors; n != nil {
			listener.Errors = *n
		}
		if n := l.Limits.LoginAttempts; n != nil {
			listener.LoginAttempts = *n
		}
		list = append(list, listener)
	}
	if cfg.TLS.ACME == nil || cfg.TLS.ACME.HTTPS.Address == "" {
		return list
	}
	https := cfg.TLS.ACME.HTTPS
	var http func(context.Context, net.Conn)
	if cfg.Autoconfig != nil {
		http = settings.ServeConn
	}
	for i := range list {
		if list[i].Address == https.Address {
			list[i].TLS, list[i].HTTP = certificates.ChallengeConfig(), http
			return list
		}
	}
	return append(list, proxy.Listener{
		Name: challengeListener, Address: https.Address, TLS: certificates.ChallengeConfig(), HTTP: http, Optional: !https.Written,
	})
}

func proxyTimeouts(t config.Timeouts) proxy.Timeouts {
	return proxy.Timeouts{
		Handshake: t.Handshake, Login: t.Login, FailureDelay: t.FailureDelay,
		Connect: t.Connect, Greeting: t.Greeting, BackendLogin: t.BackendLogin,
		Idle: t.Idle, Quit: t.Quit, HalfClosed: t.HalfClosed,
	}
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
