package config

import (
	"crypto/tls"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// validateLimits insists on what the doc comments of Limits, Override and Blocking
// promise.
func validateLimits(t *testing.T, c *Config) {
	t.Helper()
	l := c.Limits
	for _, n := range []int{l.Connections, l.ConnectionsPerIP, l.ConnectionsBeforeLogin, l.Errors, l.LoginAttempts} {
		if n < 1 || n > 1_000_000 {
			t.Errorf("limits %+v", l)
		}
	}
	if min(l.ConnectionsPerTenant, l.ConnectionsPerUser) < 0 || l.IPv4Prefix < 8 || l.IPv4Prefix > 32 || l.IPv6Prefix < 16 || l.IPv6Prefix > 128 {
		t.Errorf("limits %+v", l)
	}
	for _, r := range []Rate{l.ConnectionRate, l.LoginRatePerIP, l.LoginRatePerUser, l.LoginRate} {
		validateRate(t, &r)
	}
	validatePrefixes(t, l.Exempt)
	for _, listener := range c.Listeners {
		o := listener.Limits
		validateOverride(t, o)
		if o.Connections != nil && *o.Connections < 1 {
			t.Errorf("listener %q has %+v", listener.Name, o)
		}
	}
	for _, tenant := range c.Tenants {
		o := tenant.Limits
		validateOverride(t, o)
		if o.ConnectionsPerIP != nil || o.ConnectionsBeforeLogin != nil || o.Errors != nil || o.LoginAttempts != nil || o.ConnectionRate != nil || o.Exempt != nil {
			t.Errorf("tenant %q has %+v", tenant.Name, o)
		}
		if d := tenant.LoginDelay; d != 0 && (d < time.Second || d > 24*time.Hour) {
			t.Errorf("login_delay %v", d)
		}
	}
	b := c.Blocking
	if b.FailuresPerUser < 0 || b.FailuresPerIP < 0 || b.Entries < 1000 || b.Entries > 10_000_000 ||
		min(b.Window, b.First, b.Remember) < time.Second || b.First > b.Longest {
		t.Errorf("blocking %+v", b)
	}
}

func validateOverride(t *testing.T, o Override) {
	t.Helper()
	for _, n := range []*int{o.ConnectionsPerIP, o.ConnectionsBeforeLogin, o.Errors, o.LoginAttempts} {
		if n != nil && *n < 1 {
			t.Errorf("override %+v", o)
		}
	}
	for _, n := range []*int{o.Connections, o.ConnectionsPerUser} {
		if n != nil && *n < 0 {
			t.Errorf("override %+v", o)
		}
	}
	for _, r := range []*Rate{o.ConnectionRate, o.LoginRatePerIP, o.LoginRatePerUser, o.LoginRate} {
		validateRate(t, r)
	}
	validatePrefixes(t, o.Exempt)
}

func validateRate(t *testing.T, r *Rate) {
	t.Helper()
	if r == nil || *r == (Rate{}) {
		return
	}
	if r.Count < 1 || r.Count > mostRate || r.Per != time.Second && r.Per != time.Minute && r.Per != time.Hour {
		t.Errorf("rate %+v", *r)
	}
}

func validatePrefixes(t *testing.T, list []netip.Prefix) {
	t.Helper()
	for _, p := range list {
		if !p.IsValid() || p != p.Masked() {
			t.Errorf("network %v", p)
		}
	}
}

// validatePolicies insists on what the doc comments of Network and Policy promise.
func validatePolicies(t *testing.T, c *Config) {
	t.Helper()
	networks := make(map[string]bool)
	for _, n := range c.Networks {
		if networks[n.Name] || !validLabel(n.Name) || n.File == "" && len(n.Addresses) == 0 {
			t.Errorf("network %+v", n)
		}
		networks[n.Name] = true
		validatePrefixes(t, n.Addresses)
	}
	lists := [][]Policy{c.Policies}
	for _, tenant := range c.Tenants {
		lists = append(lists, slices.Concat(c.Policies, tenant.Policies))
	}
	for _, list := range lists {
		for i, p := range list {
			validatePolicy(t, p, networks)
			if p.When == nil && !p.LogOnly && i < len(list)-1 {
				t.Errorf("policy %q hides %q", p.Name, list[i+1].Name)
			}
		}
	}
}

func validatePolicy(t *testing.T, p Policy, networks map[string]bool) {
	t.Helper()
	soft := p.Delay > 0 || p.ReadOnly || p.RequireTLS != 0 || p.RequireMechanisms != nil
	actions := 0
	for _, is := range []bool{p.Deny != "", p.Allow, soft} {
		if is {
			actions++
		}
	}
	if actions != 1 || !validLabel(p.Name) {
		t.Errorf("policy %+v", p)
	}
	if len(p.Deny) > maxReason || p.Deny != "" && !visible(p.Deny) || p.Delay < 0 || p.Delay > 2*time.Minute {
		t.Errorf("policy %+v", p)
	}
	if p.RequireTLS != 0 && p.RequireTLS != tls.VersionTLS13 || p.RequireMechanisms != nil && len(p.RequireMechanisms) == 0 {
		t.Errorf("policy %+v", p)
	}
	if p.When != nil {
		for _, m := range p.When.Networks() {
			if !networks[m.Name] {
				t.Errorf("policy %q asks for network %q", p.Name, m.Name)
			}
		}
	}
}
