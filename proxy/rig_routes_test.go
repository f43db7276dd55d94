package proxy_test

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"popgate/internal/expr"
	"popgate/internal/poptest"
	"popgate/internal/route"
)

// routes makes the table of backends, tenants and routes:
//
//	set backend=east auth=plain capabilities=TOP,UIDL connections=2 addresses=a:110,b:110
//	set tenant=acme hosts=pop.tenants.example domains=acme.example backend=east any_host
//	set route=staff east
//	set route_when=staff user.domain == "staff.example"
//	set route_login=staff user.local
//
// Without a backend there is one, "east" at 192.0.2.110:110.
func (r *rig) routes(set poptest.Settings) *route.Table {
	r.tb.Helper()
	lines := set["backend"]
	if len(lines) == 0 {
		lines = []string{"east addresses=192.0.2.110:110"}
	}
	var opts route.Options
	for _, line := range lines {
		opts.Backends = append(opts.Backends, r.backend(line))
	}
	for _, line := range set["tenant"] {
		opts.Tenants = append(opts.Tenants, tenant(line))
	}
	for _, line := range set["route"] {
		name, backend, _ := strings.Cut(line, " ")
		opts.Routes = append(opts.Routes, route.Rule{
			Name: name, Backend: backend,
			When: r.program(set["route_when"], name, expr.Bool), Login: r.program(set["route_login"], name, expr.Text),
		})
	}
	table, err := route.New(opts)
	if err != nil {
		r.tb.Fatal(err)
	}
	for _, line := range lines {
		r.listen(line)
	}
	return table
}

// program compiles the expression that one of lines has for a route; nil if
// there is none.
func (r *rig) program(lines []string, name string, want expr.Type) *expr.Program {
	r.tb.Helper()
	for _, line := range lines {
		text, ok := strings.CutPrefix(line, name+" ")
		if !ok {
			continue
		}
		parsed, diags := hclsyntax.ParseExpression([]byte(text), "transcript", hcl.InitialPos)
		if diags.HasErrors() {
			r.tb.Fatal(diags)
		}
		program, diags := expr.Compile(parsed, want)
		if diags.HasErrors() {
			r.tb.Fatal(diags)
		}
		return program
	}
	return nil
}

// backend is what one of the lines above says. in_use= and temporary= replace
// the words that refusals are known by; in them _ is a space.
func (r *rig) backend(line string) route.Backend {
	name, words := parseWords(line)
	usual := r.standard.Backends[0]
	b := route.Backend{
		Name: name, Capabilities: usual.Capabilities,
		InUseWords: usual.InUseWords, TemporaryWords: usual.TemporaryWords,
	}
	if words["auth"] == "plain" {
		b.Auth = route.AuthPlain
	}
	for key, list := range map[string]*[]string{
		"capabilities": &b.Capabilities, "in_use": &b.InUseWords, "temporary": &b.TemporaryWords,
	} {
		if value := words[key]; value != "" {
			*list = strings.Split(strings.ReplaceAll(value, "_", " "), ",")
		}
	}
	b.Connections, _ = strconv.Atoi(words["connections"])
	for _, address := range strings.Split(words["addresses"], ",") {
		address = strings.TrimPrefix(address, "refused:")
		b.Addresses = append(b.Addresses, strings.TrimPrefix(address, "silent:"))
	}
	return b
}

// listen puts a backend at each of a line's addresses, but at none that is
// refused:host:port, silent:host:port or popgate's own. The second address of
// east is that of east2.
func (r *rig) listen(line string) {
	name, words := parseWords(line)
	for i, address := range strings.Split(words["addresses"], ",") {
		at, silent := strings.CutPrefix(address, "silent:")
		at = strings.TrimPrefix(at, "unix:")
		switch {
		case silent:
			r.network.OnDial(at, poptest.BlackHole)
		case strings.HasPrefix(address, "refused:"), at == listenAt:
		default:
			key := name
			if i > 0 {
				key += strconv.Itoa(i + 1)
			}
			r.backends[key] = poptest.NewBackend(r.network.Listen(at), nil)
		}
	}
}

func tenant(line string) route.Tenant {
	name, words := parseWords(line)
	t := route.Tenant{Name: name, Backend: words["backend"], Domains: strings.Split(words["domains"], ",")}
	if hosts := words["hosts"]; hosts != "" {
		t.Hosts = strings.Split(hosts, ",")
	}
	_, t.AnyHost = words["any_host"]
	return t
}

func parseWords(line string) (name string, words map[string]string) {
	fields := strings.Fields(line)
	words = make(map[string]string)
	for _, field := range fields[1:] {
		key, value, _ := strings.Cut(field, "=")
		words[key] = value
	}
	return fields[0], words
}

// lookUp answers from `set host=name ip,ip`.
func (r *rig) lookUp(set poptest.Settings) func(context.Context, string) ([]netip.Addr, error) {
	return func(_ context.Context, host string) ([]netip.Addr, error) {
		for _, line := range set["host"] {
			name, list, _ := strings.Cut(line, " ")
			if name != host {
				continue
			}
			var addrs []netip.Addr
			for _, addr := range strings.Split(list, ",") {
				addrs = append(addrs, netip.MustParseAddr(addr))
			}
			return addrs, nil
		}
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
}
