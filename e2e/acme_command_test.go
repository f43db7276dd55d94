package e2e

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
)

// listed is what `popgate cert list --json` says of one certificate.
type listed struct {
	Name, Source, Issuer, State string
	NotAfter                    time.Time `json:"not_after"`
	DaysLeft                    *int      `json:"days_left"`
	NextTry                     time.Time `json:"next_try"`
	LastError                   *struct {
		Type, Detail string
	} `json:"last_error"`
}

// list runs `popgate cert list --json` and returns what it says of the host, and all that it writes.
func (s *site) list(t testing.TB, host string) (listed, string) {
	t.Helper()
	out, r := s.cert(t, "list", "--json")
	r.ok(t)
	var all struct{ Certificates []listed }
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatalf("popgate cert list --json: %v\n%s", err, out)
	}
	for _, c := range all.Certificates {
		if c.Name == host {
			return c, string(out) + r.output
		}
	}
	t.Fatalf("%s is not in the list:\n%s", host, out)
	return listed{}, ""
}

// noServer is how commands say that they asked the cache, as there was no popgate to ask.
var noServer = regexp.MustCompile(`(?i)(no|not) (\w+ )*(running|server)|from the cache`)

// TestCertListKnowsWhatIsServed: the list tells of the certificate that clients see, in both forms, from the running
// popgate and, when there is none, from the cache, which it says.
func TestCertListKnowsWhatIsServed(t *testing.T) {
	t.Parallel()
	s := newSite(t, startPebble(t, pebbleOptions{}), acmeHost)
	s.start(t)
	s.obtains(t, acmeHost)
	leaf := s.certificate(t, acmeHost)
	check := func(running bool) {
		t.Helper()
		c, text := s.list(t, acmeHost)
		if c.Source != "acme" || c.State != "valid" || !strings.Contains(c.Issuer, leaf.Issuer.CommonName) {
			t.Errorf("the list says %+v of a certificate by %q", c, leaf.Issuer.CommonName)
		}
		if !c.NotAfter.Equal(leaf.NotAfter) || c.DaysLeft == nil || *c.DaysLeft < 88 || *c.DaysLeft > 90 {
			t.Errorf("the list says %v for a certificate that is good until %v", c.NotAfter, leaf.NotAfter)
		}
		out, r := s.cert(t, "list")
		r.ok(t)
		if !strings.Contains(string(out), acmeHost) {
			t.Errorf("the table has no %s:\n%s", acmeHost, out)
		}
		for form, text := range map[string]string{"JSON": text, "table": string(out) + r.output} {
			if noServer.MatchString(text) == running {
				t.Errorf("popgate runs: %v; the %s says\n%s", running, form, text)
			}
		}
	}
	check(true)
	s.end(t)
	check(false)
}

// TestCertRenewSaysWhyNot: a renewal that can't be ends with code 1 and a reason, whether popgate runs or not: a host
// that isn't served, a CA that is gone. The certificate stays, and the list tells of the failure.
func TestCertRenewSaysWhyNot(t *testing.T) {
	t.Parallel()
	s := newSite(t, startPebble(t, pebbleOptions{}), acmeHost)
	s.start(t)
	s.obtains(t, acmeHost)
	leaf := s.certificate(t, acmeHost)
	fails := func(host string) {
		t.Helper()
		out, r := s.cert(t, "renew", host)
		if r.code != 1 || strings.TrimSpace(string(out)+r.output) == "" {
			t.Errorf("code %d, want 1, and it says %q", r.code, string(out)+r.output)
		}
	}
	fails("pop.stranger.example")
	s.ca.stop()
	fails(acmeHost)
	if again := s.certificate(t, acmeHost); !again.Equal(leaf) {
		t.Error("a renewal that failed changed the certificate")
	}
	if c, text := s.list(t, acmeHost); c.LastError == nil || c.LastError.Detail == "" || !c.NextTry.After(time.Now()) {
		t.Errorf("the list knows nothing of the failure:\n%s", text)
	}
	s.end(t)
	fails("pop.stranger.example")
	fails(acmeHost)
	s.ca.ordered(t, 1)
}

// TestCertRenewWorksAlone: where no popgate runs, the command orders by itself, and says so; the next start serves what
// it got and orders nothing.
func TestCertRenewWorksAlone(t *testing.T) {
	t.Parallel()
	for name, only := range map[string]func(*site){
		"HTTP-01":     func(s *site) { s.https = false },
		"TLS-ALPN-01": func(s *site) { s.http = false },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, startPebble(t, pebbleOptions{}), acmeHost)
			only(s)
			out, r := s.cert(t, "renew", acmeHost)
			r.ok(t)
			if text := string(out) + r.output; !noServer.MatchString(text) {
				t.Errorf("it doesn't say that no popgate runs:\n%s", text)
			}
			if got := s.ca.record(); got.orders != 1 || got.failed != 0 {
				t.Errorf("Pebble did %+v", got)
			}
			s.start(t)
			s.reads(t, s.at(acmeHost, s.port))
			s.ordersNoMore(t, 1)
		})
	}
}

// TestCertCheckFindsTrouble: a name that doesn't lead here is a problem that is named, and an exit code that scripts
// see; while popgate runs and when it doesn't. A CA that is gone is one more.
func TestCertCheckFindsTrouble(t *testing.T) {
	t.Parallel()
	s := newSite(t, startPebble(t, pebbleOptions{}), acmeHost)
	s.start(t)
	s.obtains(t, acmeHost)
	finds := func(words ...string) {
		t.Helper()
		out, r := s.cert(t, "check")
		if r.code != 1 {
			t.Errorf("code %d, want 1", r.code)
		}
		for _, word := range words {
			if text := string(out) + r.output; !strings.Contains(text, word) {
				t.Errorf("nothing of %q in\n%s", word, text)
			}
		}
	}
	finds(acmeHost)
	s.ca.stop()
	finds(acmeHost, s.ca.directory(), "refused")
	s.end(t)
	finds(acmeHost)
}

// TestCertCheckIsContent: where the name leads here, the ports of the challenges are open and the CA answers, the check
// ends well, while popgate runs and when it doesn't.
func TestCertCheckIsContent(t *testing.T) {
	t.Parallel()
	// CAs ask ports 80 and 443, whatever popgate listens at.
	room := startRoom(t, "127.0.0.1 localhost "+acmeHost+"\n")
	s := newSite(t, startPebble(t, pebbleOptions{room: room}), acmeHost)
	s.wrap, s.httpPort, s.httpsPort = room, 80, 443
	var text string
	content := func() bool {
		out, r := s.cert(t, "check")
		text = string(out) + r.output
		return r.code == 0
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the last check said:\n%s", text)
		}
	})
	eventually(t, "the check is content without popgate", content)
	if !noServer.MatchString(text) {
		t.Errorf("it doesn't say that no popgate runs:\n%s", text)
	}
	s.launch(t)
	s.log.wait(t, 1, `HTTP-01`)
	eventually(t, "the check is content with popgate", func() bool { return content() && !noServer.MatchString(text) })
}
