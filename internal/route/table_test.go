package route

import (
	"reflect"
	"strings"
	"testing"

	"popgate/internal/expr"
)

func TestNewRefuses(t *testing.T) {
	one := []Backend{{Name: "a"}}
	tenants := func(ts ...Tenant) Options { return Options{Backends: one, Tenants: ts} }
	tests := []struct {
		name string
		opts Options
		want string
	}{
		{"backend without a name", Options{Backends: []Backend{{}}}, "backend without a name"},
		{"backend twice", Options{Backends: []Backend{{Name: "a"}, {Name: "a"}}}, `backend "a" is there twice`},
		{"tenant without a name", tenants(Tenant{Domains: []string{"x"}}), "tenant without a name"},
		{"tenant twice", tenants(Tenant{Name: "t", Domains: []string{"x"}}, Tenant{Name: "t", Domains: []string{"y"}}), `tenant "t" is there twice`},
		{"no domain", tenants(Tenant{Name: "t"}), `tenant "t" has no domain`},
		{"domain twice", tenants(Tenant{Name: "t", Domains: []string{"x"}}, Tenant{Name: "u", Domains: []string{"X"}}), `tenant "u": domain "x" is there already, in tenant "t"`},
		{"domain twice in a tenant", tenants(Tenant{Name: "t", Domains: []string{"x", "X"}}), `domain "x" is there already`},
		{"host twice", tenants(Tenant{Name: "t", Domains: []string{"x"}, Hosts: []string{"h.x"}}, Tenant{Name: "u", Domains: []string{"y"}, Hosts: []string{"H.x."}}), `tenant "u": host "h.x" is there already, in tenant "t"`},
		{"empty domain", tenants(Tenant{Name: "t", Domains: []string{""}}), `"" can't be a domain`},
		{"domain with an @", tenants(Tenant{Name: "t", Domains: []string{"@x"}}), `"@x" can't be a domain`},
		{"domain with a trailing dot", tenants(Tenant{Name: "t", Domains: []string{"x."}}), `"x." can't be a domain`},
		{"domain with a space", tenants(Tenant{Name: "t", Domains: []string{"x y"}}), `can't be a domain`},
		{"domain with a line end", tenants(Tenant{Name: "t", Domains: []string{"x\r\ny"}}), `can't be a domain`},
		{"domain of invalid UTF-8", tenants(Tenant{Name: "t", Domains: []string{"x\xff"}}), `can't be a domain`},
		{"domain too long", tenants(Tenant{Name: "t", Domains: []string{strings.Repeat("x", 256)}}), `can't be a domain`},
		{"empty host", tenants(Tenant{Name: "t", Domains: []string{"x"}, Hosts: []string{"."}}), `"" can't be a host`},
		{"wildcard host", tenants(Tenant{Name: "t", Domains: []string{"x"}, Hosts: []string{"*.x"}}), `host "*.x": a bare name's tenant can't be found by a wildcard`},
		{"tenant's backend isn't there", tenants(Tenant{Name: "t", Domains: []string{"x"}, Backend: "b"}), `tenant "t": there is no backend "b"`},
		{"tenant's route's backend isn't there", tenants(Tenant{Name: "t", Domains: []string{"x"}, Routes: []Rule{{Name: "r", Backend: "b"}}}), `tenant "t" route "r": there is no backend "b"`},
		{"route's backend isn't there", Options{Backends: one, Routes: []Rule{{Name: "r"}}}, `route "r": there is no backend ""`},
		{"route without a name", Options{Backends: one, Routes: []Rule{{Backend: "a"}}}, `route ""`},
		{"route twice", Options{Backends: one, Routes: []Rule{{Name: "r", Backend: "a"}, {Name: "r", Backend: "a"}}}, `route "r": the name is empty or there twice`},
		{"login that is never a name", Options{Backends: one, Routes: []Rule{{Name: "r", Backend: "a", Login: program(t, `" x"`, expr.Text)}}}, `route "r": login: malformed user name: leading`},
		{"empty capability", Options{Backends: []Backend{{Name: "a", Capabilities: []string{""}}}}, "capability"},
		{"capability with a line end", Options{Backends: []Backend{{Name: "a", Capabilities: []string{"TOP\r\nSTLS"}}}}, "capability"},
		{"capability that ends the list", Options{Backends: []Backend{{Name: "a", Capabilities: []string{"."}}}}, "capability"},
		{"capability with two spaces", Options{Backends: []Backend{{Name: "a", Capabilities: []string{"LOGIN-DELAY  9"}}}}, "capability"},
		{"capability beyond ASCII", Options{Backends: []Backend{{Name: "a", Capabilities: []string{"TÖP"}}}}, "capability"},
		{"capability too long", Options{Backends: []Backend{{Name: "a", Capabilities: []string{"X " + strings.Repeat("x", 509)}}}}, "capability"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			table, err := New(tt.opts)
			if table != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v; want an error with %q", table, err, tt.want)
			}
		})
	}
}

