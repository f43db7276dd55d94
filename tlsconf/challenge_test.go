package tlsconf

import (
	"crypto/sha256"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"popgate/internal/poptest/acmetest"
)

// The HTTP listener answers a token that is under way for a host of ours;
// everything else is 404, and says nothing more.
func TestHTTPHandler(t *testing.T) {
	inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
		s.start()
		s.automatic.tokens.putHTTP("token", []byte("token.thumb"), time.Minute)
		for _, test := range []struct {
			method, host, path string
			found              bool
		}{
			{"GET", popHost, challengePath + "token", true},
			{"HEAD", popHost, challengePath + "token", true},
			{"GET", "POP.Example.Com.", challengePath + "token", true},
			{"GET", popHost + ":80", challengePath + "token", true},
			{"GET", popHost + ":14080", challengePath + "token", true},
			{"POST", popHost, challengePath + "token", false},
			{"GET", popHost, challengePath + "other", false},
			{"GET", popHost, challengePath, false},
			{"GET", popHost, challengePath + "token/", false},
			{"GET", popHost, challengePath + "..%2ftoken", false},
			{"GET", popHost, challengePath + strings.Repeat("t", 200), false},
			{"GET", popHost, challengePath + popHost, false}, // a key of the cache, but no token
			{"GET", popHost, challengePath + "acme_account+key", false},
			{"GET", popHost, "/", false},
			{"OPTIONS", popHost, "*", false},
			{"GET", popHost, "/.well-known/acme-challenge", false},
			{"GET", "other.example.com", challengePath + "token", false},
			{"GET", "192.0.2.1", challengePath + "token", false},
			{"GET", "", challengePath + "token", false},
		} {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(test.method, test.path, nil)
			r.Host = test.host
			s.automatic.ServeHTTP(w, r)
			if found := w.Code == http.StatusOK && strings.TrimSpace(w.Body.String()) == "token.thumb"; found != test.found {
				t.Errorf("%s %s%s: %d %q", test.method, test.host, test.path, w.Code, w.Body)
			}
			if !test.found && w.Code != http.StatusNotFound {
				t.Errorf("%s %s%s: status %d", test.method, test.host, test.path, w.Code)
			}
		}
		s.pass(2 * time.Minute)
		if acmetest.CheckHTTP(s.automatic, popHost, "token", "token.thumb") == nil {
			t.Error("an old token is answered")
		}
	})
}

// acme-tls/1 is answered where a challenge is under way, for our hosts; for all
// else with unrecognized_name. Mail clients at the same port are served as ever.
func TestChallengeHandshakes(t *testing.T) {
	s := newTestSource(t, Options{SelfSigned: true, DefaultHost: popHost})
	s.acme = &ACME{Directory: "https://ca.test/", Hosts: []string{popHost}, Cache: newMemory()}
	s.automatic = NewAutomatic(AutomaticOptions{NewIssuer: func(ACME) (Issuer, error) { return nil, nil }})
	s.found = &inventory{}
	s.follow()
	s.authority.Load().want([]string{popHost})
	cert, err := probeCertificate(popHost, time.Now())
	must(t, err)
	s.automatic.tokens.putALPN(popHost, cert, time.Minute)
	s.automatic.tokens.putALPN("foreign.example.com", cert, time.Minute)
	s.config = s.ChallengeConfig() // what handshake uses
	for _, test := range []struct {
		name   string
		offers []string
		alert  int
		proves bool
	}{
		{popHost, []string{ChallengeProtocol}, 0, true},
		{"POP.example.com", []string{ChallengeProtocol}, 0, true},
		{"foreign.example.com", []string{ChallengeProtocol}, alertUnrecognizedName, false},
		{"unknown.example.com", []string{ChallengeProtocol}, alertUnrecognizedName, false},
		{"", []string{ChallengeProtocol}, alertUnrecognizedName, false},
		{popHost, []string{"pop3"}, 0, false},
		{popHost, []string{ChallengeProtocol, "pop3"}, 0, false},
		{popHost, nil, 0, false},
		{popHost, []string{"h2", "http/1.1"}, alertNoProtocol, false},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			leaf, alert := served(t, s, &tls.Config{ServerName: test.name, NextProtos: test.offers, MaxVersion: version})
			if alert != test.alert || test.alert == 0 && (sha256.Sum256(leaf.Raw) == sha256.Sum256(cert.Certificate[0])) != test.proves {
				t.Errorf("%q %q: alert %d", test.name, test.offers, alert)
			}
		}
	}
}

