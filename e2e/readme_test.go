package e2e

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadmePage follows README.md and the README of deploy/fail2ban in a machine: every block of shell, with the
// configurations that stand there. Its internet has a CA where Let's Encrypt is.
func TestReadmePage(t *testing.T) {
	t.Parallel()
	m := startMachine(t)
	m.clone(t)
	joe := m.mailServer(t)
	m.mailServerAt(t, "10.0.0.5", "10.0.0.6")
	m.internet(t)
	const page = "../README.md"
	there := "cd popgate\n"

	try := shellBlocks(t, section(t, page, "Try it"), 1)
	m.sh(t, fmt.Sprintf(`systemd-run --quiet --unit demo --working-directory /root/popgate --setenv HOME=/root --setenv "PATH=$PATH" %s
until journalctl --quiet --unit demo | grep --quiet 'Ctrl-C ends the demo'; do
	systemctl --quiet is-active demo
	sleep 0.1
done
# Ctrl-C reaches all of a terminal's programs, as this does.
systemctl kill --signal INT demo
while systemctl --quiet is-active demo; do sleep 0.1; done
`, strings.TrimSpace(try[0])))
	if out := m.sh(t, "journalctl --quiet --unit demo"); !strings.Contains(out, "alice@demo.example:") || !strings.Contains(out, "draining") {
		t.Errorf("the demo wrote: %s", out)
	}

	run := section(t, page, "Run it")
	blocks := shellBlocks(t, run, 4)
	configs := regexp.MustCompile("(?ms)^```hcl\n(.*?)^```$").FindAllStringSubmatch(run, -1)
	then := strings.SplitAfter(strings.TrimSpace(blocks[1]), "\n")
	if len(configs) != 5 || len(then) != 4 {
		t.Fatalf("there are %d configurations, and %d lines to begin with: %s", len(configs), len(then), then)
	}
	m.sh(t, there+blocks[0])
	config := m.file("/root/popgate/popgate.hcl")
	write(t, config, configs[0][1])
	check, serve, list, fetch := then[0], then[1], then[2], then[3]
	m.sh(t, there+check)
	m.sh(t, fmt.Sprintf("systemd-run --quiet --unit readme --working-directory /root/popgate %s", strings.Replace(serve, "bin", "/root/popgate/bin", 1)))
	m.sh(t, fmt.Sprintf("%sfor i in $(seq 300); do %s sleep 0.1; done | grep --max-count 1 'pop.example.com.* valid '", there, list))
	fetches := strings.ReplaceAll(fetch, "--user NAME", fmt.Sprintf("--silent --show-error --user '%s:%s'", joe.user, joe.password))
	if out := m.sh(t, fetches); !strings.HasPrefix(out, "1 ") {
		t.Errorf("no mails are listed, but: %s", out)
	}

	// All the rest that stands there, in one.
	write(t, config, configs[2][1]+configs[3][1]+configs[4][1])
	m.sh(t, there+"bin/popgate reload --config popgate.hcl")
	if out := m.sh(t, there+blocks[2]); !strings.Contains(out, "office network only") || !strings.HasSuffix(out, "\nnone\n") {
		t.Errorf("explain and blocks wrote: %s", out)
	}
	followed := m.sh(t, fmt.Sprintf("%s( until journalctl --quiet --unit readme | grep --quiet 'trace begins'; do sleep 0.1; done\n"+
		"! curl --silent --user joe@bank.example:secret pop3s://pop.example.com/ ) &\n%s", there, blocks[3]))
	for _, part := range []string{"\nold ", "joe@bank.example, no tenant's", "office network only", "popgate_build_info{"} {
		if !strings.Contains(followed, part) {
			t.Errorf("top, trace and the numbers have no %q: %s", part, followed)
		}
	}
	if out := m.sh(t, strings.ReplaceAll(fetches, joe.user+":", joe.user+"@staff.example:")); !strings.HasPrefix(out, "1 ") {
		t.Errorf("after the reload no mails of the staff are listed, but: %s", out)
	}
	m.guessersAreDropped(t)
}

