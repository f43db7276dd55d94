package e2e

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestInstallPage follows docs/install.md from source and with the Debian package, and the README of the units, in a
// machine with systemd: every block of shell that stands there.
func TestInstallPage(t *testing.T) {
	t.Parallel()
	m := startMachine(t)
	m.clone(t)
	joe := m.mailServer(t)
	const page = "../docs/install.md"

	source := shellBlocks(t, section(t, page, "From source"), 2)
	out := m.sh(t, "cd popgate\n"+strings.ReplaceAll(source[0], "bin/popgate demo", "timeout --preserve-status 5 bin/popgate demo"))
	if !strings.Contains(out, "alice@demo.example:") {
		t.Errorf("the demo didn't begin: %s", out)
	}

	debian := shellBlocks(t, section(t, page, "Debian package"), 2)
	out = m.sh(t, "cd popgate\n"+debian[0])
	if !strings.Contains(out, "to begin") {
		t.Errorf("the installation doesn't tell how to begin: %s", out)
	}
	write(t, m.file("/etc/popgate/config.hcl"), "tls { self_signed = true }\n"+behind)
	m.sh(t, debian[1])
	m.fetches(t, joe)

	// The folder of certificates belongs to a user of systemd's making, which is no trouble.
	write(t, m.file("/root/acme.hcl"), "tls {\n  acme { hosts = [\"pop.example.com\"] }\n}\n"+behind)
	if out, _ := m.try(t, "popgate cert check --config acme.hcl 2>&1"); !strings.Contains(out, "belongs to the user that systemd makes") {
		t.Errorf("the cache isn't fine: %s", out)
	}

	head := m.sh(t, "git -C popgate rev-parse HEAD")
	sums := strings.Fields(m.sh(t, "cd popgate\n"+strings.ReplaceAll(source[1], "COMMIT", strings.TrimSpace(head))))
	if n := len(sums); n < 4 || sums[n-4] != sums[n-2] {
		t.Errorf("the same commit, but other bytes: %q", sums)
	}

	m.upgradesPackage(t, joe)
	m.sh(t, "apt-get remove -y popgate && test ! -e /usr/bin/popgate -a -e /etc/popgate/config.hcl -a -d /var/lib/popgate/.")
	m.sh(t, "apt-get purge -y popgate && test ! -e /etc/popgate -a ! -e /var/lib/popgate -a ! -e /var/lib/private/popgate")
	m.unitsByHand(t, joe)
}

// behind is the part of a configuration that has the mail server, and what so many logins of one client take.
const behind = `backend "old" { address = "127.0.0.1:110" }
limits {
  exempt              = ["127.0.0.1"]
  login_rate_per_user = "off"
}
`

// clone puts the repository into root's home folder.
func (m *machine) clone(t *testing.T) {
	t.Helper()
	m.sh(t, "git -c safe.directory='*' clone --quiet '"+repository(t)+"' popgate")
}

// mailServer starts Debian's Dovecot at port 110.
func (m *machine) mailServer(t *testing.T) account {
	t.Helper()
	need(t, "dovecot")
	var settings strings.Builder
	const dir, owner = "/srv/pop", 1000
	if err := dovecotSettings.Execute(&settings, dovecotValues{Dir: dir, Port: 110, UID: owner, GID: owner}); err != nil {
		t.Fatal(err)
	}
	m.sh(t, fmt.Sprintf("mkdir -p %[1]s/run %[1]s/state %[1]s/users %[1]s/mail", dir))
	write(t, m.file("/etc/dovecot/dovecot.conf"), settings.String())
	d := dovecot{dir: m.file(dir), uid: owner, gid: owner}
	joe := d.mailbox(t, "joe", threeMails())
	m.sh(t, "systemctl start dovecot")
	write(t, m.file("/root/.netrc"), fmt.Sprintf("machine 127.0.0.1 login %s password %s\n", joe.user, joe.password))
	return joe
}

// mailServerAt gives the mail server further addresses, those by which a page knows it.
func (m *machine) mailServerAt(t *testing.T, addresses ...string) {
	t.Helper()
	for _, address := range addresses {
		m.sh(t, "ip address add "+address+"/32 dev lo; sed -i 's/^listen = .*/&, "+address+"/' /etc/dovecot/dovecot.conf")
	}
	m.sh(t, "systemctl restart dovecot")
}

// fetch fetches the first mail through popgate.
const fetch = "curl --silent --show-error --max-time 20 --insecure --netrc pop3s://127.0.0.1/1\n"

