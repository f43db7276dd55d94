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
	settings := autoconfig.Settings{Port: block.Port, StartTLS: block.StartTLS, LocalPart: block.LocalPart}
	if block.SMTP != nil {
		settings.Outgoing = autoconfig.Outgoing(*block.SMTP)
	}
	domains := make(autoconfig.Domains)
	add := func(names []string, server string) {
		settings.Server = server
		for _, name := range names {
			domains[name] = settings
			// Clients write either form.
			if ascii, err := idna.Lookup.ToASCII(name); err == nil {
				domains[ascii] = settings
			}
		}
	}
	// The machine's own name is in no certificate, mostly, and a container's means nothing.
	common := cfg.Hostname
	if acme := cfg.TLS.ACME; acme != nil {
		common = cmp.Or(first(acme.Hosts), common)
	}
	add(block.Domains, cmp.Or(block.Server, common))
	for _, t := range cfg.Tenants { // a tenant's host wins where a domain stands in both
		add(t.Domains, cmp.Or(block.Server, first(t.Hosts), common))
	}
	return domains
}

// first is the first of names; "": there is none.
func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}
