package main

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"popgate/internal/config"
)

// setVariables sets the three variables, or unsets them.
func setVariables(t *testing.T, v variables) {
	t.Helper()
	t.Setenv(backendVariable, v.backend)
	t.Setenv(hostsVariable, v.hosts)
	t.Setenv(emailVariable, v.email)
}

// wordsOf is what the variables are about: the words that they can set.
type wordsOf struct {
	hostname         string
	hosts, addresses []string
	email            string
}

// split takes the words that variables set out of a configuration, and leaves
// the rest.
func split(cfg *config.Config) (words wordsOf, rest config.Config) {
	rest = *cfg
	acme := *cfg.TLS.ACME
	rest.Backends = slices.Clone(cfg.Backends)
	rest.TLS.ACME = &acme
	words = wordsOf{rest.Hostname, acme.Hosts, rest.Backends[0].Addresses, acme.Email}
	rest.Hostname, acme.Hosts, rest.Backends[0].Addresses, acme.Email = "", nil, nil, ""
	return words, rest
}

// TestVariables: they make the configuration that a file of their words makes.
func TestVariables(t *testing.T) {
	for name, test := range map[string]struct {
		given variables
		want  wordsOf
	}{
		"two are enough": {
			variables{"10.0.0.5", "pop.example.com", ""},
			wordsOf{"pop.example.com", []string{"pop.example.com"}, []string{"10.0.0.5:110"}, ""},
		},
		"all of them": {
			variables{"mail_server:1110", "Pop.Example.com", "postmaster@example.com"},
			wordsOf{"pop.example.com", []string{"pop.example.com"}, []string{"mail_server:1110"}, "postmaster@example.com"},
		},
		"several": {
			variables{"10.0.0.5, [2001:db8::5]:1110 ,old.example.com", "a.example.com b.example.com,c.example.com,\n", " a@example.com\n"},
			wordsOf{"a.example.com", []string{"a.example.com", "b.example.com", "c.example.com"},
				[]string{"10.0.0.5:110", "[2001:db8::5]:1110", "old.example.com:110"}, "a@example.com"},
		},
		"a socket": {
			variables{"unix:/run/${x} \"y\".sock", "pop.example.com", ""},
			wordsOf{"pop.example.com", []string{"pop.example.com"}, []string{"unix:/run/${x} \"y\".sock"}, ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, diags, _ := test.given.parse()
			if len(diags) > 0 {
				t.Fatal(diags)
			}
			if words, _ := split(cfg); !reflect.DeepEqual(words, test.want) {
				t.Errorf("got %q, want %q", words, test.want)
			}
		})
	}
}

// TestVariablesMended: what is wrong is told once, and names the variable and a
// way to mend it.
func TestVariablesMended(t *testing.T) {
	good := variables{"10.0.0.5", "pop.example.com", ""}
	for name, test := range map[string]struct {
		given variables
		says  []string
		times int // problems; 0: one
	}{
		"no hosts":     {variables{backend: good.backend}, []string{"Variable not set", hostsVariable, "as in POPGATE_HOSTS=pop.example.com"}, 0},
		"only commas":  {variables{good.backend, " , ", ""}, []string{"Variable not set", hostsVariable}, 0},
		"no backend":   {variables{hosts: good.hosts}, []string{"Variable not set", backendVariable, "as in POPGATE_BACKEND=10.0.0.5:110"}, 0},
		"email alone":  {variables{email: "a@example.com"}, []string{"Variable not set", backendVariable, hostsVariable}, 2},
		"no UTF-8":     {variables{"unix:/run/\xff", good.hosts, ""}, []string{"Variable not readable", backendVariable}, 0},
		"a wildcard":   {variables{good.backend, "*.example.com", ""}, []string{"Invalid host name", "POPGATE_HOSTS.", "write each name"}, 0},
		"no domain":    {variables{good.backend, "localhost", ""}, []string{"Host without domain", "POPGATE_HOSTS."}, 0},
		"twice":        {variables{good.backend, "a.example.com A.example.com", ""}, []string{"Value listed twice", "POPGATE_HOSTS."}, 0},
		"a URL":        {variables{"pop3://10.0.0.5", good.hosts, ""}, []string{"Invalid backend address", "POPGATE_BACKEND.", "leave everything before"}, 0},
		"a bad port":   {variables{"10.0.0.5:0", good.hosts, ""}, []string{"Invalid backend address", "POPGATE_BACKEND."}, 0},
		"itself":       {variables{"127.0.0.1:995", good.hosts, ""}, []string{"Proxy dials itself", "POPGATE_BACKEND."}, 0},
		"two emails":   {variables{good.backend, good.hosts, "a@example.com, b@example.com"}, []string{"Invalid email address", "POPGATE_EMAIL."}, 0},
		"more of HCL":  {variables{good.backend, good.hosts, "a@example.com\"\n} log { level = \"off\" } #"}, []string{"Invalid email address", "POPGATE_EMAIL."}, 0},
		"a template":   {variables{good.backend, "${file(\"/etc/shadow\")}.example.com", ""}, []string{"Invalid host name", `${file`}, 0},
		"all the same": {variables{"10.0.0.5:x", "pop_3.example.com", "no"}, []string{backendVariable, hostsVariable, emailVariable}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			setVariables(t, test.given)
			r := runHere(t, "check")
			r.err = strings.Join(strings.Fields(r.err), " ") // lines are wrapped
			r.wantCode(t, exitUsage, test.says...)
			if n := strings.Count(r.err, "Error: "); n != max(1, test.times) {
				t.Errorf("%d problems are told:\n%s", n, r.err)
			}
		})
	}
}

