package config

import (
	"strings"
	"testing"
)

// checked runs a check on each text; "" stands for a refusal, whose message must
// say what else to write.
func checked(t *testing.T, check func(string) (string, *fault), cases map[string]string) {
	t.Helper()
	for given, want := range cases {
		got, wrong := check(given)
		if got != want || (wrong == nil) != (want != "") {
			t.Errorf("%q gave %q, %v; want %q", given, got, wrong, want)
		}
		if wrong != nil && (!strings.HasSuffix(wrong.detail, ".") || !strings.Contains(wrong.detail, ":") && !strings.Contains(wrong.detail, "Write ")) {
			t.Errorf("%q: no way to mend it in %q", given, wrong.detail)
		}
	}
}

func TestACMEDirectory(t *testing.T) {
	checked(t, acmeDirectory, map[string]string{
		"letsencrypt":                        "letsencrypt",
		"letsencrypt-staging":                "letsencrypt-staging",
		"https://ca.example.com/dir":         "https://ca.example.com/dir",
		"HTTPS://CA.Example.com/Dir?Profile": "https://ca.example.com/Dir?Profile",
		"https://ca.example.com":             "https://ca.example.com",
		"https://localhost:14000/dir":        "https://localhost:14000/dir",
		"https://127.0.0.1:14000/dir":        "https://127.0.0.1:14000/dir",
		"https://[2001:DB8::1]:14000/dir":    "https://[2001:db8::1]:14000/dir",
		"https://ca.example.com/a%20b":       "https://ca.example.com/a%20b",

		"":                                "",
		"LetsEncrypt":                     "",
		"zerossl":                         "",
		"ca.example.com/dir":              "",
		"//ca.example.com/dir":            "",
		"http://ca.example.com/dir":       "",
		"ftp://ca.example.com/dir":        "",
		"https:ca.example.com":            "",
		"https:///dir":                    "",
		"https://:443/dir":                "",
		"https://ca.example.com:/dir":     "",
		"https://ca.example.com:0/dir":    "",
		"https://ca.example.com:70000/":   "",
		"https://ca.example.com:https/":   "",
		"https://joe@ca.example.com/dir":  "",
		"https://j:p@ca.example.com/dir":  "",
		"https://ca.example.com/dir#a":    "",
		"https://ca.example.com/dir#":     "",
		"https://ca.example.com/a b":      "",
		"https://ca.example.com/dir\n":    "",
		"https://ca_1.example.com/dir":    "",
		"https://bücher.example/dir":      "",
		"https://10.0.0.256/dir":          "",
		"https://[fe80::1%25eth0]/dir":    "",
		"https://*.example.com/directory": "",
	})
	for word, want := range map[string]string{
		"letsencrypt":         "https://acme-v02.api.letsencrypt.org/directory",
		"letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
		"https://a.example/":  "https://a.example/",
	} {
		if got := directoryURL(word); got != want {
			t.Errorf("%q is %q, want %q", word, got, want)
		}
	}
}

func TestACMEDirectoryDidYouMean(t *testing.T) {
	for given, want := range map[string]string{
		"letsencript": `"letsencrypt"?`, "LetsEncrypt": `"letsencrypt"?`, "lets-encrypt": `"letsencrypt"?`,
		"letsencrypt_staging": `"letsencrypt-staging"?`, "staging": "", "zerossl": "",
	} {
		_, wrong := acmeDirectory(given)
		if wrong == nil || strings.Contains(wrong.detail, "Did you mean") != (want != "") || !strings.Contains(wrong.detail, want) {
			t.Errorf("%q: %v, want %s", given, wrong, want)
		}
	}
}

func TestEmailAddress(t *testing.T) {
	checked(t, emailAddress, map[string]string{
		"postmaster@example.com":           "postmaster@example.com",
		"Post.Master+Acme@POP.Example.com": "Post.Master+Acme@pop.example.com",
		"o'hara_1-2@xn--bcher-kva.example": "o'hara_1-2@xn--bcher-kva.example",
		strings.Repeat("a", 64) + "@a.bc":  strings.Repeat("a", 64) + "@a.bc",

		"":                                "",
		"postmaster":                      "",
		"@example.com":                    "",
		"postmaster@":                     "",
		"postmaster@localhost":            "",
		"postmaster@[192.0.2.1]":          "",
		"postmaster@192.0.2.1":            "",
		"postmaster@example.com.":         "",
		"mailto:postmaster@example.com":   "",
		"MAILTO:postmaster@example.com":   "",
		"a@example.com,b@example.com":     "",
		"a@example.com b@example.com":     "",
		"a@b@example.com":                 "",
		"Joe <joe@example.com>":           "",
		"<joe@example.com>":               "",
		"\"joe\"@example.com":             "",
		"joe @example.com":                "",
		" joe@example.com":                "",
		"joe@example.com ":                "",
		"joe@example.com\n":               "",
		"jo\x00e@example.com":             "",
		"jo\re@example.com":               "",
		"joe@example.com?cc=a@b.example":  "",
		"joe?@example.com":                "",
		"joe%20@example.com":              "",
		"joe#@example.com":                "",
		".joe@example.com":                "",
		"joe.@example.com":                "",
		"jo..e@example.com":               "",
		"jürgen@example.com":              "",
		"joe@bücher.example":              "",
		strings.Repeat("a", 65) + "@a.bc": "",
	})
}

