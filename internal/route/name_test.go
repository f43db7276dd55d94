package route

import (
	"errors"
	"strings"
	"testing"
)

// houses are two tenants, one of which lets its users come over any host, and
// two backends, so that nobody is routed by accident.
var houses = Options{
	Backends: []Backend{{Name: "legacy"}, {Name: "modern"}},
	Tenants: []Tenant{
		{Name: "acme", Hosts: []string{"pop.acme.example", "Mail.Acme.Example."},
			Domains: []string{"acme.example", "Acme.Test", "bücher.example"}, Backend: "legacy"},
		{Name: "Globex", Hosts: []string{"pop.globex.example"},
			Domains: []string{"globex.example"}, AnyHost: true, Backend: "modern"},
		{Name: "hostless", Domains: []string{"hostless.example"}, Backend: "modern"},
	},
}

// mustNew makes a table of options that must be right.
func mustNew(t testing.TB, opts Options) *Table {
	t.Helper()
	table, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestResolve(t *testing.T) {
	const acme, globex, shared = "pop.acme.example", "pop.globex.example", "pop.example.com"
	long := strings.Repeat("x", maxName-len("@acme.example"))
	tests := []struct {
		name, typed, host string
		want              Name // Typed is filled in by the test
	}{
		// Names with a domain, over hosts of nobody.
		{"tenant's domain", "joe@acme.example", shared, Name{Canonical: "joe@acme.example", Local: "joe", Domain: "acme.example", Tenant: "acme"}},
		{"tenant's domain, no server name", "joe@acme.example", "", Name{Canonical: "joe@acme.example", Local: "joe", Domain: "acme.example", Tenant: "acme"}},
		{"second domain", "joe@acme.test", "", Name{Canonical: "joe@acme.test", Local: "joe", Domain: "acme.test", Tenant: "acme"}},
		{"tenant's label keeps its case", "joe@globex.example", "", Name{Canonical: "joe@globex.example", Local: "joe", Domain: "globex.example", Tenant: "Globex"}},
		{"domain of a tenant without hosts", "joe@hostless.example", "", Name{Canonical: "joe@hostless.example", Local: "joe", Domain: "hostless.example", Tenant: "hostless"}},
		{"nobody's domain", "joe@other.example", "", Name{Canonical: "joe@other.example", Local: "joe", Domain: "other.example"}},
		{"nobody's domain over nobody's host", "joe@other.example", shared, Name{Canonical: "joe@other.example", Local: "joe", Domain: "other.example"}},
		{"nobody's domain over a tenant's host", "joe@other.example", acme, Name{Canonical: "joe@other.example", Local: "joe", Domain: "other.example"}},
		{"subdomain of a tenant's", "joe@sub.acme.example", "", Name{Canonical: "joe@sub.acme.example", Local: "joe", Domain: "sub.acme.example"}},
		{"parent of a tenant's", "joe@example", "", Name{Canonical: "joe@example", Local: "joe", Domain: "example"}},
		{"host is no domain", "joe@pop.acme.example", "", Name{Canonical: "joe@pop.acme.example", Local: "joe", Domain: "pop.acme.example"}},
		{"label is no domain", "joe@acme", "", Name{Canonical: "joe@acme", Local: "joe", Domain: "acme"}},
		// Case.
		{"case of the domain", "joe@ACME.Example", "", Name{Canonical: "joe@acme.example", Local: "joe", Domain: "acme.example", Tenant: "acme"}},
		{"case of the local part", "JOE@acme.example", "", Name{Canonical: "joe@acme.example", Local: "JOE", Domain: "acme.example", Tenant: "acme"}},
		{"case of a configured domain", "joe@aCME.tEST", "", Name{Canonical: "joe@acme.test", Local: "joe", Domain: "acme.test", Tenant: "acme"}},
		{"case of a bare name", "JOE", "", Name{Canonical: "joe", Local: "JOE"}},
		{"only ASCII letters fold", "\u00c4\u212a@acme.example", "", Name{Canonical: "\u00c4\u212a@acme.example", Local: "\u00c4\u212a", Domain: "acme.example", Tenant: "acme"}},
		{"long s in a domain", "joe@acme.te\u017ft", "", Name{Canonical: "joe@acme.te\u017ft", Local: "joe", Domain: "acme.te\u017ft"}},
		{"Kelvin sign in a domain", "joe@\u212a.example", "", Name{Canonical: "joe@\u212a.example", Local: "joe", Domain: "\u212a.example"}},
		// Bare names.
		{"bare, no server name", "joe", "", Name{Canonical: "joe", Local: "joe"}},
		{"bare, nobody's host", "joe", shared, Name{Canonical: "joe", Local: "joe"}},
		{"bare, tenant's host", "joe", acme, Name{Canonical: "joe@acme.example", Local: "joe", Domain: "acme.example", Tenant: "acme"}},
		{"bare, tenant's second host", "Joe", "mail.acme.example", Name{Canonical: "joe@acme.example", Local: "Joe", Domain: "acme.example", Tenant: "acme"}},
		{"bare, any_host tenant's host", "joe", globex, Name{Canonical: "joe@globex.example", Local: "joe", Domain: "globex.example", Tenant: "Globex"}},
		{"bare, subdomain of a tenant's host", "joe", "x.pop.acme.example", Name{Canonical: "joe", Local: "joe"}},
		{"bare, tenant's domain as the host", "joe", "acme.example", Name{Canonical: "joe", Local: "joe"}},
		{"bare name that looks like a domain", "acme.example", "", Name{Canonical: "acme.example", Local: "acme.example"}},
		// Server names.
		{"case of the server name", "joe", "POP.Acme.EXAMPLE", Name{Canonical: "joe@acme.example", Local: "joe", Domain: "acme.example", Tenant: "acme"}},
		{"trailing dot of the server name", "joe", "pop.acme.example.", Name{Canonical: "joe@acme.example", Local: "joe", Domain: "acme.example", Tenant: "acme"}},
		{"two trailing dots of the server name", "joe", "pop.acme.example..", Name{Canonical: "joe", Local: "joe"}},
		{"server name is a dot", "joe", ".", Name{Canonical: "joe", Local: "joe"}},
		{"server name is an address", "joe", "192.0.2.1", Name{Canonical: "joe", Local: "joe"}},
		{"server name of odd bytes", "joe", "pop.acme.example\x00\xff", Name{Canonical: "joe", Local: "joe"}},
		{"server name of nobody with a Kelvin sign", "joe", "\u212a.example", Name{Canonical: "joe", Local: "joe"}},
		// Hosts of tenants.
		{"own host", "joe@acme.example", acme, Name{Canonical: "joe@acme.example", Local: "joe", Domain: "acme.example", Tenant: "acme"}},
		{"own host, other domain of the tenant", "joe@acme.test", acme, Name{Canonical: "joe@acme.test", Local: "joe", Domain: "acme.test", Tenant: "acme"}},
		{"any_host over another tenant's host", "joe@globex.example", acme, Name{Canonical: "joe@globex.example", Local: "joe", Domain: "globex.example", Tenant: "Globex"}},
		// Plain characters.
		{"percent", "joe%acme.example", "", Name{Canonical: "joe%acme.example", Local: "joe%acme.example"}},
		{"percent over a tenant's host", "joe%globex.example", acme, Name{Canonical: "joe%globex.example@acme.example", Local: "joe%globex.example", Domain: "acme.example", Tenant: "acme"}},
		{"percent before an @", "joe%globex.example@acme.example", "", Name{Canonical: "joe%globex.example@acme.example", Local: "joe%globex.example", Domain: "acme.example", Tenant: "acme"}},
		{"backslash", `ACME\joe`, "", Name{Canonical: `acme\joe`, Local: `ACME\joe`}},
		{"slash, plus, colon, hash", "joe+x/y:z#1@acme.example", "", Name{Canonical: "joe+x/y:z#1@acme.example", Local: "joe+x/y:z#1", Domain: "acme.example", Tenant: "acme"}},
		{"quotes", `"joe"@acme.example`, "", Name{Canonical: `"joe"@acme.example`, Local: `"joe"`, Domain: "acme.example", Tenant: "acme"}},
		{"inner space", "joe doe@acme.example", "", Name{Canonical: "joe doe@acme.example", Local: "joe doe", Domain: "acme.example", Tenant: "acme"}},
		{"space before the @", "joe @acme.example", "", Name{Canonical: "joe @acme.example", Local: "joe ", Domain: "acme.example", Tenant: "acme"}},
		{"space behind the @", "joe@ acme.example", "", Name{Canonical: "joe@ acme.example", Local: "joe", Domain: " acme.example"}},
		{"NBSP is kept", "\u00a0joe\u00a0", "", Name{Canonical: "\u00a0joe\u00a0", Local: "\u00a0joe\u00a0"}},
		{"NBSP behind a domain isn't that domain", "joe@acme.example\u00a0", "", Name{Canonical: "joe@acme.example\u00a0", Local: "joe", Domain: "acme.example\u00a0"}},
		{"BOM is kept", "\ufeffjoe", "", Name{Canonical: "\ufeffjoe", Local: "\ufeffjoe"}},
		{"U+FFFD itself", "jo\ufffd", "", Name{Canonical: "jo\ufffd", Local: "jo\ufffd"}},
		{"dots in a bare name", ".joe..doe", "", Name{Canonical: ".joe..doe", Local: ".joe..doe"}},
		{"dot before the @", "joe.@acme.example", "", Name{Canonical: "joe.@acme.example", Local: "joe.", Domain: "acme.example", Tenant: "acme"}},
		{"leading dot of the domain", "joe@.acme.example", "", Name{Canonical: "joe@.acme.example", Local: "joe", Domain: ".acme.example"}},
		{"address literal", "joe@[192.0.2.1]", "", Name{Canonical: "joe@[192.0.2.1]", Local: "joe", Domain: "[192.0.2.1]"}},
		{"digits", "0", "", Name{Canonical: "0", Local: "0"}},
		// Beyond ASCII.
		{"UTF-8 local part", "jürgen@acme.example", "", Name{Canonical: "jürgen@acme.example", Local: "jürgen", Domain: "acme.example", Tenant: "acme"}},
		{"UTF-8 domain as configured", "joe@bücher.example", "", Name{Canonical: "joe@bücher.example", Local: "joe", Domain: "bücher.example", Tenant: "acme"}},
		{"its Punycode is another domain", "joe@xn--bcher-kva.example", "", Name{Canonical: "joe@xn--bcher-kva.example", Local: "joe", Domain: "xn--bcher-kva.example"}},
		{"its decomposed form is another domain", "joe@bu\u0308cher.example", "", Name{Canonical: "joe@bu\u0308cher.example", Local: "joe", Domain: "bu\u0308cher.example"}},
		{"full-width @ is no @", "joe\uff20acme.example", "", Name{Canonical: "joe\uff20acme.example", Local: "joe\uff20acme.example"}},
		{"emoji", "\U0001F4EB", "", Name{Canonical: "\U0001F4EB", Local: "\U0001F4EB"}},
		{"right-to-left mark", "\u200fjoe", "", Name{Canonical: "\u200fjoe", Local: "\u200fjoe"}},
		// Length.
		{"longest name", long + "@acme.example", "", Name{Canonical: long + "@acme.example", Local: long, Domain: "acme.example", Tenant: "acme"}},
		{"longest bare name with its domain", long, acme, Name{Canonical: long + "@acme.example", Local: long, Domain: "acme.example", Tenant: "acme"}},
	}
	table := mustNew(t, houses)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Typed = tt.typed
			got, err := table.Resolve(tt.typed, tt.host)
			if err != nil || got != tt.want {
				t.Errorf("Resolve(%q, %q) = %+v, %v; want %+v", tt.typed, tt.host, got, err, tt.want)
			}
		})
	}
}

