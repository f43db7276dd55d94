package route

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"popgate/internal/expr"
)

// owners are the domains of each tenant of houses, as keys.
func owners() map[string][]string {
	m := make(map[string][]string)
	for _, t := range houses.Tenants {
		for _, d := range t.Domains {
			m[t.Name] = append(m[t.Name], fold(d))
		}
	}
	return m
}

// checkResolve resolves a name and checks what must hold for any.
func checkResolve(t *testing.T, table *Table, typed, host string) {
	t.Helper()
	n, err := table.Resolve(typed, host)
	again, err2 := table.Resolve(typed, host)
	if n != again || (err == nil) != (err2 == nil) {
		t.Fatalf("two answers for %q: %+v, %v and %+v, %v", typed, n, err, again, err2)
	}
	if err != nil {
		if n != (Name{}) || !errors.Is(err, ErrName) && !errors.Is(err, ErrForeignHost) {
			t.Fatalf("error of no known kind, or with a name: %+v, %v", n, err)
		}
		return
	}
	checkForm(t, n, typed)
	if fixed, err := table.Resolve(n.Canonical, host); err != nil || fixed.Canonical != n.Canonical || fixed.Tenant != n.Tenant {
		t.Errorf("key %q is no fixed point: %+v, %v", n.Canonical, fixed, err)
	}
	if n.Tenant != "" && !slices.Contains(owners()[n.Tenant], n.Domain) {
		t.Errorf("%q: tenant %q doesn't have domain %q", typed, n.Tenant, n.Domain)
	}
	if table.Serves(n.Domain) != (n.Tenant != "") {
		t.Errorf("%q: domain %q is served, but tenant is %q", typed, n.Domain, n.Tenant)
	}
}

// checkForm checks the parts of a resolved name against each other.
func checkForm(t *testing.T, n Name, typed string) {
	t.Helper()
	ats := strings.Count(n.Canonical, "@")
	key := fold(n.Local)
	if n.Domain != "" {
		key += "@" + n.Domain
	}
	switch {
	case n.Typed != typed:
		t.Errorf("typed %q became %q", typed, n.Typed)
	case n.Domain != "" && ats != 1, n.Domain == "" && ats != 0:
		t.Errorf("key %q of %+v has %d @", n.Canonical, n, ats)
	case n.Canonical != key:
		t.Errorf("key %q; want %q", n.Canonical, key)
	case n.Local == "" || !strings.HasPrefix(typed, n.Local):
		t.Errorf("local part %q of %q", n.Local, typed)
	case !utf8.ValidString(n.Canonical) || strings.ContainsFunc(n.Canonical, isControl) || len(n.Canonical) > maxName:
		t.Errorf("key %q isn't fit for logs and maps", n.Canonical)
	case strings.ContainsFunc(n.Canonical, func(r rune) bool { return 'A' <= r && r <= 'Z' }):
		t.Errorf("key %q isn't folded", n.Canonical)
	}
}

// FuzzResolve resolves any name over any host.
func FuzzResolve(f *testing.F) {
	for _, typed := range []string{"joe", "Joe@ACME.example", "joe@globex.example", "a@b@c", "@", "joe.", " joe", "joe\u0085", "\xff", `a%b\c`} {
		for _, host := range []string{"", "pop.acme.example", "POP.GLOBEX.EXAMPLE.", "x"} {
			f.Add(typed, host)
		}
	}
	table := mustNew(f, houses)
	f.Fuzz(func(t *testing.T, typed, host string) { checkResolve(t, table, typed, host) })
}

// The same for names put together of what matters, which chance would not find.
func TestResolveProperties(t *testing.T) {
	pieces := []string{"@", "@", ".", " ", "%", `\`, "joe", "JOE", "acme.example", "ACME.Test", "globex.example", "hostless.example",
		"pop.acme.example", "bücher.example", "\u212a", "\u00a0", "\u0085", "\xff", "\r\n", "other.example", strings.Repeat("x", 120)}
	hosts := []string{"", "pop.acme.example", "Mail.acme.example.", "pop.globex.example", "other.example", "acme.example"}
	table := mustNew(t, houses)
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 20000 {
		var typed strings.Builder
		for range r.IntN(5) {
			typed.WriteString(pieces[r.IntN(len(pieces))])
		}
		checkResolve(t, table, typed.String(), hosts[r.IntN(len(hosts))])
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// FuzzRoute routes any name: a login is fit for the wire whatever the
// expressions make of it, and a tenant's users stay in their tenant.
func FuzzRoute(f *testing.F) {
	f.Add("test1@acme.example", "")
	f.Add("boss", "pop.acme.example")
	f.Add("oddjoe@x.example", "pop.acme.example")
	f.Add("odd\u00a0 @x", "x")
	table := mustNew(f, streets(f))
	f.Fuzz(func(t *testing.T, typed, host string) {
		n, err := table.Resolve(typed, host)
		if err != nil {
			return
		}
		target, err := table.Route(t.Context(), n, expr.NewEnv(vars(n, host)))
		if err != nil {
			if target != (Target{}) || !errors.Is(err, ErrNoRoute) && !errors.Is(err, ErrExpression) {
				t.Errorf("got %+v, %v", target, err)
			}
			return
		}
		if err := checkName(target.Login); err != nil || target.Backend == nil {
			t.Errorf("target %+v: %v", target, err)
		}
		if own := strings.HasPrefix(target.Rule, `tenant "`+n.Tenant+`" `); own != (n.Tenant != "") {
			t.Errorf("user of tenant %q went by %s", n.Tenant, target.Rule)
		}
	})
}