func TestCertifiedHost(t *testing.T) {
	checked(t, certifiedHost, map[string]string{
		"POP.example.com": "pop.example.com", "a.b": "a.b",
		"localhost": "", "pop": "", "*.example.com": "", "pop.example.com.": "", "192.0.2.1": "", "::1": "", "": "", "pop_1.example.com": "",
	})
}

func TestSocketPath(t *testing.T) {
	checked(t, socketPath, map[string]string{
		"/run//popgate/./admin.sock": "/run/popgate/admin.sock", "admin.sock": "admin.sock", "../a": "../a", "...": "...",
		"": "", "/": "", "/run/": "", ".": "", "..": "", "/run/..": "", "a\nb": "", "a\x00": "",
	})
	checked(t, folderPath, map[string]string{"/var/lib/": "/var/lib", "acme": "acme", ".": ".", "": "", "a\nb": ""})
}

// TestSocketPathIsMeasuredWhole insists on the bound of unix sockets, once a path
// is complete.
func TestSocketPathIsMeasuredWhole(t *testing.T) {
	for length, want := range map[int]bool{maxAdminSocket: true, maxAdminSocket + 1: false} {
		const folder = "conf.d/"
		name := strings.Repeat("x", length-len(folder))
		c, diags, _ := Parse(folder+"a.hcl", []byte(least+"admin {\n  socket = \""+name+"\"\n}\n"))
		if (c != nil) != want || want && c.Admin.Socket != folder+name {
			t.Errorf("%d octets: accepted: %v, want %v: %v", length, c != nil, want, diags)
		}
	}
}

// TestChallengeAddresses tells which addresses go together. Each case is a set of
// listeners ("s" before an address: starttls), the words of the acme block, and the
// summaries of the problems.
func TestChallengeAddresses(t *testing.T) {
	const taken = "Challenge address taken"
	for _, test := range []struct {
		listeners []string
		words     string
		want      []string
	}{
		{nil, ``, nil},
		{nil, `http_address = "off"`, nil},
		{nil, `https_address = "off"`, nil},
		{nil, "http_address = \"off\"\nhttps_address = \"off\"", []string{"ACME without challenge"}},
		{nil, "http_address = \"of\"\nhttps_address = \"off\"", []string{"Invalid listener address"}},
		{nil, `https_address = ":995"`, nil},
		{nil, `https_address = "127.0.0.1:995"`, []string{taken}},
		{nil, `http_address = ":995"`, []string{taken}},
		{nil, `http_address = ":443"`, []string{taken}},
		{nil, `https_address = ":80"`, []string{taken}},
		{nil, "http_address = \"127.0.0.1:443\"\nhttps_address = \"127.0.0.2:443\"", nil},
		{nil, "http_address = \":0\"\nhttps_address = \":0\"", nil},
		{[]string{":443"}, ``, nil},
		{[]string{":443", ":995"}, ``, nil},
		{[]string{"s:443"}, ``, []string{taken}},
		{[]string{"s:443"}, `https_address = "off"`, nil},
		{[]string{"0.0.0.0:443"}, ``, []string{taken}},
		{[]string{"0.0.0.0:443"}, `https_address = "0.0.0.0:443"`, nil},
		{[]string{"127.0.0.1:443"}, ``, []string{taken}},
		{[]string{"127.0.0.1:443"}, `https_address = "127.0.0.2:443"`, nil},
		{[]string{":80"}, ``, []string{taken}},
		{[]string{":80"}, `http_address = ":8080"`, nil},
		{[]string{":80"}, `http_address = "off"`, nil},
		{[]string{":80", "s:443"}, ``, []string{taken, taken}},
		{[]string{":80"}, `http_address = "80"`, []string{"Invalid listener address"}},
	} {
		var b strings.Builder
		for i, address := range test.listeners {
			kind := "implicit"
			if plain, found := strings.CutPrefix(address, "s"); found {
				address, kind = plain, "starttls"
			}
			b.WriteString("listener \"l" + string(rune('0'+i)) + "\" {\n  address = \"" + address + "\"\n  tls = \"" + kind + "\"\n}\n")
		}
		b.WriteString("tls {\nacme {\nhosts = [\"pop.example.com\"]\n" + test.words + "\n}\n}\nbackend \"legacy\" {\n  address = \"10.0.0.5\"\n}\n")
		_, diags, files := Parse("config.hcl", []byte(b.String()))
		var got []string
		for _, d := range diags {
			got = append(got, d.Summary)
			if at := b.String()[d.Subject.Start.Byte:d.Subject.End.Byte]; at[0] != '"' {
				t.Errorf("%q with %q: %s points at %s, not at an address", test.listeners, test.words, d.Summary, at)
			}
		}
		if strings.Join(got, ", ") != strings.Join(test.want, ", ") {
			t.Errorf("%q with %q: got %q, want %q\n%s", test.listeners, test.words, got, test.want, messages(t, files, diags))
		}
	}
}

