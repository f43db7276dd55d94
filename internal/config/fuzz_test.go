package config

import (
	"crypto/tls"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/tools/txtar"
)

// FuzzParse insists that no text makes Parse panic, that each problem can be
// shown, and that a configuration that is accepted has only valid values.
func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		c, diags, files := Parse("config.hcl", src)
		if (c == nil) != diags.HasErrors() {
			t.Fatalf("got a Config: %v, errors: %v", c != nil, diags.HasErrors())
		}
		for _, d := range diags {
			if d.Subject == nil || d.Subject.Filename == "" || d.Detail == "" || d.Summary == "" {
				t.Fatalf("incomplete: %+v", d)
			}
		}
		if err := WriteDiagnostics(new(strings.Builder), files, diags, true); err != nil {
			t.Fatal(err)
		}
		if c != nil {
			validate(t, c)
		}
	})
}

// seed adds configurations, good and bad ones.
func seed(f *testing.F) {
	f.Helper()
	archives, err := filepath.Glob("testdata/problems/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if strings.HasSuffix(file.Name, ".hcl") {
				f.Add(file.Data)
			}
		}
	}
	setSecrets(f) // for everyWord
	f.Add([]byte(least))
	f.Add([]byte(everyWord))
	f.Add([]byte(least + "tenant \"a\" {\n  domains = [\"a.example\"]\n  hosts = [\"pop.a.example\"]\n  backend = \"legacy\"\n}\nhostname = \"a\"\n"))
}

// validate insists on what the doc comments of Config promise.
func validate(t *testing.T, c *Config) {
	t.Helper()
	is := func(ok bool, what string, args ...any) {
		if !ok {
			t.Errorf(what, args...)
		}
	}
	host := func(s string) bool { return s != "" && notHost(s) == "" }

	is(host(c.Hostname), "hostname %q", c.Hostname)
	is(len(c.Listeners) > 0, "no listener")
	for i, l := range c.Listeners {
		h, _, err := net.SplitHostPort(l.Address)
		_, ipErr := netip.ParseAddr(h)
		is(err == nil && (h == "" || ipErr == nil), "listener address %q", l.Address)
		is(l.ProxyFrom == nil || len(l.ProxyFrom) > 0, "no networks")
		for _, p := range l.ProxyFrom {
			is(p.IsValid() && p == p.Masked(), "network %v", p)
		}
		for _, other := range c.Listeners[:i] {
			is(other.Name != l.Name && !overlaps(other.Address, l.Address), "listeners %q and %q", other.Name, l.Name)
		}
	}
	is(c.TLS.MinVersion == tls.VersionTLS12 || c.TLS.MinVersion == tls.VersionTLS13, "TLS version %x", c.TLS.MinVersion)
	is(c.TLS.DefaultHost == "" || host(c.TLS.DefaultHost), "default_host %q", c.TLS.DefaultHost)
	is(c.TLS.SelfSigned || len(c.TLS.Certificates) > 0 || c.TLS.ACME != nil, "no certificate")
	is(!c.TLS.UnknownHostDefault || c.TLS.DefaultHost != "", "no default host")
	is(c.TLS.TicketSecret.Empty() || len(c.TLS.TicketSecret.Reveal()) >= minTicketSecret, "short ticket_secret")
	if c.TLS.ACME != nil {
		validateACME(t, c)
	}
	validateAdmin(t, c)
	for _, cert := range c.TLS.Certificates {
		is(cert.CertFile != "" && cert.KeyFile != "", "certificate %+v", cert)
	}

	backends := make(map[string]bool)
	for _, b := range c.Backends {
		is(!backends[b.Name] && validLabel(b.Name), "backend name %q", b.Name)
		backends[b.Name] = true
		validateBackend(t, c, b)
	}
	is(len(backends) > 0, "no backend")
	is(len(backends) == 1 || len(c.Tenants)+len(c.Routes) > 0, "no way to a backend")

	owned := make(map[string]bool)
	for _, tenant := range c.Tenants {
		is(validLabel(tenant.Name), "tenant name %q", tenant.Name)
		is(len(tenant.Domains) > 0, "tenant without domain")
		is(backends[tenant.Backend] || tenant.Backend == "" && len(tenant.Routes) > 0, "tenant's backend %q", tenant.Backend)
		for _, h := range tenant.Hosts {
			is(host(h) && !owned["host "+h], "host %q", h)
			owned["host "+h] = true
		}
		for _, d := range tenant.Domains {
			is(d != "" && d == lower(d) && !strings.ContainsAny(d, "@ *") && !owned["domain "+d], "domain %q", d)
			owned["domain "+d] = true
		}
		validateRoutes(t, tenant.Routes, backends)
	}
	validateRoutes(t, c.Routes, backends)

	validateLimits(t, c)
	validatePolicies(t, c)
	o := c.Timeouts
	for _, d := range []time.Duration{
		o.Handshake, o.Login, o.FailureDelay, o.Connect, o.Greeting, o.BackendLogin, o.Idle, o.Quit, o.HalfClosed, o.Drain,
	} {
		is(d >= shortest && d <= 24*time.Hour, "timeouts %+v", o)
	}
	is(slices.Contains(logBlock.word("level").oneOf, c.Log.Level), "level %q", c.Log.Level)
	is(slices.Contains(logBlock.word("format").oneOf, c.Log.Format), "format %q", c.Log.Format)
	is(slices.Contains(logBlock.word("failed_users").oneOf, c.Log.FailedUsers), "failed_users %q", c.Log.FailedUsers)
}