func (m *machine) fetches(t *testing.T, joe account) {
	t.Helper()
	if out := m.sh(t, fetch); !strings.Contains(out, "Subject: ") {
		t.Errorf("no mail, but %q", out)
	}
}

// served runs a script while clients come one after the other, before, meanwhile and behind it, all of whom must be
// served. It returns what the script wrote.
func (m *machine) served(t *testing.T, script string) string {
	t.Helper()
	return m.servedBut(t, 0, script)
}

// servedBut is for scripts that may cut so many sessions, but refuse no connection.
func (m *machine) servedBut(t *testing.T, cut int, script string) string {
	t.Helper()
	const more = `
more() {
	begun=$(grep -c come clients || true) # it fails where there is none yet
	until test "$(grep -c come clients)" -gt $((begun + 2)); do sleep 0.02; done
}
`
	out := m.sh(t, more+": > clients\n{ while test ! -e enough; do echo come; "+strings.TrimSpace(fetch)+" > /dev/null || echo failed; done; } > clients 2>&1 &\n"+
		"pid=$!\nmore\n"+script+"\nmore\ntouch enough\nwait $pid\nrm enough\n")
	clients := m.sh(t, "cat clients")
	if n := strings.Count(clients, "\nfailed\n"); n > cut || strings.Contains(clients, "curl: (7)") {
		t.Errorf("clients were not served during\n%s\n%s", script, clients)
	}
	return out
}

// mainPID is popgate's main process, as systemd knows it.
func (m *machine) mainPID(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(m.sh(t, "systemctl show --property MainPID --value popgate"))
}

// takenOver fails unless another process is the main one now, and popgate is well.
func (m *machine) takenOver(t *testing.T, before string) {
	t.Helper()
	eventually(t, "systemd knows the new process", func() bool { return m.mainPID(t) != before })
	m.sh(t, "systemctl is-active popgate && popgate health")
}

// stopsGently runs a command that stops or restarts the service while somebody is logged in, and a second one in the process
// before an upgrade: popgate lets both go on, and ends by itself.
const stopsGently = `
import netrc, poplib, ssl, subprocess, sys
def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
def state(name):
    return run("systemctl", "show", "--property", name, "--value", "popgate")
name, _, password = netrc.netrc().hosts["127.0.0.1"]
def login():
    p = poplib.POP3_SSL("127.0.0.1", context=ssl._create_unverified_context())
    p.user(name)
    p.pass_(password)
    return p
sessions = [login()] if "before" in sys.argv[1] else []
run("popgate", "upgrade")
while len(run("pgrep", "-x", "popgate").split()) > len(sessions) + 1:
    pass # the old process ends
sessions.append(login())
stop = subprocess.Popen(sys.argv[2:])
while state("ActiveState") == "active":
    pass
for p in sessions:
    p.retr(1)
    p.quit()
sys.exit(stop.wait())
`

// stopsGently does so twice, with nobody in the process before and with somebody.
func (m *machine) stopsGently(t *testing.T) {
	t.Helper()
	write(t, m.file("/root/gently.py"), stopsGently)
	m.sh(t, `chmod 600 .netrc
timeout 60 python3 gently.py alone systemctl restart popgate
timeout 60 python3 gently.py before systemctl stop popgate
test "$(systemctl show --property Result --value popgate)" = success
systemctl start popgate
`)
}

// mendsItself makes a mistake in the configuration, behind which a restart fails: who comes meanwhile waits at systemd's
// sockets, and is served once it is mended.
func (m *machine) mendsItself(t *testing.T) {
	t.Helper()
	const config = "/etc/popgate/config.hcl"
	good := m.sh(t, "cat "+config)
	m.sh(t, "echo nonsense >> "+config+"; ! systemctl restart popgate")
	m.sh(t, strings.TrimSpace(fetch)+" > mail 2>&1 &")
	eventually(t, "popgate is tried again", func() bool {
		out, _ := m.try(t, "systemctl show --property NRestarts --value popgate")
		n, _ := strconv.Atoi(strings.TrimSpace(out))
		return n >= 3
	})
	write(t, m.file(config), good)
	eventually(t, "the guest is served", func() bool {
		out, code := m.try(t, "grep Subject: mail")
		return code == 0 && out != ""
	})
	m.sh(t, "systemctl is-active popgate popgate.socket popgate-http.socket && popgate health")
}

