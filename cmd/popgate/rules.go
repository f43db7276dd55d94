package main

import (
	"context"
	"strings"
	"time"

	"popgate/authz"
	"popgate/internal/config"
)

// newRules makes a configuration the rules of the guard. It reads the files of
// networks blocks.
func newRules(cfg *config.Config) (authz.Rules, error) {
	rules := authz.Rules{
		Limits:    limitsOf(cfg.Limits),
		Listeners: make(map[string]authz.Override),
		Tenants:   make(map[string]authz.Tenant),
		Blocking:  authz.Blocking(cfg.Blocking),
		Policies:  policiesOf(cfg.Policies),
	}
	for _, l := range cfg.Listeners {
		rules.Listeners[l.Name] = overrideOf(l.Limits)
	}
	for _, t := range cfg.Tenants {
		rules.Tenants[t.Name] = authz.Tenant{
			Override: overrideOf(t.Limits), Policies: policiesOf(t.Policies), LoginDelay: t.LoginDelay,
		}
	}
	var err error
	rules.Networks, err = authz.NewNetworks(networksOf(cfg.Networks))
	rules.Networks.Settle = networksSettle
	return rules, err
}

func limitsOf(l config.Limits) authz.Limits {
	return authz.Limits{
		Connections:            l.Connections,
		ConnectionsPerIP:       l.ConnectionsPerIP,
		ConnectionsBeforeLogin: l.ConnectionsBeforeLogin,
		ConnectionsPerTenant:   l.ConnectionsPerTenant,
		ConnectionsPerUser:     l.ConnectionsPerUser,
		ConnectionRate:         authz.Rate(l.ConnectionRate),
		LoginRatePerIP:         authz.Rate(l.LoginRatePerIP),
		LoginRatePerUser:       authz.Rate(l.LoginRatePerUser),
		LoginRate:              authz.Rate(l.LoginRate),
		IPv4Prefix:             l.IPv4Prefix,
		IPv6Prefix:             l.IPv6Prefix,
		Exempt:                 l.Exempt,
	}
}

func overrideOf(o config.Override) authz.Override {
	return authz.Override{
		Connections:            o.Connections,
		ConnectionsPerIP:       o.ConnectionsPerIP,
		ConnectionsBeforeLogin: o.ConnectionsBeforeLogin,
		ConnectionsPerUser:     o.ConnectionsPerUser,
		ConnectionRate:         (*authz.Rate)(o.ConnectionRate),
		LoginRatePerIP:         (*authz.Rate)(o.LoginRatePerIP),
		LoginRatePerUser:       (*authz.Rate)(o.LoginRatePerUser),
		LoginRate:              (*authz.Rate)(o.LoginRate),
		Exempt:                 o.Exempt,
	}
}

func policiesOf(policies []config.Policy) (list []authz.Policy) {
	for _, p := range policies {
		list = append(list, authz.Policy(p))
	}
	return list
}

func networksOf(networks []config.Network) (list []authz.Network) {
	for _, n := range networks {
		list = append(list, authz.Network(n))
	}
	return list
}

// longestLoginDelay is what CAPA announces.
func longestLoginDelay(tenants []config.Tenant) (longest time.Duration) {
	for _, t := range tenants {
		longest = max(longest, t.LoginDelay)
	}
	return longest
}

// networksSettle is how long a file must be as it is before a change is taken.
const networksSettle = 2 * time.Second

// networksPoll is how often the files of networks blocks are looked at.
const networksPoll = time.Minute

// refreshNetworks reads the files of networks again when they change, until ctx
// ends.
func (s *service) refreshNetworks(ctx context.Context, networks *authz.Networks) {
	poll := time.NewTicker(networksPoll)
	defer poll.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		}
		changed, err := networks.Refresh()
		for _, name := range changed {
			s.log.Info("networks read again", "networks", name)
		}
		if err == nil {
			said = ""
		} else if text := asLine(err); text != said {
			said = text
			s.log.Warn("networks can't be read, the old ones stay", "error", text)
		}
	}
}

// asLine is an error's text for a log: one event, one line.
func asLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