// guessersAreDropped follows the README of deploy/fail2ban, beside the popgate that runs.
func (m *machine) guessersAreDropped(t *testing.T) {
	t.Helper()
	need(t, "fail2ban-client")
	const page = "../deploy/fail2ban/README.md"
	install := shellBlocks(t, section(t, page, "Installing"), 2)
	// Its own jail is for sshd, which doesn't run here.
	m.sh(t, "rm -f /etc/fail2ban/jail.d/*; journalctl --quiet --unit readme --output cat > /var/log/popgate.log; systemctl start fail2ban\n"+
		"for i in $(seq 300); do fail2ban-client ping && break; sleep 0.1; done\ncd popgate/deploy/fail2ban\n"+install[0])
	if out := m.sh(t, "fail2ban-client status"); !regexp.MustCompile(`Jail list:\s+popgate\n`).MatchString(out) {
		t.Errorf("the jail isn't there: %s", out)
	}
	if out := m.sh(t, install[1]); strings.Count(out, "\nLines: ") != 2 {
		t.Errorf("what would it find? %s", out)
	}
}

// internet gives the machine the names of the README's examples, and a network that holds one server more: an ACME server
// under the name of Let's Encrypt's, whose certificates the machine trusts.
func (m *machine) internet(t *testing.T) {
	t.Helper()
	need(t, "haproxy")
	programs, err := buildPebble()
	if err != nil {
		missing(t, "Pebble can't be built from the tools module: %v", err)
	}
	const ca = "acme-v02.api.letsencrypt.org"
	keys := newKeys(t, folder(t), ca, "localhost")
	m.sh(t, `mkdir /srv/ca
ip netns add internet
ip link add wan type veth peer name wan netns internet
ip address add 203.0.113.9/24 dev wan
ip link set wan up
ip -n internet address add 203.0.113.1/24 dev wan
ip -n internet link set wan up
ip -n internet link set lo up
printf '203.0.113.9 pop.example.com pop.acme.example\n203.0.113.1 `+ca+`\n' >> /etc/hosts
`)
	for name, text := range map[string]string{
		"ca.pem":        readFile(t, keys.ca()),
		"both.pem":      readFile(t, keys.cert(ca)) + readFile(t, keys.key(ca)),
		"localhost.pem": readFile(t, keys.cert("localhost")),
		"localhost.key": readFile(t, keys.key("localhost")),
		"pebble":        readFile(t, filepath.Join(programs, "pebble")),
		"pebble.json": `{"pebble": {"listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000", "httpPort": 80, "tlsPort": 443,
  "certificate": "/srv/ca/localhost.pem", "privateKey": "/srv/ca/localhost.key", "keyAlgorithm": "ecdsa", "retryAfter": {"authz": 1, "order": 1},
  "profiles": {"default": {"description": "the only one", "validityPeriod": 7776000}}}}`,
		// The directory is elsewhere at Pebble.
		"haproxy.cfg": `defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend acme
  bind 203.0.113.1:443 ssl crt /srv/ca/both.pem
  http-request set-path /dir if { path /directory }
  default_backend pebble
backend pebble
  server pebble 127.0.0.1:14000 ssl verify none
`,
	} {
		write(t, m.file(filepath.Join("/srv/ca", name)), text)
	}
	m.sh(t, `cd /srv/ca
chmod +x pebble
cat ca.pem >> /etc/ssl/certs/ca-certificates.crt
systemd-run --quiet --unit pebble --setenv PEBBLE_VA_NOSLEEP=1 ip netns exec internet /srv/ca/pebble -config /srv/ca/pebble.json
systemd-run --quiet --unit gate ip netns exec internet /usr/sbin/haproxy -f /srv/ca/haproxy.cfg
for i in $(seq 300); do
	curl --silent --show-error --fail https://`+ca+`/directory && break
	sleep 0.1
done
ip netns exec internet curl --silent --show-error --fail --cacert ca.pem https://localhost:15000/roots/0 >> /etc/ssl/certs/ca-certificates.crt
`)
}