// TestACMEHosts tells which hosts will do. Each case is what stands in the tls
// block and behind it, the hosts of a tenant, and the summaries of the problems.
func TestACMEHosts(t *testing.T) {
	const (
		files = "certificate \"a\" {\n  cert_file = \"a.crt\"\n  key_file = \"a.key\"\n}\n"
		acme  = "acme {\n  hosts = [\"pop.example.com\"]\n}\n"
		empty = "acme {\n}\n"
		told  = "}\nautoconfig {\n"
	)
	for _, test := range []struct {
		tls, hosts string
		want       []string
	}{
		{acme, ``, nil},
		{empty, `"pop.a.example"`, nil},
		{empty + files, `"pop.a.example"`, nil},
		{empty, ``, []string{"ACME without hosts"}},
		{empty, `"pop"`, []string{"ACME without hosts", "Host without certificate"}},
		{empty + files, `"pop"`, []string{"ACME without hosts"}},
		{empty, `"pop", "pop.a.example"`, []string{"Host without certificate"}},
		{empty, `"pop_1"`, []string{"Invalid host name"}},
		{"acme {\n  hosts = [\"pop\"]\n}\n", ``, []string{"Host without domain"}},
		{acme + "default_host = \"pop.example.com\"\n", ``, nil},
		{acme + "default_host = \"pop.a.example\"\n", `"pop.a.example"`, nil},
		{acme + "default_host = \"pop.a.example\"\n", ``, []string{"Host without certificate"}},
		{acme + "default_host = \"pop.a.example\"\n" + files, ``, nil},
		{acme + "default_host = \"pop\"\n", ``, []string{"Host without certificate"}},
		{acme + "default_host = \"pop\"\n", `"pop"`, []string{"Host without certificate"}},
		{acme + "unknown_host = \"default\"\n", ``, []string{"Default host missing"}},
		{acme + "unknown_host = \"default\"\ndefault_host = \"pop_1\"\n", ``, []string{"Invalid host name"}},
		{acme + told + "server = \"pop.example.com\"\n", ``, nil},
		{acme + told + "server = \"pop.b.example\"\n", ``, []string{"Host without certificate"}},
		{acme + told + "server = \"pop.b.example\"\n", `"pop.b.example"`, nil},
		{acme + files + told + "server = \"pop.b.example\"\n", ``, nil},
		{acme + told + "server = \"pop_b\"\n", ``, []string{"Invalid host name"}},
		{acme + told + "domains = [\"b.example\"]\n", ``, nil},
		{empty + told + "domains = [\"b.example\"]\n", `"pop.a.example"`, []string{"Host without certificate"}},
		{"self_signed = true\nunknown_host = \"default\"\n", ``, []string{"Default host missing"}},
		{"self_signed = true\ndefault_host = \"pop.a.example\"\n", `"pop"`, nil},
	} {
		src := "hostname = \"mail.example.net\"\ntls {\n" + test.tls + "}\nbackend \"legacy\" {\n  address = \"10.0.0.5\"\n}\n" +
			"tenant \"a\" {\n  hosts = [" + test.hosts + "]\n  domains = [\"a.example\"]\n  backend = \"legacy\"\n}\n"
		_, diags, files := Parse("config.hcl", []byte(src))
		var got []string
		for _, d := range diags {
			got = append(got, d.Summary)
		}
		if strings.Join(got, ", ") != strings.Join(test.want, ", ") {
			t.Errorf("got %q, want %q\n%s%s", got, test.want, src, messages(t, files, diags))
		}
	}
}
