package config

import (
	"crypto/tls"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// least is the shortest configuration that can be used.
const least = `
tls {
  self_signed = true
}
backend "legacy" {
  address = "10.0.0.5"
}
`

// parse returns the Config of src, which must have no problems at all.
func parse(t *testing.T, src string) *Config {
	t.Helper()
	c, diags, files := Parse("config.hcl", []byte(src))
	if len(diags) > 0 {
		t.Fatal(messages(t, files, diags))
	}
	return c
}

func messages(t *testing.T, files map[string]*hcl.File, diags hcl.Diagnostics) string {
	t.Helper()
	var b strings.Builder
	if err := WriteDiagnostics(&b, files, diags, false); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDefaults(t *testing.T) {
	got := parse(t, least)
	want := &Config{
		Hostname:  machineName(os.Hostname),
		Listeners: []Listener{{Name: "pop3s", Address: ":995"}},
		TLS:       TLS{MinVersion: tls.VersionTLS12, SelfSigned: true},
		Backends: []Backend{{
			Name: "legacy", Addresses: []string{"10.0.0.5:110"}, Capabilities: []string{"TOP", "UIDL"},
			InUseWords: defaultInUseWords, TemporaryWords: defaultTemporaryWords,
		}},
		Limits: Limits{Connections: 10000, ConnectionsPerIP: 50, ConnectionsBeforeLogin: 2000, Errors: 3, LoginAttempts: 3},
		Timeouts: Timeouts{
			Handshake: 10 * time.Second, Login: time.Minute, FailureDelay: 3 * time.Second, Connect: 10 * time.Second,
			Greeting: 30 * time.Second, BackendLogin: 2 * time.Minute, Idle: 10 * time.Minute, Quit: 2 * time.Minute,
			HalfClosed: 2 * time.Minute, Drain: 30 * time.Second,
		},
		Log: Log{Level: "info", Format: "text", FailedUsers: "served"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// everyWord sets each word to something that isn't its default.
const everyWord = `
hostname = "POP.Example.com"
listener "a" {
  address = "[::1]:1995"
  tls     = "starttls"
  proxy_protocol {
    from = ["10.0.0.0/8", "192.0.2.7", "::ffff:172.16.0.0/108", "2001:db8::/32"]
  }
}
tls {
  min_version  = "1.3"
  default_host = "Pop.example.com"
  self_signed  = true
  certificate "one" {
    cert_file = "tls/one.crt"
    key_file  = "/etc/one.key"
  }
}
backend "east" {
  addresses       = ["mail_1:2110", "unix:/run//pop3.sock", "[2001:DB8::1]", "mail.Example.com."]
  auth            = "plain"
  capabilities    = ["top", "login-delay 60"]
  connections     = 200
  in_use_words    = ["Mailbox Locked"]
  temporary_words = []
}
backend "west" {
  address = "[fe80::1%eth0]:110"
}
tenant "acme" {
  hosts    = ["POP.acme.example"]
  domains  = ["Acme.example", "bücher.example"]
  backend  = "east"
  any_host = true
  route "sales" {
    when    = user.local == "sales"
    backend = "west"
    login   = user.name
  }
}
route "rest" {
  backend = "west"
}
limits {
  connections              = 1
  connections_per_ip       = 2
  connections_before_login = 3
  errors                   = 4
  login_attempts           = 5
}
timeouts {
  handshake     = "1s"
  login         = "2s"
  failure_delay = "1500ms"
  connect       = "4s"
  greeting      = "5s"
  backend_login = "6s"
  idle          = "1h30m"
  quit          = "8m"
  half_closed   = "9s"
  drain         = "0.5h"
}
log {
  level        = "debug"
  format       = "json"
  failed_users = "none"
}
`

// TestEveryValueArrives insists that each word of the schema stands in everyWord,
// and that its value comes out in the Config.
func TestEveryValueArrives(t *testing.T) {
	var visit func(b *block)
	visit = func(b *block) {
		for _, w := range b.words {
			if !regexp.MustCompile(`\n *` + w.name + ` +=`).MatchString(everyWord) {
				t.Errorf("everyWord doesn't set %s", w.name)
			}
		}
		for _, inner := range b.blocks {
			visit(inner)
		}
	}
	visit(document)

	got := parse(t, everyWord)
	route := got.Tenants[0].Routes[0]
	if route.When == nil || route.Login == nil || got.Routes[0].When != nil || got.Routes[0].Login != nil {
		t.Errorf("expressions: %+v, %+v", route, got.Routes[0])
	}
	got.Tenants[0].Routes[0].When, got.Tenants[0].Routes[0].Login = nil, nil
	want := &Config{
		Hostname: "pop.example.com",
		Listeners: []Listener{{Name: "a", Address: "[::1]:1995", StartTLS: true, ProxyFrom: []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"),
			netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("2001:db8::/32"),
		}}},
		TLS: TLS{MinVersion: tls.VersionTLS13, DefaultHost: "pop.example.com", SelfSigned: true, Certificates: []Certificate{
			{Name: "one", CertFile: "tls/one.crt", KeyFile: "/etc/one.key"},
		}},
		Backends: []Backend{
			{
				Name:      "east",
				Addresses: []string{"mail_1:2110", "unix:/run/pop3.sock", "[2001:db8::1]:110", "mail.example.com.:110"},
				AuthPlain: true, Capabilities: []string{"TOP", "LOGIN-DELAY 60"}, Connections: 200,
				InUseWords: []string{"mailbox locked"},
			},
			{
				Name: "west", Addresses: []string{"[fe80::1%eth0]:110"}, Capabilities: []string{"TOP", "UIDL"},
				InUseWords: defaultInUseWords, TemporaryWords: defaultTemporaryWords,
			},
		},
		Tenants: []Tenant{{
			Name: "acme", Hosts: []string{"pop.acme.example"}, Domains: []string{"acme.example", "bücher.example"},
			Backend: "east", AnyHost: true, Routes: []Route{{Name: "sales", Backend: "west"}},
		}},
		Routes: []Route{{Name: "rest", Backend: "west"}},
		Limits: Limits{Connections: 1, ConnectionsPerIP: 2, ConnectionsBeforeLogin: 3, Errors: 4, LoginAttempts: 5},
		Timeouts: Timeouts{
			Handshake: time.Second, Login: 2 * time.Second, FailureDelay: 1500 * time.Millisecond, Connect: 4 * time.Second,
			Greeting: 5 * time.Second, BackendLogin: 6 * time.Second, Idle: 90 * time.Minute, Quit: 8 * time.Minute,
			HalfClosed: 9 * time.Second, Drain: 30 * time.Minute,
		},
		Log: Log{Level: "debug", Format: "json", FailedUsers: "none"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestMachineName(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"Mail1", nil, "mail1"},
		{"pop.example.com", nil, "pop.example.com"},
		{"pop.example.com.", nil, "pop.example.com"},
		{"", errors.New("no name"), "localhost"},
		{"", nil, "localhost"},
		{"my_machine", nil, "localhost"},
		{"10.0.0.5", nil, "localhost"},
	} {
		if got := machineName(func() (string, error) { return c.name, c.err }); got != c.want {
			t.Errorf("%q, %v: got %q, want %q", c.name, c.err, got, c.want)
		}
	}
}

// TestPathsStartAtTheirFile loads a folder from elsewhere: paths that are written
// in it start there, for certificates and for file.
func TestPathsStartAtTheirFile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "main.hcl"), strings.Replace(least, `"10.0.0.5"`, `file("secrets/address")`, 1))
	write(t, filepath.Join(dir, "tls.hcl"), "listener \"a\" {\n  address = env(\"POPGATE_TEST_LISTEN\")\n}\n")
	write(t, filepath.Join(dir, "secrets", "address"), "192.0.2.1:2110\r\n")
	t.Setenv("POPGATE_TEST_LISTEN", ":2995\n")
	c, diags, files := Load(dir)
	if len(diags) > 0 {
		t.Fatal(messages(t, files, diags))
	}
	if got := c.Backends[0].Addresses[0]; got != "192.0.2.1:2110" {
		t.Errorf("file gave %q", got)
	}
	if got := c.Listeners[0].Address; got != ":2995" {
		t.Errorf("env gave %q", got)
	}

	src := strings.Replace(least, "self_signed = true", "certificate \"a\" {\n    cert_file = \"a.crt\"\n    key_file  = \"../a.key\"\n  }", 1)
	write(t, filepath.Join(dir, "other", "a.hcl"), src)
	c, diags, files = Load(filepath.Join(dir, "other", "a.hcl"))
	if len(diags) > 0 {
		t.Fatal(messages(t, files, diags))
	}
	want := Certificate{Name: "a", CertFile: filepath.Join(dir, "other", "a.crt"), KeyFile: filepath.Join(dir, "a.key")}
	if got := c.TLS.Certificates[0]; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestOneNewlineIsCut checks env and file to the byte.
func TestOneNewlineIsCut(t *testing.T) {
	for given, want := range map[string]string{
		"joe": "joe", "joe\n": "joe", "joe\r\n": "joe", "joe\n\n": "joe\n", "joe\r": "joe\r", " joe ": " joe ", "\n": "", "": "",
	} {
		path := filepath.Join(t.TempDir(), "value")
		write(t, path, given)
		t.Setenv("POPGATE_TEST_VALUE", given)
		functions := newLoader().functions("config.hcl").Functions
		for name, arg := range map[string]string{"file": path, "env": "POPGATE_TEST_VALUE"} {
			got, err := functions[name].Call(args(arg))
			if err != nil || got.AsString() != want {
				t.Errorf("%s of %q: got %q, %v, want %q", name, given, got.AsString(), err, want)
			}
		}
	}
}

// TestFileIsBounded insists that file("…") reads no device and no long file.
func TestFileIsBounded(t *testing.T) {
	long := filepath.Join(t.TempDir(), "long")
	write(t, long, strings.Repeat("x", maxFile+1))
	for _, path := range []string{long, "/dev/zero", t.TempDir()} {
		if got, err := readText(path); err == nil {
			t.Errorf("%s gave %d octets", path, len(got))
		}
	}
	write(t, long, strings.Repeat("x", maxFile))
	if got, err := readText(long); err != nil || len(got) != maxFile {
		t.Errorf("a file of %d octets gave %d, %v", maxFile, len(got), err)
	}
}

// write makes a file and the folder it is in.
func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