func validateAdmin(t *testing.T, c *Config) {
	t.Helper()
	a := c.Admin
	if a.Socket != "" && (!visible(a.Socket) || len(a.Socket) > maxAdminSocket || isFolder(a.Socket)) {
		t.Errorf("socket %q", a.Socket)
	}
	if a.TokenFile != "" && !visible(a.TokenFile) {
		t.Errorf("token_file %q", a.TokenFile)
	}
	for _, h := range a.Hosts {
		if again, wrong := hostName(h); wrong != nil || again != h {
			t.Errorf("host %q", h)
		}
	}
	if a.Address == "" {
		return
	}
	host, _, err := net.SplitHostPort(a.Address)
	if ip, _ := netip.ParseAddr(host); err != nil || a.TokenFile == "" && !ip.IsLoopback() {
		t.Errorf("%q without a token", a.Address)
	}
	for _, l := range c.Listeners {
		if overlaps(l.Address, a.Address) {
			t.Errorf("%q overlaps %q", a.Address, l.Address)
		}
	}
	if acme := c.TLS.ACME; acme != nil && (overlaps(acme.HTTP.Address, a.Address) || overlaps(acme.HTTPS.Address, a.Address)) {
		t.Errorf("%+v overlaps %q", acme, a.Address)
	}
}

func validateACME(t *testing.T, c *Config) {
	t.Helper()
	a := c.TLS.ACME
	hosts := 0
	for _, h := range a.Hosts {
		if again, wrong := certifiedHost(h); wrong != nil || again != h {
			t.Errorf("host %q", h)
		}
		hosts++
	}
	for _, tenant := range c.Tenants {
		hosts += len(tenant.Hosts)
	}
	u, err := url.Parse(a.Directory)
	if hosts == 0 || err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		t.Errorf("%d hosts, directory %q", hosts, a.Directory)
	}
	if a.Email != "" {
		parsed, err := mail.ParseAddress(a.Email)
		if err != nil || parsed.Address != a.Email || strings.ContainsAny(a.Email, " ,:?&%#") {
			t.Errorf("email %q: %v", a.Email, err)
		}
	}
	if !visible(a.Cache) || a.CAFile != "" && !visible(a.CAFile) || a.HTTP.Address == "" && a.HTTPS.Address == "" {
		t.Errorf("acme %+v", a)
	}
	if overlaps(a.HTTP.Address, a.HTTPS.Address) {
		t.Errorf("%q overlaps %q", a.HTTP.Address, a.HTTPS.Address)
	}
	for _, l := range c.Listeners {
		shared := l.Address == a.HTTPS.Address && !l.StartTLS
		if overlaps(a.HTTP.Address, l.Address) || overlaps(a.HTTPS.Address, l.Address) && !shared {
			t.Errorf("%+v overlaps %q", a, l.Address)
		}
	}
	if a.EAB != nil && (!visible(a.EAB.KeyID) || len(a.EAB.HMACKey.Reveal()) < minHMACKey) {
		t.Errorf("key_id %q, hmac_key of %d octets", a.EAB.KeyID, len(a.EAB.HMACKey.Reveal()))
	}
}

func validateBackend(t *testing.T, c *Config, b Backend) {
	t.Helper()
	if len(b.Addresses) == 0 || b.Connections < 0 {
		t.Errorf("backend %+v", b)
	}
	for _, address := range b.Addresses {
		if again, wrong := backendAddress(address); wrong != nil || again != address || !visible(address) {
			t.Errorf("backend address %q", address)
		}
		for _, l := range c.Listeners {
			if leadsTo(address, l.Address) {
				t.Errorf("%q leads to %q", address, l.Address)
			}
		}
		if a := c.TLS.ACME; a != nil && leadsTo(address, a.HTTPS.Address) {
			t.Errorf("%q leads to %q", address, a.HTTPS.Address)
		}
	}
	for _, line := range b.Capabilities {
		tag, _, _ := strings.Cut(line, " ")
		if !visible(line) || line != strings.ToUpper(line) || reserved[tag] != "" {
			t.Errorf("capability %q", line)
		}
	}
	for _, w := range append(slices.Clone(b.InUseWords), b.TemporaryWords...) {
		if len(w) < minRefusalWord || w != lower(w) {
			t.Errorf("word for refusals %q", w)
		}
	}
}

// visible reports whether s can stand in a line of POP3 or of a log.
func visible(s string) bool {
	return s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

func validateRoutes(t *testing.T, routes []Route, backends map[string]bool) {
	t.Helper()
	for i, r := range routes {
		if !backends[r.Backend] || !validLabel(r.Name) {
			t.Errorf("route %q to %q", r.Name, r.Backend)
		}
		if r.Login != nil {
			if v, known := r.Login.Constant(); known && !userName(v.AsString()) {
				t.Errorf("route %q logs in as %q", r.Name, v.AsString())
			}
		}
		if r.When == nil && i < len(routes)-1 {
			t.Errorf("route %q hides %q", r.Name, routes[i+1].Name)
		}
	}
}
