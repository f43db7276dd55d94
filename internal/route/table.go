package route

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"popgate/internal/expr"
)

// Table is a snapshot of all backends, tenants and routes. It never changes, and
// is safe for many goroutines; make one with [New].
type Table struct {
	backends     []*Backend
	capabilities []string
	rules        []rule             // top-level
	only         *rule              // to the only backend; nil if there are several
	tenants      map[string]*tenant // by label
	hosts        map[string]*tenant // by folded server name
	domains      map[string]*tenant // by folded domain
}

// tenant is a Tenant whose references are resolved.
type tenant struct {
	name     string
	domain   string // the first one, for bare names
	anyHost  bool
	rules    []rule
	fallback *rule // to the tenant's backend; nil: none
}

// rule is a Rule whose references are resolved.
type rule struct {
	when   *expr.Program // nil: always
	login  *expr.Program // nil: what was typed
	target Target        // all but the login
}

// builder makes a table and collects what is wrong with its parts.
type builder struct {
	table    *Table
	byName   map[string]*Backend
	problems []string
}

// New makes a table. It fails, naming all problems, if a label, host or domain
// is there twice or can't be one, if a backend isn't there, if a tenant has no
// domain, or if a login that doesn't depend on the user can't be a user name.
func New(opts Options) (*Table, error) {
	b := builder{
		table: &Table{
			tenants: make(map[string]*tenant, len(opts.Tenants)),
			hosts:   make(map[string]*tenant, len(opts.Tenants)),
			domains: make(map[string]*tenant, len(opts.Tenants)),
		},
		byName: make(map[string]*Backend, len(opts.Backends)),
	}
	for _, backend := range opts.Backends {
		b.backend(backend)
	}
	if len(b.table.backends) == 1 {
		b.table.only = &rule{target: Target{Backend: b.table.backends[0], Rule: "only backend"}}
	}
	for _, t := range opts.Tenants {
		b.tenant(t)
	}
	b.table.rules = b.rules("", opts.Routes)
	if len(b.problems) > 0 {
		return nil, errors.New("routing table: " + strings.Join(b.problems, "; "))
	}
	b.table.capabilities = shared(b.table.backends)
	return b.table, nil
}

// fail notes a problem.
func (b *builder) fail(format string, args ...any) {
	b.problems = append(b.problems, fmt.Sprintf(format, args...))
}

// backend adds a copy of in, so that the caller can't change the table.
func (b *builder) backend(in Backend) {
	switch {
	case in.Name == "":
		b.fail("backend without a name")
	case b.byName[in.Name] != nil:
		b.fail("backend %q is there twice", in.Name)
	}
	for _, c := range in.Capabilities {
		if !validCapability(c) {
			b.fail("backend %q: capability %q is not one line of printable ASCII", in.Name, c)
		}
	}
	in.Addresses = slices.Clone(in.Addresses)
	in.Capabilities = slices.Clone(in.Capabilities)
	in.InUseWords = slices.Clone(in.InUseWords)
	in.TemporaryWords = slices.Clone(in.TemporaryWords)
	b.byName[in.Name] = &in
	b.table.backends = append(b.table.backends, &in)
}

// tenant adds in under its label, its hosts and its domains.
func (b *builder) tenant(in Tenant) {
	where := fmt.Sprintf("tenant %q", in.Name)
	t := &tenant{name: in.Name, anyHost: in.AnyHost}
	switch {
	case in.Name == "":
		b.fail("tenant without a name") // "" means no tenant in a Name
	case b.table.tenants[in.Name] != nil:
		b.fail("%s is there twice", where)
	}
	b.table.tenants[in.Name] = t
	if len(in.Domains) == 0 {
		b.fail("%s has no domain", where)
	} else {
		t.domain = fold(in.Domains[0])
	}
	for _, d := range in.Domains {
		b.claim(b.table.domains, where, "domain", fold(d), t)
	}
	for _, h := range in.Hosts {
		if strings.Contains(h, "*") {
			b.fail("%s: host %q: a bare name's tenant can't be found by a wildcard", where, h)
		}
		b.claim(b.table.hosts, where, "host", foldHost(h), t)
	}
	t.rules = b.rules(where+" ", in.Routes)
	if in.Backend != "" {
		t.fallback = &rule{target: Target{Backend: b.find(where, in.Backend), Rule: where + " backend"}}
	}
}

// claim puts t under key, which no tenant may have yet.
func (b *builder) claim(m map[string]*tenant, where, what, key string, t *tenant) {
	switch owner := m[key]; {
	case key == "" || len(key) > maxName || !utf8.ValidString(key) || strings.HasSuffix(key, ".") ||
		strings.ContainsFunc(key, func(r rune) bool { return isControl(r) || r == ' ' || r == '@' }):
		b.fail("%s: %q can't be a %s", where, key, what)
	case owner != nil:
		b.fail("%s: %s %q is there already, in tenant %q", where, what, key, owner.name)
	default:
		m[key] = t
	}
}

// rules resolves the routes of a tenant or of the top level.
func (b *builder) rules(scope string, in []Rule) []rule {
	out := make([]rule, 0, len(in))
	seen := make(map[string]bool, len(in))
	for _, r := range in {
		where := fmt.Sprintf("%sroute %q", scope, r.Name)
		if r.Name == "" || seen[r.Name] {
			b.fail("%s: the name is empty or there twice", where)
		}
		seen[r.Name] = true
		if r.Login != nil {
			if v, ok := r.Login.Constant(); ok {
				if err := checkName(v.AsString()); err != nil {
					b.fail("%s: login: %v", where, err)
				}
			}
		}
		out = append(out, rule{when: r.When, login: r.Login, target: Target{Backend: b.find(where, r.Backend), Rule: where}})
	}
	return out
}

// find returns the backend of a name that where refers to.
func (b *builder) find(where, name string) *Backend {
	backend := b.byName[name]
	if backend == nil {
		b.fail("%s: there is no backend %q", where, name)
	}
	return backend
}

// Serves reports whether domain, in any case of its ASCII letters, is one of a
// tenant's.
func (t *Table) Serves(domain string) bool { return t.domains[fold(domain)] != nil }

// Backends returns all backends in their order in the configuration. They are
// the table's own and must not be changed.
func (t *Table) Backends() []*Backend { return slices.Clone(t.backends) }