// TestManyBadVariables: each of many bad names is shown alone, not all with each.
func TestManyBadVariables(t *testing.T) {
	const many = 200
	t.Chdir(t.TempDir())
	setVariables(t, variables{"10.0.0.5", strings.Repeat("x_1.example.com,", many), ""})
	r := runHere(t, "check")
	r.wantCode(t, exitUsage, "x_1.example.com")
	if n := strings.Count(r.err, "Error: "); n < many || len(r.err) > 1000*many {
		t.Errorf("%d problems are told in %d octets", n, len(r.err))
	}
}

// TestVariablesOrFile: a file wins, and says so where variables come to nothing.
func TestVariablesOrFile(t *testing.T) {
	s := newSite(t)
	given := variables{"10.0.0.5", "pop.example.com", ""}
	elsewhere := t.TempDir()
	conf := filepath.Join(t.TempDir(), "conf.hcl")
	asks := strings.Replace(s.text(""), backendAt(s.port), "backend \"a\" { address = env(\"POPGATE_BACKEND\") }\n", 1)
	asks = strings.ReplaceAll(asks, siteName+".", filepath.Join(s.dir, siteName)+".")
	if err := os.WriteFile(conf, []byte(asks), 0o600); err != nil {
		t.Fatal(err)
	}
	const warning = "Warning: Variable without effect"
	for name, test := range map[string]struct {
		given  variables
		folder string
		args   []string
		out    string   // how standard output begins
		warned []string // of which variables
	}{
		"variables":              {given, elsewhere, nil, "the environment is fine: 1 listener, 1 backend, 0 tenants, 0 routes\n", nil},
		"a file here":            {given, s.dir, nil, "config.hcl is fine: ", []string{backendVariable, hostsVariable}},
		"a file here, none set":  {variables{}, s.dir, nil, "config.hcl is fine: ", nil},
		"a file as it is told":   {given, elsewhere, []string{"--config", s.config}, s.config + " is fine: ", []string{backendVariable, hostsVariable}},
		"a file that asks":       {given, elsewhere, []string{"--config", conf}, conf + " is fine: ", []string{hostsVariable}},
		"a file that is missing": {given, elsewhere, []string{"--config", "config.hcl"}, "", []string{backendVariable, hostsVariable}},
		"neither":                {variables{}, elsewhere, nil, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(test.folder)
			setVariables(t, test.given)
			r := runHere(t, append([]string{"check"}, test.args...)...)
			if test.out == "" {
				r.wantCode(t, exitUsage, "Configuration not readable")
			} else if r.code != exitOK || !strings.HasPrefix(r.out, test.out) {
				t.Errorf("%d, %q, %q", r.code, r.out, r.err)
			}
			if n := strings.Count(r.err, warning); n != len(test.warned) {
				t.Errorf("%d warnings:\n%s", n, r.err)
			}
			for _, name := range test.warned {
				if !strings.Contains(r.err, name+" is set") {
					t.Errorf("no warning of %s:\n%s", name, r.err)
				}
			}
		})
	}
}

// TestVariablesUnset: who starts popgate with nothing at all is told of both ways.
func TestVariablesUnset(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, command := range []string{"serve", "check"} {
		runHere(t, command).wantCode(t, exitUsage, "Configuration not readable", "Or set POPGATE_BACKEND and POPGATE_HOSTS")
	}
}

