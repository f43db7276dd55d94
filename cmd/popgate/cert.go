package main

import (
	"context"

	"popgate/internal/admin"
)

// certMenu has the commands about certificates. They ask the running popgate, or
// work on the certificate cache if there is none.
func certMenu(c *call) *menu {
	m := newMenu(c, "cert")
	m.about = `Lists, checks and renews certificates. They ask the running popgate. If there
is none, they work on the certificate cache alone, and say so. check needs the
configuration in any case (--config), as it tells the hosts, the CA and the cache.
`
	m.examples = []string{"cert list", "cert check pop.example.com", "cert renew pop.example.com --config /etc/popgate"}
	m.alone = true
	m.words = []word{
		{name: "list", summary: "show all certificates, with last errors and next tries",
			run: func(ctx context.Context, _ *admin.Client, _ []string) error { return certList(ctx, c) }},
		{name: "check", args: "[HOST...]", summary: "show what would hinder orders, for all hosts or these", most: anyNumber, offer: offerHosts,
			run: func(ctx context.Context, _ *admin.Client, hosts []string) error { return certCheck(ctx, c, hosts) }},
		{name: "renew", args: "HOST", summary: "order a new certificate now, and wait for it", least: 1, most: 1, offer: offerHosts,
			run: func(ctx context.Context, _ *admin.Client, hosts []string) error { return certRenew(ctx, c, hosts[0]) }},
	}
	return m
}
