package main

import (
	"crypto/tls"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"popgate/internal/config"
)

var testSetup = setup{
	Host: host, Listen: "127.0.0.1:1995", Backend: "127.0.0.1:1110", Auth: "127.0.0.1:1080", CertFile: "/d/cert.pem",
	KeyFile: "/d/key.pem", PairFile: "/d/pair.pem", Dir: "/d/own", Cores: 3, Sessions: 1234, WorkerConnections: 4321,
}

func TestConfigurationsNameTheirServers(t *testing.T) {
	for name, want := range map[string][]string{
		popgate:   {`address = "127.0.0.1:1995"`, `address     = "127.0.0.1:1110"`, `cert_file = "/d/cert.pem"`, `key_file  = "/d/key.pem"`, `level = "info"`},
		"haproxy": {"bind 127.0.0.1:1995 ssl crt /d/pair.pem", "server memory 127.0.0.1:1110", "nbthread 3", "maxconn 1234", "mode tcp"},
		"nginx":   {"listen 127.0.0.1:1995 ssl", "auth_http 127.0.0.1:1080/auth;", "worker_processes 3;", "worker_connections 4321;", "proxy_buffer 16k;"},
	} {
		for _, p := range peers {
			if p.name != name {
				continue
			}
			text, err := p.render(testSetup)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range want {
				if !strings.Contains(text, line) {
					t.Errorf("%s: no %q in\n%s", name, line, text)
				}
			}
			if strings.Contains(text, "load_module") {
				t.Errorf("%s: a module is loaded that isn't there", name)
			}
		}
	}
}

func TestNginxLoadsItsMailModule(t *testing.T) {
	s := testSetup
	s.MailModule = "/m/ngx_mail_module.so"
	text, err := peers[2].render(s)
	if err != nil || !strings.Contains(text, "\nload_module /m/ngx_mail_module.so;\n") {
		t.Errorf("%v in\n%s", err, text)
	}
}

func TestParseAbout(t *testing.T) {
	for _, test := range []struct {
		name, output string
		want         about
	}{
		{"haproxy", "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/\nBuilt with OpenSSL version : OpenSSL 3.0.22 25 Aug\n" +
			"Running on OpenSSL version : OpenSSL 3.0.19 27 Jan\nOpenSSL library supports SNI : yes\n",
			about{version: "haproxy 2.6.12-1+deb12u4 (OpenSSL 3.0.19)"}},
		{"nginx", "nginx version: nginx/1.22.1\nbuilt with OpenSSL 3.0.22 25 Aug\nconfigure arguments: --modules-path=/usr/lib/nginx/modules --with-mail=dynamic\n",
			about{version: "nginx 1.22.1 (OpenSSL 3.0.22)", module: "/usr/lib/nginx/modules/ngx_mail_module.so"}},
		{"nginx", "nginx version: nginx/1.31.0\nconfigure arguments: --modules-path=/m --with-mail\n", about{version: "nginx 1.31.0"}},
		{popgate, "popgate (devel) go1.26.8\nGOOS linux\n", about{version: "popgate (devel) go1.26.8"}},
		{popgate, "popgate v1.2.3 go1.26.8\n", about{version: "popgate v1.2.3 go1.26.8"}},
		{popgate, "", about{version: "popgate"}},
	} {
		if got := parseAbout(test.name, test.output); got != test.want {
			t.Errorf("%q: got %+v, want %+v", test.output, got, test.want)
		}
	}
}

func TestFindNamesThePackage(t *testing.T) {
	p := peer{name: "no-such-proxy", debian: "some-package"}
	if _, err := p.find(""); err == nil || !strings.Contains(err.Error(), "apt-get install some-package") {
		t.Errorf("got %v", err)
	}
}

func TestCertificateIsGoodForItsHost(t *testing.T) {
	c, err := newCertificate(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(c.cert, c.key)
	if err != nil {
		t.Fatal(err)
	}
	if err := pair.Leaf.VerifyHostname(host); err != nil {
		t.Error(err)
	}
	if got := pair.Leaf.PublicKeyAlgorithm.String() + " " + pair.Leaf.SignatureAlgorithm.String(); got != "ECDSA ECDSA-SHA256" {
		t.Errorf("got %s", got)
	}
}

// configure makes a peer's files as a run does, and returns the configuration's path.
func configure(t *testing.T, p prepared) string {
	t.Helper()
	s := site{dir: t.TempDir(), setup: testSetup}
	cert, err := newCertificate(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s.setup.Dir, s.setup.MailModule = s.dir, p.about.module
	s.setup.CertFile, s.setup.KeyFile, s.setup.PairFile = s.dir+"/cert", s.dir+"/key", s.dir+"/pair"
	text, err := p.render(s.setup)
	if err != nil {
		t.Fatal(err)
	}
	config := s.dir + "/" + p.config
	for path, content := range map[string][]byte{
		config: []byte(text), s.setup.CertFile: cert.cert, s.setup.KeyFile: cert.key,
		s.setup.PairFile: slices.Concat(cert.cert, cert.key),
	} {
		if err := s.write(path, content); err != nil {
			t.Fatal(err)
		}
	}
	return config
}

// popgate takes its configuration without an error or a warning.
func TestPopgateAcceptsItsConfiguration(t *testing.T) {
	_, problems, _ := config.Load(configure(t, prepared{peer: peers[0]}))
	for _, p := range problems {
		t.Error(p)
	}
}

// The real programs take the configurations as they are.
func TestPeersAcceptTheirConfigurations(t *testing.T) {
	needLinux(t)
	for name, check := range map[string][]string{"haproxy": {"-c", "-f"}, "nginx": {"-t", "-q", "-e", "stderr", "-c"}} {
		t.Run(name, func(t *testing.T) {
			p := peers[slices.Index(peerNames(), name)]
			if _, err := p.find(""); err != nil {
				t.Skip("SKIPPED:", err)
			}
			found, err := new(site).prepare(t.Context(), p, options{})
			if err != nil {
				t.Fatal(err)
			}
			args := append(check, configure(t, found))
			if said, err := exec.CommandContext(t.Context(), found.program, args...).CombinedOutput(); err != nil {
				t.Errorf("%v:\n%s", err, said)
			}
		})
	}
}
