package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"popgate/internal/poptest"
	"popgate/internal/poptest/acmetest"
)

// verdict is a finding in short: what is checked, for whom, and how that is.
func verdict(f finding) string {
	return strings.Join(strings.Fields(f.Status+" "+f.Check+" "+f.Host), " ")
}

// verdicts are those of findings, in their order.
func verdicts(found []finding) string {
	var all []string
	for _, f := range found {
		all = append(all, verdict(f))
	}
	return strings.Join(all, ", ")
}

// wantFinding insists on a verdict, and on texts of that finding.
func wantFinding(t testing.TB, found []finding, want string, texts ...string) {
	t.Helper()
	for _, f := range found {
		if verdict(f) != want {
			continue
		}
		for _, text := range texts {
			if !strings.Contains(f.Detail+" → "+f.Hint, text) {
				t.Errorf("%s: nothing of %q in %q → %q", want, text, f.Detail, f.Hint)
			}
		}
		if f.Status != statusOK && f.Hint == "" {
			t.Errorf("%s: no hint for %q", want, f.Detail)
		}
		return
	}
	t.Errorf("no %q, but %s", want, verdicts(found))
}

// check makes all checks in this process; change makes the checker another.
func (s *certSite) check(t testing.TB, change func(*checker), hosts ...string) []finding {
	t.Helper()
	cfg := s.load(t)
	k := newChecker(cfg)
	k.ports = caPorts{port(t, s.http), port(t, s.https)}
	k.lookUp = resolves(loopback)
	if change != nil {
		change(k)
	}
	errs := newOutput()
	c := &call{socket: cfg.Admin.Socket, cfg: cfg, std: streams{in: eof{}, out: errs, err: errs}}
	found, err := c.check(t.Context(), k, hosts)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestCertCheckFine: with and without a running popgate both ports are proven to
// lead to it, and nothing fails.
func TestCertCheckFine(t *testing.T) {
	s := newCertSite(t, acmetest.Options{}, certHost, "mail.example.com")
	const machine = "ok popgate, ok cache, ok directory, ok clock"
	const hosts = "warn name mail.example.com, ok http-01 mail.example.com, ok tls-alpn-01 mail.example.com, " +
		"warn name pop.example.com, ok http-01 pop.example.com, ok tls-alpn-01 pop.example.com"
	found := s.check(t, nil)
	if got, want := verdicts(found), machine+", ok http_address, ok https_address, "+hosts; got != want {
		t.Errorf("without a popgate\ngot  %s\nwant %s", got, want)
	}
	log, _ := s.serve(t)
	log.wait(t, nil, 2, `certificate issued`)
	orders := s.ca.Orders("")
	found = s.check(t, nil)
	if got, want := verdicts(found), machine+", "+hosts; got != want {
		t.Errorf("with a popgate\ngot  %s\nwant %s", got, want)
	}
	if got, want := verdicts(s.check(t, nil, certHost)), machine+hosts[strings.Index(hosts, ", warn name pop"):]; got != want {
		t.Errorf("for one host\ngot  %s\nwant %s", got, want)
	}
	if again := s.ca.Orders(""); again != orders {
		t.Errorf("%d orders were made", again-orders)
	}
}

// TestCertCheckChangesNothing: what was made for a moment is gone, and the ports
// are closed.
func TestCertCheckChangesNothing(t *testing.T) {
	s := newCertSite(t, acmetest.Options{}, certHost)
	s.check(t, nil)
	if _, err := os.Stat(filepath.Join(s.dir, "cache")); !os.IsNotExist(err) {
		t.Errorf("the cache was made: %v", err)
	}
	s.issued(t)
	before := contents(t, s.cache(t))
	s.check(t, nil)
	if after := contents(t, s.cache(t)); after != before {
		t.Error("check has changed the cache")
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil || len(entries) != 3 { // configuration, CA, cache
		t.Errorf("left are %v, %v", entries, err)
	}
}

// TestCertCheckExitCodes: 1 as soon as something fails, which both forms show;
// JSON always has all words.
func TestCertCheckExitCodes(t *testing.T) {
	s := newCertSite(t, acmetest.Options{}, "pop.popgate.invalid")
	r := s.run(t, "check")
	r.wantCode(t, exitFailed, "pop.popgate.invalid", "no popgate is running")
	insistOn(t, "standard output", r.out, `(?m)^ok +cache +- +\S`)
	insistOn(t, "standard output", r.out, `(?m)^fail +name +pop\.popgate\.invalid +.* → give it an A or AAAA record`)
	insistOn(t, "standard error", r.err, `(?m)^popgate: 1 of 7 checks failed$`)

	r = s.run(t, "check", "--json")
	r.wantCode(t, exitFailed)
	var found []map[string]string
	if err := json.Unmarshal([]byte(r.out), &found); err != nil {
		t.Fatalf("%v in %q", err, r.out)
	}
	for _, f := range found {
		for _, word := range []string{"check", "host", "status", "detail", "hint"} {
			if _, ok := f[word]; !ok || len(f) != 5 {
				t.Errorf("%v has no %q, or too much", f, word)
			}
		}
	}

	// A host whose certificate is in files isn't looked up.
	poptest.NewCA(t).WriteFiles(t, s.dir, "*.popgate.invalid")
	s.more = certificateBlock("old", "_.popgate.invalid")
	s.write(t)
	r = s.run(t, "check")
	r.wantCode(t, exitOK, "pop.popgate.invalid", `its certificate comes from the files of "old"`)
}

// TestCertCheckNoACME: files alone are checked alone.
func TestCertCheckNoACME(t *testing.T) {
	s := newSite(t)
	r := runHere(t, "cert", "check", "--config", s.config)
	r.wantCode(t, exitOK, `certificate "main" is valid until 2060-01-01T00:00:00Z for `+siteName, "no acme block")
}

// TestCertCheckStopped: Ctrl-C ends it without a verdict.
func TestCertCheckStopped(t *testing.T) {
	s := newCertSite(t, acmetest.Options{}, certHost)
	s.socket = "off"
	s.write(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out, errs := newOutput(), newOutput()
	code := run(ctx, []string{"cert", "check", "--config", s.config}, streams{in: eof{}, out: out, err: errs})
	result{code, out.String(), errs.String()}.wantCode(t, exitFailed, "popgate: stopped before all was checked")
	if out.String() != "" {
		t.Errorf("it says %q", out)
	}
}

// TestCertCheckHosts: hosts of the command line must be known; those that the
// running popgate doesn't know are told from those.
func TestCertCheckHosts(t *testing.T) {
	s := newCertSite(t, acmetest.Options{}, certHost)
	found := s.check(t, nil, "pop.exampl.com", "POP.example.com.")
	wantFinding(t, found, "fail host pop.exampl.com", `did you mean "pop.example.com"?`, "add it to hosts")
	wantFinding(t, found, "ok http-01 "+certHost)

	log, _ := s.serve(t)
	log.wait(t, nil, 1, `certificate issued`)
	s.hosts = append(s.hosts, "new.example.com")
	s.write(t)
	found = s.check(t, nil)
	wantFinding(t, found, "fail host new.example.com", "older configuration", "SIGHUP")
	wantFinding(t, found, "ok tls-alpn-01 "+certHost)
}

// TestCertShowsNoSecret: no command shows a private key, the key of an external
// account or of session tickets, whatever goes wrong.
func TestCertShowsNoSecret(t *testing.T) {
	const hmac, tickets = "Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5", "canary-tickets-canary-tickets-canary"
	key := []byte("canary-canary-canary-canary")
	s := newCertSite(t, acmetest.Options{RequireEAB: map[string][]byte{"kid": key}}, certHost)
	s.acme = "eab {\n key_id = \"kid\"\n hmac_key = \"" + hmac + "\"\n}"
	s.more = "ticket_secret = \"" + tickets + "\""
	s.write(t)
	var shown strings.Builder
	say := func(args ...string) {
		for _, more := range [][]string{nil, {"--json"}} {
			r := s.run(t, append(args, more...)...)
			shown.WriteString(r.out + r.err)
		}
	}
	all := func() {
		say("list")
		say("check")
		say("renew", certHost)
		say("renew", "other.example.com")
	}
	all()
	log, stop := s.serve(t)
	log.wait(t, nil, 1, `loaded from the cache`)
	all()
	stop()
	secrets := append(keyLines(t, s.cache(t)), hmac, string(key), tickets, "PRIVATE KEY")
	if len(secrets) < 8 {
		t.Fatalf("only %d secrets to look for", len(secrets))
	}
	s.server.Close() // a CA that is gone
	all()
	damage := filepath.Join(s.cache(t), certHost)
	if err := os.WriteFile(damage, []byte("-----BEGIN EC PRIVATE KEY-----\n"+secrets[0]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all()
	if !regexp.MustCompile(`(?m)^ok +eab`).MatchString(shown.String()) {
		t.Error("the binding wasn't checked")
	}
	for _, secret := range secrets {
		if strings.Contains(shown.String(), secret) {
			t.Errorf("a secret is shown: %q", secret)
		}
	}
}
