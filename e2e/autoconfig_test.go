package e2e

import (
	"crypto/tls"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
)

const (
	configHost   = "autoconfig.e2e.example"
	discoverHost = "autodiscover.e2e.example"

	configPath   = "/mail/config-v1.1.xml"
	discoverPath = "/autodiscover/autodiscover.xml"
)

// autoconfig is the block of a site that tells clients its port.
func (s *site) autoconfig() string {
	return fmt.Sprintf("\nautoconfig {\n  server  = %q\n  port    = %d\n  domains = [\"e2e.example\"]\n}\n", acmeHost, s.port)
}

// curls asks a port of the site by its name and returns the status and the body of the answer, or that there is none.
func (s *site) curls(t testing.TB, scheme, host, path string, more ...string) (status, body string, r result) {
	t.Helper()
	port := s.httpPort
	if scheme == "https" {
		port = s.httpsPort
	}
	config := append([]string{
		"silent", "show-error", "http1.1", `noproxy = "*"`,
		fmt.Sprintf("url = %s", quote(fmt.Sprintf("%s://%s:%d%s", scheme, host, port, path))),
		fmt.Sprintf("resolve = %s", quote(fmt.Sprintf("%s:%d:127.0.0.1", host, port))),
		fmt.Sprintf("cacert = %s", quote(s.ca.roots())), `write-out = "\n%{http_code}"`,
	}, more...)
	out, r := run(t, t.TempDir(), strings.Join(config, "\n"), need(t, "curl"), "-q", "-K", "-")
	end := strings.LastIndexByte(string(out), '\n')
	return string(out[end+1:]), string(out[:max(0, end)]), r
}

// told is what Thunderbird's file and Autodiscover's answer say of the server.
type told struct {
	Host      string `xml:"emailProvider>incomingServer>hostname"`
	Port      int    `xml:"emailProvider>incomingServer>port"`
	Server    string `xml:"Response>Account>Protocol>Server"`
	TheirPort int    `xml:"Response>Account>Protocol>Port"`
	Login     string `xml:"Response>Account>Protocol>LoginName"`
}

func (s *site) reading(t testing.TB, body string) (got told) {
	t.Helper()
	if err := xml.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return got
}

// discovery are curl's lines for Outlook's request.
func discovery(address string) []string {
	return []string{`header = "Content-Type: text/xml"`, "data = " + quote(fmt.Sprintf("<Autodiscover xmlns='http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006'>"+
		"<Request><EMailAddress>%s</EMailAddress></Request></Autodiscover>", address))}
}

// TestAutoconfigOverHTTPS: the port of TLS-ALPN-01 tells mail clients the settings once that is configured, and serves
// mail and the CA as it did; with the settings that it tells mail can be read.
func TestAutoconfigOverHTTPS(t *testing.T) {
	t.Parallel()
	s := newSite(t, startPebble(t, pebbleOptions{}), acmeHost, configHost, discoverHost)
	s.http = false // each certificate is one of TLS-ALPN-01
	s.start(t)
	for _, host := range s.hosts {
		s.obtains(t, host)
	}
	if _, _, r := s.curls(t, "https", configHost, configPath); r.code != 35 { // no application protocol
		t.Errorf("without an autoconfig block curl ends with %d: %s", r.code, r.output)
	}
	s.more = s.autoconfig()
	s.reload(t)
	s.log.wait(t, 1, "reloaded")

	status, body, _ := s.curls(t, "https", configHost, configPath+"?emailaddress=joe@e2e.example")
	if got := s.reading(t, body); status != "200" || got.Host != acmeHost || got.Port != s.port {
		t.Errorf("status %s, %+v", status, got)
	}
	status, body, _ = s.curls(t, "https", discoverHost, "/Autodiscover/Autodiscover.xml", discovery("joe@E2E.example")...)
	got := s.reading(t, body)
	if status != "200" || got.Server != acmeHost || got.TheirPort != s.port || got.Login != "joe@E2E.example" {
		t.Errorf("status %s, %+v", status, got)
	}
	s.reads(t, s.at(got.Server, got.TheirPort))
	for _, test := range []struct {
		path string
		more []string
		want string
	}{
		{configPath + "?emailaddress=joe@stranger.example", nil, "404"},
		{discoverPath, discovery("joe@stranger.example"), "404"},
		{discoverPath, nil, "405"},
		{discoverPath, discovery(strings.Repeat("x", 20000)), "413"},
		{"/", nil, "404"},
	} {
		if status, _, _ := s.curls(t, "https", configHost, test.path, test.more...); status != test.want {
			t.Errorf("%s: status %s, want %s", test.path, status, test.want)
		}
	}

	// Mail by ALPN "pop3" and without ALPN, and the CA, at the same port.
	s.reads(t, s.at(acmeHost, s.httpsPort))
	bare := s.client(t, acmeHost)
	bare.NextProtos = nil
	if _, err := greet(s.httpsPort, bare); err != nil {
		t.Errorf("without ALPN: %v", err)
	}
	s.renew(t, configHost)
	both := &tls.Config{ServerName: acmeHost, RootCAs: bare.RootCAs, NextProtos: []string{"http/1.1", "pop3"}}
	if state, err := greet(s.httpsPort, both); err != nil || state.NegotiatedProtocol != "pop3" {
		t.Errorf("who offers both gets %q, %v", state.NegotiatedProtocol, err)
	}
	s.log.wait(t, 1, "end=http")
	s.end(t)
}

// TestAutoconfigOverHTTP: the port of HTTP-01 tells Thunderbird the settings, but Outlook nothing, and answers the CA as
// it did.
func TestAutoconfigOverHTTP(t *testing.T) {
	t.Parallel()
	s := newSite(t, startPebble(t, pebbleOptions{}), acmeHost)
	s.https = false
	s.start(t)
	s.obtains(t, acmeHost)
	if status, _, _ := s.curls(t, "http", configHost, configPath); status != "404" {
		t.Errorf("without an autoconfig block: status %s", status)
	}
	s.more = s.autoconfig()
	s.reload(t)
	s.log.wait(t, 1, "reloaded")
	status, body, _ := s.curls(t, "http", configHost, configPath)
	if got := s.reading(t, body); status != "200" || got.Host != acmeHost || got.Port != s.port {
		t.Errorf("status %s, %+v", status, got)
	}
	if status, body, _ := s.curls(t, "http", discoverHost, discoverPath, discovery("joe@e2e.example")...); status != "403" || strings.Contains(body, "joe") {
		t.Errorf("Autodiscover in clear: status %s, %s", status, body)
	}
	s.renew(t, acmeHost)
	s.more = ""
	s.reload(t)
	s.log.wait(t, 2, "reloaded")
	if status, _, _ := s.curls(t, "http", configHost, configPath); status != "404" {
		t.Errorf("without an autoconfig block again: status %s", status)
	}
	s.end(t)
}
