package main

import (
	"cmp"

	"golang.org/x/net/idna"

	"popgate/internal/autoconfig"
	"popgate/internal/config"
)

// autoconfigDomains are the domains whose users' clients are told something; nil:
// autoconfig is off.
func autoconfigDomains(cfg *config.Config) autoconfig.Domains {
	block := cfg.Autoconfig
	if block == nil {
		return nil
	}
	domains := make(autoconfig.Domains)
	add := func(names []string, server string) {
		for _, name := range names {
			settings := autoconfig.Settings{Server: server, Port: block.Port, StartTLS: block.StartTLS, LocalPart: block.LocalPart}
			if out := block.SMTP; out != nil {
				settings.Outgoing = autoconfig.Outgoing{Server: out.Server, Port: out.Port, StartTLS: out.StartTLS}
			}
			domains[name] = settings
			// Clients write either form.
			if ascii, err := idna.Lookup.ToASCII(name); err == nil {
				domains[ascii] = settings
			}
		}
	}
	add(block.Domains, cmp.Or(block.Server, cfg.Hostname))
	for _, t := range cfg.Tenants { // a tenant's host wins where a domain stands in both
		first := ""
		if len(t.Hosts) > 0 {
			first = t.Hosts[0]
		}
		add(t.Domains, cmp.Or(block.Server, first, cfg.Hostname))
	}
	return domains
}