func TestResolveRefuses(t *testing.T) {
	const acme, globex = "pop.acme.example", "pop.globex.example"
	tests := []struct {
		name, typed, host string
		err               error
		reason            string
	}{
		{"empty", "", "", ErrName, "empty"},
		{"empty on a tenant's host", "", acme, ErrName, "empty"},
		{"only a space", " ", "", ErrName, "space"},
		{"leading space", " joe@acme.example", "", ErrName, "leading or trailing space"},
		{"trailing space", "joe@acme.example ", "", ErrName, "leading or trailing space"},
		{"trailing space of a bare name", "joe ", acme, ErrName, "leading or trailing space"},
		{"only an @", "@", "", ErrName, "empty local part"},
		{"empty local part", "@acme.example", "", ErrName, "empty local part"},
		{"empty domain", "joe@", "", ErrName, "empty domain"},
		{"empty domain on a tenant's host", "joe@", acme, ErrName, "empty domain"},
		{"two @", "joe@acme.example@globex.example", "", ErrName, "several @"},
		{"two @, the last one empty", "joe@acme.example@", "", ErrName, "several @"},
		{"@@", "joe@@acme.example", "", ErrName, "several @"},
		{"quoted @", `"joe@x"@acme.example`, "", ErrName, "several @"},
		{"trailing dot", "joe@acme.example.", "", ErrName, "trailing dot"},
		{"domain is a dot", "joe@.", "", ErrName, "trailing dot"},
		{"trailing dot of a bare name", "joe.", "", ErrName, "trailing dot"},
		{"NUL", "joe\x00@acme.example", "", ErrName, "control"},
		{"CR LF", "joe\r\nQUIT", "", ErrName, "control"},
		{"LF at the end", "joe@acme.example\n", "", ErrName, "control"},
		{"CR", "joe\r", "", ErrName, "control"},
		{"TAB", "joe\tx", "", ErrName, "control"},
		{"escape", "\x1b[31mjoe", "", ErrName, "control"},
		{"DEL", "joe\x7f", "", ErrName, "control"},
		{"U+0080", "joe\u0080", "", ErrName, "control"},
		{"NEL", "\u0085joe", "", ErrName, "control"},
		{"U+009F", "joe@acme.example\u009f", "", ErrName, "control"},
		{"invalid UTF-8", "joe\xff", "", ErrName, "UTF-8"},
		{"Latin-1", "j\xfcrgen@acme.example", "", ErrName, "UTF-8"},
		{"raw C1 byte", "joe\x85", "", ErrName, "UTF-8"},
		{"overlong slash", "joe\xc0\xaf", "", ErrName, "UTF-8"},
		{"surrogate", "joe\xed\xa0\x80", "", ErrName, "UTF-8"},
		{"cut UTF-8", "joe\xc3", "", ErrName, "UTF-8"},
		{"too long", strings.Repeat("x", maxName+1), "", ErrName, "longer"},
		{"too long with its domain", strings.Repeat("x", maxName), acme, ErrName, "longer"},
		{"another tenant's host", "joe@acme.example", globex, ErrForeignHost, `"acme" on a host of "Globex"`},
		{"another tenant's host, second domain", "joe@acme.test", globex, ErrForeignHost, "acme"},
		{"another tenant's host, cases and dot", "joe@ACME.example", "POP.GLOBEX.EXAMPLE.", ErrForeignHost, "acme"},
		{"a tenant without hosts on a tenant's host", "joe@hostless.example", acme, ErrForeignHost, "hostless"},
	}
	table := mustNew(t, houses)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := table.Resolve(tt.typed, tt.host)
			if !errors.Is(err, tt.err) || got != (Name{}) {
				t.Fatalf("Resolve(%q, %q) = %+v, %v; want %v", tt.typed, tt.host, got, err, tt.err)
			}
			if !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("got reason %q; want %q in it", err, tt.reason)
			}
			if len(tt.typed) > 3 && strings.Contains(err.Error(), tt.typed) {
				t.Errorf("the error repeats what the client sent: %q", err)
			}
		})
	}
}

func TestServes(t *testing.T) {
	table := mustNew(t, houses)
	for domain, want := range map[string]bool{
		"acme.example": true, "ACME.test": true, "globex.example": true, "bücher.example": true,
		"": false, "other.example": false, "pop.acme.example": false, "acme.example.": false,
	} {
		if got := table.Serves(domain); got != want {
			t.Errorf("Serves(%q) = %v", domain, got)
		}
	}
}