// TestVariablesForCommands: commands that need a configuration where no popgate
// runs take them, too.
func TestVariablesForCommands(t *testing.T) {
	if _, err := os.Stat(defaultSocket); err == nil {
		t.Skip("SKIPPED: a popgate runs here")
	}
	t.Chdir(t.TempDir())
	setVariables(t, variables{"10.0.0.5", "pop.example.com", ""})
	runHere(t, "explain", "bob", "--from", "192.0.2.7").wantCode(t, exitOK)
	runHere(t, "cert", "list").wantCode(t, exitOK, "no popgate is running that answers on "+defaultSocket+": showing")
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // it would ask the CA
	out, errs := newOutput(), newOutput()
	code := run(ctx, []string{"cert", "check"}, streams{in: eof{}, out: out, err: errs})
	result{code, out.String(), errs.String()}.wantCode(t, exitFailed, "stopped before all was checked")
}

// FuzzVariables: whatever they hold, they set their own words and no others, or
// are an error that names one of them.
func FuzzVariables(f *testing.F) {
	f.Add("10.0.0.5", "pop.example.com", "")
	f.Add("mail:110,unix:/run/a.sock", "a.example.com, b.example.com", "A@example.com")
	f.Add("a", "a.example.com", "\"a@B\"@Example.COM")
	f.Add("x\" }\nbackend \"b\" { address = \"y", "a.example.com\"]\n} } tls { self_signed = true } #", "a@example.com\"\ncache = \"/tmp")
	f.Add("${env(\"HOME\")}", "%{if true}a.example.com%{endif}", "\\\"${1}@example.com")
	f.Add("unix:/\u0301\u2028\x00", "a.example.com\x85b.example.com", "e\u0301@example.com")
	base, _, _ := variables{"10.0.0.5", "pop.example.com", ""}.parse()
	_, usual := split(base)
	f.Fuzz(func(t *testing.T, backend, hosts, email string) {
		v := variables{backend, hosts, email}
		cfg, diags, _ := v.parse()
		if cfg == nil {
			if !diags.HasErrors() {
				t.Fatalf("%q make nothing, and no error", v)
			}
			for _, d := range diags {
				if !strings.Contains(d.Detail, "POPGATE_") {
					t.Errorf("%q: no variable is named: %s: %s", v, d.Summary, d.Detail)
				}
			}
			return
		}
		words, rest := split(cfg)
		if !reflect.DeepEqual(rest, usual) {
			t.Errorf("%q change more than their words: %+v", v, rest)
		}
		address := strings.TrimSpace(email)
		if at := strings.LastIndexByte(address, '@'); at >= 0 {
			address = address[:at] + strings.ToLower(address[at:])
		}
		each := func(s string) []string {
			return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
		}
		if !slices.Equal(words.hosts, each(hosts)) || words.hostname != words.hosts[0] || words.email != address {
			t.Errorf("%q became %q", v, words)
		}
		if strings.Count(strings.Trim(backend, ","), ",") < len(words.addresses)-1 {
			t.Errorf("%q became the addresses %q", backend, words.addresses)
		}
	})
}

// TestVariablesInDocs: docs/configuration.md has all of them, and the file that
// they are the same as.
func TestVariablesInDocs(t *testing.T) {
	doc := document(t, "docs/configuration.md")
	_, section, _ := strings.Cut(doc, "\n## The environment instead of a file\n")
	_, shown, _ := strings.Cut(section, "```hcl\n")
	shown, _, _ = strings.Cut(shown, "```")
	fromFile, diags, _ := config.Parse("shown.hcl", []byte(shown))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	v := variables{}
	for name, value := range map[string]*string{backendVariable: &v.backend, hostsVariable: &v.hosts, emailVariable: &v.email} {
		row := rowsBelow(t, "docs/configuration.md", "| variable | is | example |")[name]
		if len(row) != 3 {
			t.Fatalf("no row of %s", name)
		}
		*value = strings.Trim(row[2], " `")
	}
	cfg, diags, _ := v.parse()
	if len(diags) > 0 || !reflect.DeepEqual(cfg, fromFile) {
		t.Errorf("%q isn't what is shown: %v", v, diags)
	}
	for _, summary := range []string{"Variable not set", "Variable not readable", "Variable without effect"} {
		if !strings.Contains(section, "| "+summary+" | ") {
			t.Errorf("nothing of %q", summary)
		}
	}
}
