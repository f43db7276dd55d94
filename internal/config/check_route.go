package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"popgate/internal/expr"
)

// tenants checks who owns which name, and that each tenant's users have a backend.
func (k *checker) tenants() {
	hosts, domains := make(map[string]owner), make(map[string]owner)
	for _, s := range k.top.all(tenantBlock) {
		k.claim(hosts, s, "hosts", "Host claimed twice")
		k.claim(domains, s, "domains", "Domain claimed twice")
		_, backend := s.values["backend"]
		if !backend && len(s.all(routeBlock)) == 0 {
			k.fail(s.at, "Tenant without backend", "The users of tenant %q have no backend: add backend = \"legacy\" with the name of theirs. What stands outside the tenant doesn't count for them.", s.label)
		}
		k.refer(s)
		k.routes(s, s.label)
	}
}

// owner is who claimed a host or a domain first.
type owner struct {
	tenant string
	at     hcl.Range
}

// claim notes the hosts or domains of a tenant, and refuses those of another one.
func (k *checker) claim(owners map[string]owner, s *section, name, summary string) {
	v := s.values[name]
	if v == nil {
		return
	}
	for i, text := range v.texts {
		at := v.item(i)
		if first, taken := owners[text]; taken {
			k.fail(at, summary, "%q belongs to tenant %q already (%s): a name can have one tenant only, so take it away from one of them.", text, first.tenant, place(first.at))
			continue
		}
		owners[text] = owner{s.label, at}
	}
}

// routes checks the routes of s, which is the top of the document or, with its
// name, a tenant.
func (k *checker) routes(s *section, tenant string) {
	var all *section // the first route that takes every name
	for _, r := range s.all(routeBlock) {
		k.refer(r)
		k.login(r)
		k.mentions(r, "when")
		k.mentions(r, "login")
		when := r.get("when").program
		switch {
		case all != nil:
			k.fail(r.at, "Route never reached", "Route %q (%s) takes every name before this one is tried: move this one up, or give that one a when.", all.label, place(all.at))
		case is(when, cty.False):
			k.fail(r.get("when").at, "Route never matches", "This condition is false for every login: mend it, or take the route away.")
		case is(when, cty.True) || when == nil && !r.wrong("when"):
			all = r
		}
	}
	if v := s.values["backend"]; tenant != "" && v != nil && all != nil {
		k.warn(v.at, "Tenant backend unreachable", "Route %q (%s) takes every name of tenant %q, so this backend is never used: take it away, or give that route a when.", all.label, place(all.at), tenant)
	}
}

// login refuses a login that is the same at each login and can't be a name.
func (k *checker) login(r *section) {
	p := r.get("login").program
	if p == nil {
		return
	}
	if v, known := p.Constant(); known && !userName(v.AsString()) {
		k.fail(r.get("login").at, "Login never valid", "%q can't be the name of a user: write 1 to %d octets without control characters, without spaces at the ends and without a dot at the end.", v.AsString(), maxUserName)
	}
}

// is reports whether a condition gives b at each login.
func is(p *expr.Program, b cty.Value) bool {
	if p == nil {
		return false
	}
	v, known := p.Constant()
	return known && v.RawEquals(b)
}
