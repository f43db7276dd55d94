package config

import (
	"crypto/tls"
	"encoding/base64"
	"net/netip"
	"reflect"
	"regexp"
	"testing"
	"time"
)

// everyWord sets each word to something that isn't its default.
const everyWord = `
hostname = "POP.Example.com"
listener "a" {
  address = "[::1]:1995"
  tls     = "starttls"
  proxy_protocol {
    from = ["10.0.0.0/8", "192.0.2.7", "::ffff:172.16.0.0/108", "2001:db8::/32"]
  }
  limits {
    connections              = 11
    connections_per_ip       = 12
    connections_per_user     = 13
    connections_before_login = 14
    connection_rate          = "15/s"
    login_rate_per_ip        = "16/m"
    login_rate_per_user      = "17/h"
    login_rate               = "off"
    exempt                   = []
    errors                   = 18
    login_attempts           = 19
  }
}
tls {
  min_version  = "1.3"
  default_host = "Pop.example.com"
  unknown_host = "default"
  self_signed  = true
  ticket_secret = env("POPGATE_TICKET_SECRET")
  acme {
    hosts         = ["POP.example.com", "pop2.example.com"]
    email         = "Post.Master+acme@Example.com"
    directory     = "HTTPS://CA.example.com:14000/Dir?x=1"
    ca_file       = "tls/private-ca.pem"
    cache         = "acme/"
    http_address  = "[::ffff:192.0.2.7]:5002"
    https_address = "off"
    eab {
      key_id   = "kid 1"
      hmac_key = env("POPGATE_EAB_HMAC_KEY")
    }
  }
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
  login_delay = "90s"
  policy "frozen" {
    when      = auth.mechanism == "USER"
    delay     = "1m30s"
    read_only = true
    require {
      tls        = "1.3"
      mechanisms = ["LOGIN", "USER"]
    }
  }
  limits {
    connections          = 21
    connections_per_user = 0
    login_rate_per_ip    = "22/s"
    login_rate_per_user  = "off"
    login_rate           = "23/h"
  }
  route "sales" {
    when    = user.local == "sales"
    backend = "west"
    login   = user.name
  }
}
route "rest" {
  backend = "west"
}
networks "office" {
  addresses = ["192.0.2.0/24", "2001:DB8::7"]
  file      = "lists/office.txt"
}
networks "listed" {
  file = "/etc/popgate/listed"
}
policy "office" {
  when  = contains(client.networks, "office") || contains(client.networks, "listed")
  allow = true
}
policy "trial" {
  deny     = "not from „there“"
  log_only = true
}
policy "rest" {
  when = listener == "a"
  require { mechanisms = ["PLAIN"] }
}
limits {
  connections              = 1
  connections_per_ip       = 2
  connections_per_tenant   = 3
  connections_per_user     = 4
  connections_before_login = 5
  connection_rate          = "6/s"
  login_rate_per_ip        = "7/m"
  login_rate_per_user      = "8/h"
  login_rate               = "1000000/s"
  ipv4_prefix              = 24
  ipv6_prefix              = 56
  exempt                   = ["192.0.2.7", "2001:db8::/32"]
  errors                   = 9
  login_attempts           = 10
}
blocking {
  failures_per_user = 0
  failures_per_ip   = 1
  window            = "1h"
  first             = "2s"
  longest           = "3m"
  remember          = "4h"
  entries           = 5000
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
autoconfig {
  server   = "Mail.example.com"
  port     = 2995
  username = "local"
  domains  = ["Example.com", "acme.example"]
  smtp {
    server = "SMTP.example.com"
    port   = 2587
    tls    = "starttls"
  }
}
admin {
  socket     = "run//admin.sock"
  address    = "0.0.0.0:9110"
  token_file = "secrets/admin-token"
  hosts      = ["Popgate.example.com", "popgate.internal"]
  pprof      = true
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

	given := setSecrets(t)
	key, err := base64.RawURLEncoding.DecodeString(given["hmac_key"])
	if err != nil {
		t.Fatal(err)
	}
	got := parse(t, everyWord)
	route := got.Tenants[0].Routes[0]
	if route.When == nil || route.Login == nil || got.Routes[0].When != nil || got.Routes[0].Login != nil {
		t.Errorf("expressions: %+v, %+v", route, got.Routes[0])
	}
	got.Tenants[0].Routes[0].When, got.Tenants[0].Routes[0].Login = nil, nil
	for _, p := range []*Policy{&got.Tenants[0].Policies[0], &got.Policies[0], &got.Policies[2]} {
		if p.When == nil {
			t.Errorf("policy %q has no condition", p.Name)
		}
		p.When = nil
	}
	got.expressions = nil // TestEffective
	want := &Config{
		Hostname: "pop.example.com",
		Listeners: []Listener{{
			Name: "a", Address: "[::1]:1995", StartTLS: true,
			ProxyFrom: []netip.Prefix{
				netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"),
				netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("2001:db8::/32"),
			},
			Limits: Override{
				Connections: new(11), ConnectionsPerIP: new(12), ConnectionsPerUser: new(13), ConnectionsBeforeLogin: new(14),
				ConnectionRate: &Rate{15, time.Second}, LoginRatePerIP: &Rate{16, time.Minute},
				LoginRatePerUser: &Rate{17, time.Hour}, LoginRate: &Rate{},
				Exempt: []netip.Prefix{}, Errors: new(18), LoginAttempts: new(19),
			},
		}},
		TLS: TLS{
			MinVersion: tls.VersionTLS13, DefaultHost: "pop.example.com", UnknownHostDefault: true, SelfSigned: true,
			TicketSecret: NewSecret([]byte(given["ticket_secret"])),
			ACME: &ACME{
				Hosts:     []string{"pop.example.com", "pop2.example.com"},
				Email:     "Post.Master+acme@example.com",
				Directory: "https://ca.example.com:14000/Dir?x=1",
				CAFile:    "tls/private-ca.pem",
				Cache:     "acme",
				HTTP:      Challenge{Address: "192.0.2.7:5002", Written: true},
				HTTPS:     Challenge{Written: true},
				EAB:       &EAB{KeyID: "kid 1", HMACKey: NewSecret(key)},
			},
			Certificates: []Certificate{{Name: "one", CertFile: "tls/one.crt", KeyFile: "/etc/one.key"}},
		},
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
			Backend: "east", AnyHost: true, LoginDelay: 90 * time.Second,
			Routes: []Route{{Name: "sales", Backend: "west"}},
			Policies: []Policy{{
				Name: "frozen", Delay: 90 * time.Second, ReadOnly: true,
				RequireTLS: tls.VersionTLS13, RequireMechanisms: []string{"LOGIN", "USER"},
			}},
			Limits: Override{
				Connections: new(21), ConnectionsPerUser: new(0),
				LoginRatePerIP: &Rate{22, time.Second}, LoginRatePerUser: &Rate{}, LoginRate: &Rate{23, time.Hour},
			},
		}},
		Routes: []Route{{Name: "rest", Backend: "west"}},
		Networks: []Network{
			{
				Name: "office", File: "lists/office.txt",
				Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::7/128")},
			},
			{Name: "listed", File: "/etc/popgate/listed"},
		},
		Policies: []Policy{
			{Name: "office", Allow: true},
			{Name: "trial", Deny: "not from „there“", LogOnly: true},
			{Name: "rest", RequireMechanisms: []string{"PLAIN"}},
		},
		Limits: Limits{
			Connections: 1, ConnectionsPerIP: 2, ConnectionsPerTenant: 3, ConnectionsPerUser: 4, ConnectionsBeforeLogin: 5,
			ConnectionRate: Rate{6, time.Second}, LoginRatePerIP: Rate{7, time.Minute},
			LoginRatePerUser: Rate{8, time.Hour}, LoginRate: Rate{1_000_000, time.Second},
			IPv4Prefix: 24, IPv6Prefix: 56,
			Exempt: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("2001:db8::/32")},
			Errors: 9, LoginAttempts: 10,
		},
		Blocking: Blocking{
			FailuresPerIP: 1, Window: time.Hour, First: 2 * time.Second, Longest: 3 * time.Minute,
			Remember: 4 * time.Hour, Entries: 5000,
		},
		Timeouts: Timeouts{
			Handshake: time.Second, Login: 2 * time.Second, FailureDelay: 1500 * time.Millisecond, Connect: 4 * time.Second,
			Greeting: 5 * time.Second, BackendLogin: 6 * time.Second, Idle: 90 * time.Minute, Quit: 8 * time.Minute,
			HalfClosed: 9 * time.Second, Drain: 30 * time.Minute,
		},
		Autoconfig: &Autoconfig{
			Server: "mail.example.com", Port: 2995, StartTLS: true, LocalPart: true,
			Domains: []string{"example.com", "acme.example"},
			SMTP:    &SMTP{Server: "smtp.example.com", Port: 2587, StartTLS: true},
		},
		Admin: Admin{
			Socket: "run/admin.sock", Written: true, Address: "0.0.0.0:9110", TokenFile: "secrets/admin-token",
			Hosts: []string{"popgate.example.com", "popgate.internal"}, Pprof: true,
		},
		Log: Log{Level: "debug", Format: "json", FailedUsers: "none"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %+v\nwant %+v, %+v", got, got.TLS.ACME, want, want.TLS.ACME)
	}
}
