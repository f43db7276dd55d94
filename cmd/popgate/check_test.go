package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckFine: a good configuration is said to be good, and nothing else is
// said; a folder is as good as a file.
func TestCheckFine(t *testing.T) {
	s := newSite(t)
	folder := filepath.Join(s.dir, "conf.d")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	tenant := "tenant \"acme\" {\n  domains = [\"acme.example\"]\n  backend = \"legacy\"\n}\n"
	for name, text := range map[string]string{
		"10-tls.hcl":     strings.ReplaceAll(s.certificate(siteName), siteName, "../"+siteName),
		"20-backend.hcl": backendAt(s.port),
		"30-tenant.hcl":  tenant + "route \"rest\" { backend = \"legacy\" }\n",
		".hidden.hcl":    "nonsense\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		s.config: "1 listener, 1 backend, 0 tenants, 0 routes",
		folder:   "1 listener, 1 backend, 1 tenant, 1 route",
	} {
		r := runHere(t, "check", "--config", path)
		if r.code != exitOK || r.err != "" {
			t.Errorf("exit code %d, %s", r.code, r.err)
		}
		if want := path + " is fine: " + want + "\n"; r.out != want {
			t.Errorf("it says %q, want %q", r.out, want)
		}
	}
}

// TestCheckReadsConfigHere: without --config it is config.hcl in the current
// folder.
func TestCheckReadsConfigHere(t *testing.T) {
	s := newSite(t)
	t.Chdir(s.dir)
	r := runHere(t, "check")
	if r.code != exitOK || !strings.HasPrefix(r.out, "config.hcl is fine: ") {
		t.Errorf("exit code %d, %q, %q", r.code, r.out, r.err)
	}
}

// TestCheckOpensNoPort: a configuration can be checked beside the popgate that
// runs with it.
func TestCheckOpensNoPort(t *testing.T) {
	s := newSite(t)
	s.write(t, strings.Replace(s.text(""), oneListener, s.takenListener(t), 1))
	if r := runHere(t, "check", "--config", s.config); r.code != exitOK {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}

// takenListener is a listener whose port another program has.
func (s *site) takenListener(t testing.TB) string {
	t.Helper()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	return fmt.Sprintf("listener \"pop3s\" { address = %q }\n", other.Addr())
}

// checkCases are configurations with problems, all of which must be shown, and
// nothing that is none.
var checkCases = []struct {
	name string
	tls  []string // names of the files in certificate blocks; no file has another name than the site's
	more string
	says []string
	not  string // "" for nothing in particular
}{
	{
		name: "bad words",
		tls:  []string{siteName},
		more: "limits { conections = 5 }\nroute \"x\" { backend = \"nowhere\" }\nlog { level = \"loud\" }\n",
		says: []string{`"conections"`, `"nowhere"`, `"loud"`, "config.hcl line"},
	},
	{
		name: "missing certificate files",
		tls:  []string{"one", "two"},
		says: []string{"one.crt", "two.crt"},
	},
	{
		name: "bad words and a missing certificate file",
		tls:  []string{"one"},
		more: "limits { conections = 5 }\n",
		says: []string{`"conections"`, "one.crt"},
	},
	{
		name: "a certificate block without a file",
		tls:  []string{siteName, ""},
		says: []string{"cert_file", "key_file"},
		not:  "no such file",
	},
}

// TestCheckShowsAllProblems: all at once, on standard error, with exit code 2;
// serve says the same and doesn't start.
func TestCheckShowsAllProblems(t *testing.T) {
	for _, test := range checkCases {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t)
			text := oneListener + "tls {\n"
			for _, name := range test.tls {
				if name == "" {
					text += "  certificate \"empty\" {\n  }\n"
					continue
				}
				text += certificateBlock(name, name)
			}
			s.write(t, text+"}\n"+backendAt(s.port)+test.more)
			for _, command := range []string{"check", "serve"} {
				r := runHere(t, command, "--config", s.config)
				if r.code != exitUsage || r.out != "" {
					t.Errorf("%s: exit code %d, %q; want 2 and nothing", command, r.code, r.out)
				}
				for _, part := range test.says {
					if !strings.Contains(r.err, part) {
						t.Errorf("%s says nothing of %s:\n%s", command, part, r.err)
					}
				}
				if test.not != "" && strings.Contains(r.err, test.not) {
					t.Errorf("%s says %q of a file that nothing names:\n%s", command, test.not, r.err)
				}
			}
		})
	}
}

// TestCheckWarns: what works but is unwise is said, and is no failure.
func TestCheckWarns(t *testing.T) {
	s := newSite(t)
	s.write(t, s.text("timeouts { idle = \"1m\" }\n"))
	r := runHere(t, "check", "--config", s.config)
	if r.code != exitOK || !strings.Contains(r.out, " is fine: ") {
		t.Errorf("exit code %d, %q; want 0", r.code, r.out)
	}
	if !strings.Contains(r.err, "Warning: ") || !strings.Contains(r.err, "config.hcl line") {
		t.Errorf("no warning in %q", r.err)
	}
}
