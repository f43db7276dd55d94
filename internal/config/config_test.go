package config

import (
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"reflect"
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
		Limits: Limits{
			Connections: 10000, ConnectionsPerIP: 50, ConnectionsPerUser: 20, ConnectionsBeforeLogin: 2000,
			ConnectionRate: Rate{300, time.Minute}, LoginRatePerIP: Rate{120, time.Minute},
			LoginRatePerUser: Rate{60, time.Minute}, LoginRate: Rate{30, time.Minute},
			IPv4Prefix: 32, IPv6Prefix: 64, Errors: 3, LoginAttempts: 3,
		},
		Blocking: Blocking{
			FailuresPerUser: 5, FailuresPerIP: 20, Window: 30 * time.Minute,
			First: 5 * time.Minute, Longest: 24 * time.Hour, Remember: 720 * time.Hour, Entries: 50_000,
		},
		Timeouts: Timeouts{
			Handshake: 10 * time.Second, Login: time.Minute, FailureDelay: 3 * time.Second, Connect: 10 * time.Second,
			Greeting: 30 * time.Second, BackendLogin: 2 * time.Minute, Idle: 10 * time.Minute, Quit: 2 * time.Minute,
			HalfClosed: 2 * time.Minute, Drain: 30 * time.Second,
		},
		Admin: Admin{Socket: "/run/popgate/admin.sock"},
		Log:   Log{Level: "info", Format: "text", FailedUsers: "served"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestACMEDefaults loads the shortest configuration with automatic certificates.
func TestACMEDefaults(t *testing.T) {
	got := parse(t, "tls {\n  acme { hosts = [\"POP.example.com\"] }\n}\nbackend \"legacy\" { address = \"10.0.0.5:110\" }\n").TLS
	want := TLS{MinVersion: tls.VersionTLS12, ACME: &ACME{
		Hosts:     []string{"pop.example.com"},
		Directory: "https://acme-v02.api.letsencrypt.org/directory",
		Cache:     "/var/lib/popgate/acme",
		HTTP:      Challenge{Address: ":80"},
		HTTPS:     Challenge{Address: ":443"},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %+v\nwant %+v, %+v", got, got.ACME, want, want.ACME)
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

// TestPathsThatMayBeOff: paths of the acme and admin blocks start at their file as
// well; "off" is no path.
func TestPathsThatMayBeOff(t *testing.T) {
	dir := t.TempDir()
	for written, want := range map[string]string{"off": "", "./off": filepath.Join(dir, "off"), "../admin.sock": filepath.Join(filepath.Dir(dir), "admin.sock")} {
		src := "tls {\n  acme {\n    hosts = [\"pop.example.com\"]\n    ca_file = \"ca.pem\"\n    cache = \"acme\"\n  }\n}\n" +
			"backend \"legacy\" { address = \"10.0.0.5\" }\nadmin { socket = \"" + written + "\" }\n"
		write(t, filepath.Join(dir, "a.hcl"), src)
		c, diags, files := Load(dir)
		if len(diags) > 0 {
			t.Fatal(messages(t, files, diags))
		}
		if c.Admin.Socket != want || !c.Admin.Written {
			t.Errorf("socket = %q gave %+v, want %q", written, c.Admin, want)
		}
		if a := c.TLS.ACME; a.CAFile != filepath.Join(dir, "ca.pem") || a.Cache != filepath.Join(dir, "acme") {
			t.Errorf("paths %q and %q", a.CAFile, a.Cache)
		}
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
