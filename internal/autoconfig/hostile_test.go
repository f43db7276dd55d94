package autoconfig_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"popgate/internal/autoconfig"
)

// laughs is the billion laughs: ten entities of ten of the one before.
func laughs() string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol0 "lol">`)
	for i := '1'; i <= '9'; i++ {
		b.WriteString(`<!ENTITY lol` + string(i) + ` "` + strings.Repeat("&lol"+string(i-1)+";", 10) + `">`)
	}
	b.WriteString("]>" + strings.TrimPrefix(request("&lol9;@example.com"), `<?xml version="1.0" encoding="utf-8"?>`))
	return b.String()
}

// Requests that were made to hurt are refused, whole.
func TestHostileRequests(t *testing.T) {
	const head = `<?xml version="1.0" encoding="utf-8"?>`
	joe := request("joe@example.com")
	declared := func(dtd, address string) string { return strings.Replace(request(address), head, head+dtd, 1) }
	deep := strings.Repeat("<a>", 2000) + strings.Repeat("</a>", 2000)
	s := serving(autoconfig.Options{})
	for name, test := range map[string]struct {
		body string
		want int
	}{
		"empty":                     {"", 400},
		"no XML":                    {"joe@example.com", 400},
		"JSON":                      {`{"EMailAddress": "joe@example.com"}`, 400},
		"half of it":                {joe[:len(joe)/2], 400},
		"another element":           {"<EMailAddress>joe@example.com</EMailAddress>", 400},
		"billion laughs":            {laughs(), 400},
		"one entity":                {declared(`<!DOCTYPE a [<!ENTITY joe "joe">]>`, "&joe;@example.com"), 400},
		"a file's entity":           {declared(`<!DOCTYPE a [<!ENTITY joe SYSTEM "file:///etc/passwd">]>`, "&joe;@example.com"), 400},
		"a parameter entity":        {declared(`<!DOCTYPE a [<!ENTITY % x SYSTEM "http://192.0.2.1/"> %x;]>`, "&joe;@example.com"), 400},
		"a DTD without use":         {declared(`<!DOCTYPE a SYSTEM "http://192.0.2.1/a.dtd">`, "joe@example.com"), 200},
		"deep":                      {strings.Replace(joe, "<Request>", "<Request>"+deep, 1), 200},
		"deep in the address":       {request("joe@example.com" + deep), 200},
		"deep around it":            {strings.Repeat("<a>", 5000), 400},
		"another encoding":          {strings.Replace(joe, "utf-8", "utf-16", 1), 400},
		"UTF-16":                    {"\xff\xfe<\x00A\x00", 400},
		"not UTF-8":                 {request("jo\xe9@example.com"), 400},
		"NUL":                       {request("jo\x00e@example.com"), 400},
		"NUL as a reference":        {request("jo&#0;e@example.com"), 400},
		"a line break in the name":  {request("jo&#10;e@example.com"), 400},
		"several addresses":         {request("joe@other.example</EMailAddress><EMailAddress>joe@example.com"), 200},
		"as much as is allowed":     {joe + strings.Repeat(" ", 16<<10-len(joe)), 200},
		"more than that":            {joe + strings.Repeat(" ", 16<<10-len(joe)+1), 413},
		"many attributes":           {strings.Replace(joe, "<Request>", "<Request"+strings.Repeat(` a="b"`, 1000)+">", 1), 200},
		"no namespace, other names": {"<Autodiscover><Response/></Autodiscover>", 400},
	} {
		if w := asks(s, true, "POST", autodiscoverPath, test.body); w.Code != test.want {
			t.Errorf("%s: %d, want %d: %s", name, w.Code, test.want, w.Body)
		} else if w.Code == http.StatusOK {
			var d discovered
			decode(t, w.Body.String(), &d)
			if got := d.Answer.Protocol[0].LoginName; got != "joe@example.com" {
				t.Errorf("%s: for %q", name, got)
			}
		}
	}
}

// Whatever name is sent comes back as a name, and changes nothing else.
func TestEscapes(t *testing.T) {
	s := serving(autoconfig.Options{})
	for _, local := range []string{`<Server>evil</Server>`, `&`, `"'`, `]]>`, `%EMAILADDRESS%`, `jö`, `<!--`, `😀`} {
		escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(local)
		w := asks(s, true, "POST", autodiscoverPath, request(escaped+"@example.com"))
		var d discovered
		decode(t, w.Body.String(), &d)
		if p := d.Answer.Protocol; w.Code != 200 || len(p) != 1 || p[0].LoginName != local+"@example.com" || p[0].Server != "pop.example.com" {
			t.Errorf("%q: %d %s", local, w.Code, w.Body)
		}
	}
}

// FuzzRequest: whatever is sent, an answer is well-formed XML whose fields are the
// settings of a domain that is served, beside the name that was sent.
func FuzzRequest(f *testing.F) {
	f.Add(request("joe@example.com"), "joe@example.com", "autoconfig.example.com")
	f.Add(request("&lt;a&gt;@local.example"), "%00@local.example", "local.example:80")
	f.Add(laughs(), "", "[::1]:443")
	f.Add("<Autodiscover><Request><EMailAddress>a@example.com<b/></EMailAddress>", "a@b@example.com", "")
	s := serving(autoconfig.Options{})
	f.Fuzz(func(t *testing.T, body, address, host string) {
		if w := asks(s, true, "POST", autodiscoverPath, body); w.Code == http.StatusOK {
			var d discovered
			decode(t, w.Body.String(), &d)
			p := d.Answer.Protocol
			if len(p) != 1 || p[0].Type != "POP3" {
				t.Fatalf("%+v", d)
			}
			settings := autoconfig.Settings{Server: p[0].Server, Port: p[0].Port, StartTLS: p[0].SSL == "off"}
			local, domain, whole := strings.Cut(p[0].LoginName, "@")
			if settings.LocalPart = !whole; !whole {
				domain = "local.example"
			}
			if known, is := served[strings.ToLower(domain)]; !is || known != settings || local == "" || len(p[0].LoginName) > 254 {
				t.Fatalf("%+v for %q", p, body)
			}
		}
		at := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Host = host
			s.ServeHTTP(w, r)
		})
		r := asks(at, false, "GET", thunderbirdPath+"?emailaddress="+url.QueryEscape(address), "")
		if r.Code != http.StatusOK {
			return
		}
		var c clientConfig
		decode(t, r.Body.String(), &c)
		settings, is := served[c.Provider.ID]
		if !is || len(c.Provider.Server) != 1 || c.Provider.Server[0].Hostname != settings.Server || c.Provider.Server[0].Port != settings.Port {
			t.Fatalf("%+v for %q at %q", c, address, host)
		}
	})
}