// Hellos of every kind get the one certificate, and none brings an order for
// another key type.
func TestHellosAfterIssue(t *testing.T) {
	ca := acmetest.New(t, acmetest.Options{})
	seen := newRecorder()
	automatic := NewAutomatic(AutomaticOptions{Observer: seen, Transport: transportTo(ca)})
	s := newTestSource(t, Options{DefaultHost: popHost, Automatic: automatic, Observer: seen,
		ACME: &ACME{Directory: ca.DirectoryURL(), Hosts: []string{popHost}, Cache: newMemory()}})
	s.Answer(HTTP01)
	defer run(t, s)()
	defer automatic.Close()
	seen.wait(t, "ordered")
	seen.wait(t, "issued")
	_, err := automatic.Renew(t.Context(), popHost) // when that is served, so was the first
	must(t, err)
	for name, client := range map[string]*tls.Config{
		"usual":         {ServerName: popHost},
		"no name":       {},
		"TLS 1.3 only":  {ServerName: popHost, MinVersion: tls.VersionTLS13},
		"TLS 1.2 only":  {ServerName: popHost, MaxVersion: tls.VersionTLS12},
		"without P-256": {ServerName: popHost, CurvePreferences: []tls.CurveID{tls.X25519}, MinVersion: tls.VersionTLS13},
		"upper case":    {ServerName: "POP.EXAMPLE.COM"},
	} {
		if leaf, alert := served(t, s, client); alert != 0 || leaf.VerifyHostname(popHost) != nil {
			t.Errorf("%s: alert %d", name, alert)
		}
	}
	if n := ca.Orders(""); n != 2 {
		t.Errorf("%d orders", n)
	}
}

// A probe is answered by both doors, for a minute, and by nothing but its host.
func TestProbe(t *testing.T) {
	inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
		s.start()
		s.settled()
		if _, err := s.automatic.Probe("other.example.com"); err == nil {
			t.Error("a probe for a stranger's host")
		}
		p, err := s.automatic.Probe("POP.example.com")
		must(t, err)
		ask := func() (int, *tls.Certificate) {
			w := httptest.NewRecorder()
			s.automatic.ServeHTTP(w, httptest.NewRequest("GET", "http://"+popHost+p.HTTPPath, nil))
			if w.Code == http.StatusOK && w.Body.String() != p.HTTPBody {
				t.Errorf("the answer is %q", w.Body)
			}
			return w.Code, s.challengeCertificate(popHost)
		}
		if code, cert := ask(); code != http.StatusOK || cert == nil || sha256.Sum256(cert.Certificate[0]) != p.Certificate {
			t.Errorf("status %d, certificate %v", code, cert != nil)
		}
		s.pass(probeLifetime + time.Second)
		if code, cert := ask(); code != http.StatusNotFound || cert != nil {
			t.Errorf("after its time: status %d, certificate %v", code, cert != nil)
		}
	})
}

// With HTTP, http/1.1 can be agreed on where challenges are answered, and nowhere
// else; POP3 and challenges are as without it, and come first.
func TestHTTPIsOffered(t *testing.T) {
	s := newTestSource(t, Options{SelfSigned: true, DefaultHost: popHost, HTTP: true})
	agreed := func(config *tls.Config, offers ...string) string {
		client, server := net.Pipe()
		defer client.Close()
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = tls.Server(server, config).Handshake()
			_ = server.Close()
		}()
		conn := tls.Client(client, &tls.Config{ServerName: popHost, NextProtos: offers, InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
		err := conn.Handshake()
		_ = client.Close()
		<-done
		if err != nil {
			return "none"
		}
		return conn.ConnectionState().NegotiatedProtocol
	}
	for _, test := range []struct {
		offers    []string
		challenge string // what is agreed on with ChallengeConfig
		server    string // and with ServerConfig
	}{
		{nil, "", ""},
		{[]string{"pop3"}, "pop3", "pop3"},
		{[]string{"http/1.1"}, "http/1.1", "none"},
		{[]string{"h2", "http/1.1"}, "http/1.1", "none"},
		{[]string{"h2"}, "none", "none"},
		{[]string{"http/1.1", "pop3"}, "pop3", "pop3"},
		{[]string{"http/1.1", ChallengeProtocol}, ChallengeProtocol, "none"},
	} {
		if got := agreed(s.ChallengeConfig(), test.offers...); got != test.challenge {
			t.Errorf("%q: agreed on %q, want %q", test.offers, got, test.challenge)
		}
		if got := agreed(s.ServerConfig(), test.offers...); got != test.server {
			t.Errorf("%q at other listeners: agreed on %q, want %q", test.offers, got, test.server)
		}
	}
}
