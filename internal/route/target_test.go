package route

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"popgate/internal/expr"
)

// program compiles an expression that must be right.
func program(t testing.TB, src string, typ expr.Type) *expr.Program {
	t.Helper()
	e, diags := hclsyntax.ParseExpression([]byte(src), "config.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	p, diags := expr.Compile(e, typ)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return p
}

// vars are the variables that a session makes of a name.
func vars(n Name, serverName string) expr.Vars {
	return expr.Vars{UserName: n.Typed, UserLocal: n.Local, UserDomain: n.Domain, UserTenant: n.Tenant, ServerName: serverName}
}

// streets are tenants and top-level routes of all kinds.
func streets(t testing.TB) Options {
	when := func(src string) *expr.Program { return program(t, src, expr.Bool) }
	login := func(src string) *expr.Program { return program(t, src, expr.Text) }
	return Options{
		Backends: []Backend{{Name: "one"}, {Name: "two"}, {Name: "three"}},
		Tenants: []Tenant{
			{Name: "acme", Hosts: []string{"pop.acme.example"}, Domains: []string{"acme.example"}, Backend: "one", Routes: []Rule{
				{Name: "test", When: when(`startswith(user.local, "test")`), Backend: "two"},
				{Name: "boss", When: when(`contains(["boss", "test-boss"], user.local)`), Backend: "three", Login: login(`user.local`)},
			}},
			{Name: "routed", Domains: []string{"routed.example"}, Routes: []Rule{
				{Name: "some", When: when(`user.local == "some"`), Backend: "two"},
			}},
			{Name: "never", Domains: []string{"never.example"}},
		},
		Routes: []Rule{
			{Name: "none", When: when(`false`), Backend: "three"},
			{Name: "staff", When: when(`user.domain == "staff.example" && !startswith(user.local, "test")`), Backend: "two", Login: login(`user.local`)},
			{Name: "number", When: when(`can(regex("^[0-9]+$", user.name))`), Backend: "three", Login: login(`"n${user.name}"`)},
			{Name: "odd", When: when(`regex("^odd(.*)@", user.name)[0] != ""`), Backend: "one", Login: login(`replace(user.name, "/^(odd)?([^@]*)@.*/", "$2")`)},
			{Name: "acme", When: when(`user.tenant == "acme" || user.domain == "acme.example"`), Backend: "three"},
		},
	}
}

func TestRoute(t *testing.T) {
	tests := []struct {
		typed, host          string
		backend, login, rule string
		err                  error
	}{
		// Tenants: own routes in order, then the backend.
		{typed: "joe@acme.example", backend: "one", login: "joe@acme.example", rule: `tenant "acme" backend`},
		{typed: "Test1@ACME.example", backend: "two", login: "Test1@ACME.example", rule: `tenant "acme" route "test"`},
		{typed: "test-boss@acme.example", backend: "two", login: "test-boss@acme.example", rule: `tenant "acme" route "test"`},
		{typed: "Boss@acme.example", backend: "three", login: "Boss", rule: `tenant "acme" route "boss"`},
		{typed: "Boss", host: "pop.acme.example", backend: "three", login: "Boss", rule: `tenant "acme" route "boss"`},
		{typed: "joe", host: "pop.acme.example", backend: "one", login: "joe", rule: `tenant "acme" backend`},
		{typed: "some@routed.example", backend: "two", login: "some@routed.example", rule: `tenant "routed" route "some"`},
		{typed: "other@routed.example", err: ErrNoRoute},
		{typed: "joe@never.example", err: ErrNoRoute},
		// Names that top-level routes would take if they weren't a tenant's.
		{typed: "1", host: "pop.acme.example", backend: "one", login: "1", rule: `tenant "acme" backend`},
		// All others: top-level routes in order.
		{typed: "Joe@Staff.example", backend: "two", login: "Joe", rule: `route "staff"`},
		{typed: "007", backend: "three", login: "n007", rule: `route "number"`},
		{typed: "oddJoe@x.example", backend: "one", login: "Joe", rule: `route "odd"`},
		{typed: "oddJoe@x.example", host: "pop.acme.example", backend: "one", login: "Joe", rule: `route "odd"`},
		// A condition or a login that fails isn't passed over.
		{typed: "joe@x.example", err: ErrExpression},
		{typed: "odd@x.example", err: ErrNoRoute},
	}
	table := mustNew(t, streets(t))
	for _, tt := range tests {
		t.Run(tt.typed+" "+tt.host, func(t *testing.T) {
			n, err := table.Resolve(tt.typed, tt.host)
			if err != nil {
				t.Fatal(err)
			}
			got, err := table.Route(t.Context(), n, expr.NewEnv(vars(n, tt.host)))
			if tt.err != nil {
				if !errors.Is(err, tt.err) || got != (Target{}) {
					t.Errorf("got %+v, %v; want %v", got, err, tt.err)
				}
				return
			}
			if err != nil || got.Backend.Name != tt.backend || got.Login != tt.login || got.Rule != tt.rule {
				t.Errorf("got %+v, %v; want %s, %q, %s", got, err, tt.backend, tt.login, tt.rule)
			}
		})
	}
}

func TestRouteOnlyBackend(t *testing.T) {
	opts := Options{
		Backends: []Backend{{Name: "a"}},
		Tenants:  []Tenant{{Name: "t", Domains: []string{"t.example"}}},
	}
	table := mustNew(t, opts)
	n, _ := table.Resolve("joe", "")
	got, err := table.Route(t.Context(), n, expr.NewEnv(vars(n, "")))
	if err != nil || got.Backend != table.Backends()[0] || got.Login != "joe" || got.Rule != "only backend" {
		t.Errorf("got %+v, %v", got, err)
	}
	// A tenant's users don't get it: the tenant doesn't name it.
	n, _ = table.Resolve("joe@t.example", "")
	if got, err := table.Route(t.Context(), n, expr.NewEnv(vars(n, ""))); !errors.Is(err, ErrNoRoute) {
		t.Errorf("got %+v, %v; want %v", got, err, ErrNoRoute)
	}
	opts.Backends = append(opts.Backends, Backend{Name: "b"})
	n, _ = table.Resolve("joe", "")
	if got, err := mustNew(t, opts).Route(t.Context(), n, expr.NewEnv(vars(n, ""))); !errors.Is(err, ErrNoRoute) {
		t.Errorf("with two backends: got %+v, %v; want %v", got, err, ErrNoRoute)
	}
}

// What an expression makes of a name goes to a backend: it is checked like what
// a client types.
func TestRouteChecksLogins(t *testing.T) {
	tests := []struct{ login, typed, reason string }{
		{`replace(user.name, "_", "\r\n")`, "joe_QUIT", "control"},
		{`replace(user.name, "_", "\n")`, "joe_QUIT", "control"},
		{`replace(user.name, "_", "\u0000")`, "joe_x", "control"},
		{`replace(user.name, "_", "\u0085")`, "joe_x", "control"},
		{`replace(user.name, "_", "\u007f")`, "joe_x", "control"},
		{`trimprefix(user.name, "joe")`, "joe", "empty"},
		{`user.domain`, "joe", "empty"},
		{`"${user.name} "`, "joe", "space"},
		{`format("%300s", user.name)`, "joe", "longer than 255"},
		{`"${user.name}."`, "joe", "dot"},
		{`regex("^x", user.name)`, "joe", "doesn't match"},
		{`split("@", user.name)[1]`, "joe", "index"},
	}
	for _, tt := range tests {
		t.Run(tt.login, func(t *testing.T) {
			table := mustNew(t, Options{
				Backends: []Backend{{Name: "a"}},
				Routes:   []Rule{{Name: "r", Backend: "a", Login: program(t, tt.login, expr.Text)}},
			})
			n, err := table.Resolve(tt.typed, "")
			if err != nil {
				t.Fatal(err)
			}
			got, err := table.Route(t.Context(), n, expr.NewEnv(vars(n, "")))
			if !errors.Is(err, ErrExpression) || errors.Is(err, ErrName) || got != (Target{}) {
				t.Fatalf("got %+v, %v; want %v", got, err, ErrExpression)
			}
			if !strings.Contains(err.Error(), tt.reason) || !strings.Contains(err.Error(), `route "r": login`) {
				t.Errorf("got %q; want the route and %q in it", err, tt.reason)
			}
		})
	}
}

// Route doesn't trust that a Name comes from Resolve.
func TestRouteChecksNames(t *testing.T) {
	table := mustNew(t, Options{Backends: []Backend{{Name: "a"}}})
	env := expr.NewEnv(expr.Vars{})
	for _, typed := range []string{"", "joe\r\nQUIT", "joe\x00", "\xff"} {
		if got, err := table.Route(t.Context(), Name{Typed: typed}, env); !errors.Is(err, ErrName) || got != (Target{}) {
			t.Errorf("%q: got %+v, %v; want %v", typed, got, err, ErrName)
		}
	}
	if got, err := table.Route(t.Context(), Name{Typed: "joe", Tenant: "gone"}, env); !errors.Is(err, ErrNoRoute) {
		t.Errorf("tenant that isn't there: got %+v, %v; want %v", got, err, ErrNoRoute)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := table.Route(ctx, Name{Typed: "joe"}, env); !errors.Is(err, context.Canceled) {
		t.Errorf("context that is over: got %+v, %v; want %v", got, err, context.Canceled)
	}
}