// comesBack crashes popgate, for which systemd has another one at once.
func (m *machine) comesBack(t *testing.T) {
	t.Helper()
	for _, sig := range []string{"ABRT", "QUIT", "KILL"} {
		before := m.mainPID(t)
		m.sh(t, "kill -s "+sig+" "+before)
		eventually(t, "popgate serves again", func() bool {
			_, code := m.try(t, "systemctl is-active popgate && popgate health")
			return code == 0 && m.mainPID(t) != before
		})
		m.takenOver(t, before)
	}
}

// upgradesPackage installs newer packages while popgate serves: one that can, and one that can't.
func (m *machine) upgradesPackage(t *testing.T, joe account) {
	t.Helper()
	build := `cd popgate
git checkout --quiet -B newer
git -c user.name=test -c user.email=test@localhost commit --quiet --allow-empty --message newer
make deb
`
	m.sh(t, build)
	before := m.mainPID(t)
	out := m.served(t, "apt-get install -y ./popgate/dist/popgate_*.deb")
	m.takenOver(t, before)
	if !strings.Contains(out, "upgraded: process") {
		t.Errorf("the installation doesn't tell of the upgrade: %s", out)
	}
	if running := m.sh(t, "popgate status"); !strings.Contains(running, strings.Fields(m.sh(t, "popgate version"))[1]) {
		t.Errorf("the old version runs on: %s", running)
	}

	good := m.sh(t, "cat /etc/popgate/config.hcl; echo nonsense >> /etc/popgate/config.hcl")
	before = m.mainPID(t)
	out = m.served(t, "apt-get install -y --reinstall ./popgate/dist/popgate_*.deb")
	if m.mainPID(t) != before || !strings.Contains(out, "the old version goes on running") || !strings.Contains(out, "config.hcl:7") {
		t.Errorf("the installation with a bad configuration: %s", out)
	}
	write(t, m.file("/etc/popgate/config.hcl"), good)
}

// unitsByHand follows the README of the units, and tries its table.
func (m *machine) unitsByHand(t *testing.T, joe account) {
	t.Helper()
	const page = "../deploy/systemd/README.md"
	install := shellBlocks(t, section(t, page, "Install"), 2)
	sockets := shellBlocks(t, section(t, page, "Socket activation, or not"), 1)
	m.sh(t, `mkdir units && cd units && cp ../popgate/bin/popgate ../popgate/deploy/systemd/* .
printf 'tls {\n  certificate "pop" {\n    cert_file = "tls.crt"\n    key_file = "tls.key"\n  }\n}\n' > config.hcl
cat >> config.hcl <<'END'
`+behind+`END
mkdir /etc/popgate
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=pop.example.com -keyout /etc/popgate/tls.key -out /etc/popgate/tls.crt
`)
	// The key is root's alone, so that popgate's user must come before it starts.
	m.sh(t, "cd units\n"+install[1]+install[0])
	m.fetches(t, joe)
	m.sh(t, "test $(stat --format %U /proc/"+m.mainPID(t)+") = popgate")

	m.served(t, "systemctl reload popgate")
	for _, upgrade := range []string{"popgate upgrade", "systemctl kill --kill-whom=main -s USR2 popgate"} {
		if !strings.Contains(readFile(t, page), "`"+upgrade+"`") {
			t.Errorf("%s isn't in the table any more", upgrade)
		}
		before := m.mainPID(t)
		m.served(t, upgrade)
		m.takenOver(t, before)
	}

	m.stopsGently(t)
	m.comesBack(t)

	m.sh(t, "cd units\n"+sockets[0])
	before := m.mainPID(t)
	m.servedBut(t, 1, "systemctl restart popgate")
	m.takenOver(t, before)
	before = m.mainPID(t)
	m.served(t, shellBlocks(t, section(t, "../docs/operations.md", "Upgrades"), 1)[0])
	m.takenOver(t, before)
	before = m.mainPID(t)
	m.servedBut(t, 1, "kill -KILL "+before)
	m.takenOver(t, before)

	m.mendsItself(t)
	m.sh(t, "systemctl stop popgate.socket popgate-http.socket popgate.service")
	if log := m.log.lines(`popgate.*(panic|DATA RACE)`); len(log) > 0 {
		t.Errorf("it wrote %q", log)
	}
	if out := m.sh(t, "systemctl --failed --no-legend"); regexp.MustCompile(`\S`).MatchString(out) {
		t.Errorf("these failed: %s", out)
	}
}
