package autoconfig_test

import (
	"flag"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"popgate/internal/autoconfig"
)

var update = flag.Bool("update", false, "write what is answered now into testdata")

// The files as clients get them, to the octet.
func TestFiles(t *testing.T) {
	s := serving(autoconfig.Options{})
	for name, test := range map[string]struct{ method, url, body string }{
		"thunderbird":           {"GET", "https://autoconfig.example.com" + thunderbirdPath, ""},
		"thunderbird_starttls":  {"GET", "https://autoconfig.local.example" + thunderbirdPath, ""},
		"autodiscover":          {"POST", "https://autodiscover.example.com" + autodiscoverPath, request("Joe&amp;Co@Example.com")},
		"thunderbird_sends":     {"GET", "https://autoconfig.sends.example" + thunderbirdPath, ""},
		"autodiscover_sends":    {"POST", "https://autodiscover.sends-tls.example" + autodiscoverPath, request("joe@sends-tls.example")},
		"autodiscover_starttls": {"POST", "https://autodiscover.local.example" + autodiscoverPath, request("joe@local.example")},
	} {
		w := asks(s, true, test.method, test.url, test.body)
		file := "testdata/" + name + ".xml"
		if *update {
			if err := os.WriteFile(file, w.Body.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if w.Code != http.StatusOK || w.Body.String() != string(want) {
			t.Errorf("%s: %d\n%s\nwant\n%s", name, w.Code, w.Body, want)
		}
		if got := w.Header().Get("Content-Type"); got != "application/xml; charset=utf-8" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// What a client reads there are the settings, and nothing else.
func TestFieldsOfFiles(t *testing.T) {
	s := serving(autoconfig.Options{})
	for domain, is := range served {
		user, login := "%EMAILADDRESS%", "joe@"+domain
		if is.LocalPart {
			user, login = "%EMAILLOCALPART%", "joe"
		}
		var wantServers, wantSends []clientServer
		var wantProtocols []knownProtocol
		add := func(list *[]clientServer, kind, host string, port int, startTLS bool) {
			server := clientServer{kind, host, port, "SSL", "password-cleartext", user}
			p := knownProtocol{Type: strings.ToUpper(kind), Server: host, LoginName: login, Port: port,
				DomainRequired: "off", SPA: "off", SSL: "on", Encryption: "SSL", AuthRequired: "on"}
			if startTLS {
				server.SocketType, p.SSL, p.Encryption = "STARTTLS", "off", "TLS"
			}
			if kind == "smtp" {
				p.UsePOPAuth = "on"
			}
			*list = append(*list, server)
			wantProtocols = append(wantProtocols, p)
		}
		add(&wantServers, "pop3", is.Server, is.Port, is.StartTLS)
		if out := is.Outgoing; out.Server != "" {
			add(&wantSends, "smtp", out.Server, out.Port, out.StartTLS)
		}
		var c clientConfig
		decode(t, asks(s, false, "GET", "http://x.example"+thunderbirdPath+"?emailaddress=joe@"+domain, "").Body.String(), &c)
		if p := c.Provider; c.Version != "1.1" || p.ID != domain || len(p.Domain) != 1 || p.Domain[0] != domain {
			t.Errorf("%+v", c)
		}
		if got := c.Provider; !slices.Equal(got.Server, wantServers) || !slices.Equal(got.Sends, wantSends) {
			t.Errorf("%s: %+v, want %+v and %+v", domain, got, wantServers, wantSends)
		}
		var d discovered
		decode(t, asks(s, true, "POST", autodiscoverPath, request("joe@"+domain)).Body.String(), &d)
		if d.Answer.Type != "email" || d.Answer.Action != "settings" || !slices.Equal(d.Answer.Protocol, wantProtocols) {
			t.Errorf("%s: %+v, want %+v", domain, d, wantProtocols)
		}
	}
}

// Who asks for what, and which status that has.
func TestRequests(t *testing.T) {
	joe := request("joe@example.com")
	for _, test := range []struct {
		secure            bool
		method, url, body string
		want              int
	}{
		{false, "GET", "http://autoconfig.example.com" + thunderbirdPath, "", 200},
		{false, "HEAD", "http://autoconfig.example.com" + thunderbirdPath, "", 200},
		{true, "GET", "https://AutoConfig.Example.com.:443" + thunderbirdPath, "", 200},
		{true, "GET", "https://example.com/.well-known/autoconfig/mail/config-v1.1.xml", "", 200},
		{false, "GET", "http://pop.other.example" + thunderbirdPath + "?emailaddress=joe%40EXAMPLE.com", "", 200},
		{false, "GET", "http://autoconfig.example.com" + thunderbirdPath + "?emailaddress=%25EMAILADDRESS%25", "", 200},
		{false, "GET", "http://autoconfig.example.com" + thunderbirdPath + "?emailaddress=joe@other.example", "", 404},
		{false, "GET", "http://other.example" + thunderbirdPath, "", 404},
		{false, "GET", "http://192.0.2.1" + thunderbirdPath, "", 404},
		{false, "POST", "http://example.com" + thunderbirdPath, "", 405},
		{false, "GET", "http://example.com/mail/CONFIG-v1.1.xml", "", 418},
		{false, "GET", "http://example.com/", "", 418},
		{false, "GET", "http://example.com/.well-known/acme-challenge/token", "", 418},

		{true, "POST", "https://autodiscover.example.com" + autodiscoverPath, joe, 200},
		{true, "POST", "https://other.example/AutoDiscover/AutoDiscover.xml", joe, 200},
		{true, "POST", autodiscoverPath, request("JOE@EXAMPLE.COM"), 200},
		{true, "POST", autodiscoverPath, request("\n joe@example.com "), 200},
		{true, "POST", autodiscoverPath, strings.Replace(joe, "2006a", "2006A", 1), 200},
		{true, "POST", autodiscoverPath, "<Autodiscover><Request><EMailAddress>joe@example.com</EMailAddress></Request></Autodiscover>", 200},
		{true, "POST", autodiscoverPath, request("joe@other.example"), 404},
		{true, "POST", autodiscoverPath, strings.Replace(joe, "outlook/responseschema/2006a", "mobilesync/responseschema/2006", 1), 400},
		{true, "POST", autodiscoverPath, request("joe"), 400},
		{true, "POST", autodiscoverPath, request("@example.com"), 400},
		{true, "POST", autodiscoverPath, request("joe@"), 400},
		{true, "POST", autodiscoverPath, request("joe@x@example.com"), 400},
		{true, "POST", autodiscoverPath, request("joe smith@example.com"), 400},
		{true, "POST", autodiscoverPath, request(strings.Repeat("j", 300) + "@example.com"), 400},
		{true, "POST", autodiscoverPath, request(""), 400},
		{true, "GET", autodiscoverPath, "", 405},
		{true, "POST", "/autodiscover/autodiscover.json", joe, 418},
		// In clear no name is repeated, and nobody is sent elsewhere.
		{false, "POST", "http://autodiscover.example.com" + autodiscoverPath, joe, 403},
		{false, "GET", "http://autodiscover.example.com" + autodiscoverPath, "", 403},
	} {
		var kind, result string
		s := serving(autoconfig.Options{
			Next:  http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }),
			Count: func(k, r string) { kind, result = k, r },
		})
		w := asks(s, test.secure, test.method, test.url, test.body)
		if w.Code != test.want {
			t.Errorf("%s %s %q: %d, want %d", test.method, test.url, test.body, w.Code, test.want)
		}
		if w.Code != 200 && strings.Contains(strings.ToLower(w.Body.String()), "example") {
			t.Errorf("%s %s repeats a name: %q", test.method, test.url, w.Body)
		}
		counts := map[int]string{200: autoconfig.ResultAnswered, 404: autoconfig.ResultUnknown, 418: ""}
		want, is := counts[w.Code]
		if !is {
			want = autoconfig.ResultRefused
		}
		if result != want || (kind == "") != (want == "") {
			t.Errorf("%s %s: counted as %q, %q", test.method, test.url, kind, result)
		}
	}
}

// Two users of a domain can't be told apart by what is answered, but for the name
// that was sent; nor can one that there is from one that there isn't, as nobody is
// asked.
func TestUsersAreEqual(t *testing.T) {
	s := serving(autoconfig.Options{})
	var seen []string
	for _, user := range []string{"joe", "ann"} {
		bird := asks(s, true, "GET", thunderbirdPath+"?emailaddress="+user+"@example.com", "").Body.String()
		outlook := asks(s, true, "POST", autodiscoverPath, request(user+"@example.com")).Body.String()
		if strings.Contains(bird, user) || strings.Count(outlook, user) != 1 {
			t.Errorf("%s: %s\n%s", user, bird, outlook)
		}
		seen = append(seen, bird+strings.Replace(outlook, user, "", 1))
	}
	if seen[0] != seen[1] {
		t.Errorf("%s\n%s", seen[0], seen[1])
	}
}

// Without domains it isn't there.
func TestOff(t *testing.T) {
	for name, use := range map[string]func(*autoconfig.Server){
		"new": func(*autoconfig.Server) {}, "none": func(s *autoconfig.Server) { s.Use(nil) },
		"no more": func(s *autoconfig.Server) { s.Use(served); s.Use(autoconfig.Domains{}) },
	} {
		s := autoconfig.New(autoconfig.Options{})
		use(s)
		if a, b := asks(s, true, "GET", "https://example.com"+thunderbirdPath, ""), asks(s, true, "POST", autodiscoverPath, request("joe@example.com")); a.Code != 404 || b.Code != 404 {
			t.Errorf("%s: %d, %d", name, a.Code, b.Code)
		}
	}
}