func TestNewNamesAllProblems(t *testing.T) {
	_, err := New(Options{
		Backends: []Backend{{Name: "a"}, {Name: "a"}},
		Tenants:  []Tenant{{Name: "t", Hosts: []string{"*"}, Backend: "b"}},
		Routes:   []Rule{{Name: "r", Backend: "c"}},
	})
	for _, want := range []string{`backend "a"`, "has no domain", "wildcard", `backend "b"`, `backend "c"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want %q in it", err, want)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error isn't one line: %q", err)
	}
}

// Labels may be alike where they can't be confused.
func TestNewAcceptsAlikeLabels(t *testing.T) {
	mustNew(t, Options{
		Backends: []Backend{{Name: "x"}},
		Tenants: []Tenant{
			{Name: "x", Domains: []string{"x"}, Hosts: []string{"x"}, Routes: []Rule{{Name: "x", Backend: "x"}}},
			{Name: "y", Domains: []string{"y"}, Routes: []Rule{{Name: "x", Backend: "x"}}},
		},
		Routes: []Rule{{Name: "x", Backend: "x"}},
	})
	mustNew(t, Options{})
}

// A table is a snapshot: neither what it was made of nor what it gave away can
// change it.
func TestTableIsImmutable(t *testing.T) {
	opts := Options{Backends: []Backend{{Name: "a", Addresses: []string{"192.0.2.1:110"}, Capabilities: []string{"TOP"}}}}
	table := mustNew(t, opts)
	opts.Backends[0].Name = "z"
	opts.Backends[0].Addresses[0] = "z"
	opts.Backends[0].Capabilities[0] = "Z"
	table.Capabilities()[0] = "Z"
	table.Backends()[0] = nil
	want := Backend{Name: "a", Addresses: []string{"192.0.2.1:110"}, Capabilities: []string{"TOP"}}
	if got := *table.Backends()[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v; want %+v", got, want)
	}
	if got := table.Capabilities(); got[0] != "TOP" {
		t.Errorf("got capabilities %q", got)
	}
}

func TestCapabilities(t *testing.T) {
	tests := []struct {
		name     string
		backends [][]string
		want     []string
	}{
		{"no backend", nil, nil},
		{"one", [][]string{{"UIDL", "TOP"}}, []string{"UIDL", "TOP"}},
		{"order of the first", [][]string{{"UIDL", "TOP", "PIPELINING"}, {"PIPELINING", "TOP", "UIDL"}}, []string{"UIDL", "TOP", "PIPELINING"}},
		{"PIPELINING must be in each", [][]string{{"TOP", "PIPELINING"}, {"TOP", "PIPELINING"}, {"TOP"}}, []string{"TOP"}},
		{"case", [][]string{{"Top", "uidl"}, {"UIDL", "tOP"}}, []string{"Top", "uidl"}},
		{"twice", [][]string{{"TOP", "top", "UIDL"}, {"TOP", "TOP"}}, []string{"TOP"}},
		{"twice in one is not once in each", [][]string{{"TOP", "UIDL"}, {"TOP", "TOP"}, {"UIDL"}}, nil},
		{"arguments", [][]string{{"LOGIN-DELAY 60", "X-A b"}, {"LOGIN-DELAY 90", "X-A B"}}, []string{"X-A b"}},
		{"none in one", [][]string{{"TOP"}, nil}, nil},
		{"popgate's own and what it can't hold", [][]string{{"USER", "SASL PLAIN", "sTLS", "RESP-CODES", "AUTH-RESP-CODE", "UTF8 USER", "LANG",
			"EXPIRE 60", "IMPLEMENTATION old", "TOP"}}, []string{"TOP"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var opts Options
			for i, c := range tt.backends {
				opts.Backends = append(opts.Backends, Backend{Name: string(rune('a' + i)), Capabilities: c})
			}
			if got := mustNew(t, opts).Capabilities(); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %q; want %q", got, tt.want)
			}
		})
	}
}

func TestAuthString(t *testing.T) {
	if AuthUser.String() != "user" || AuthPlain.String() != "plain" {
		t.Errorf("got %v and %v", AuthUser, AuthPlain)
	}
}
