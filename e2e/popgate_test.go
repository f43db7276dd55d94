package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// host is the name that clients know popgate under, unless a test is about names. Each client can resolve it.
const host = "localhost"

// popgate is the program under test, running `popgate serve`.
type popgate struct {
	*process
	config             string // the configuration file
	implicit, starttls endpoint
}

// command returns a run of popgate that hasn't begun.
func command(args ...string) *exec.Cmd { return commandOf(program, args...) }

// commandOf does the same for another build of popgate, or for a program that runs it.
func commandOf(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	// Built with the race detector, popgate would wait a second at its end for more races.
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	return cmd
}

// settings is the configuration of popgate that a test needs.
type settings struct {
	backends string // blocks: the backends, and what routes to them
	hosts    []string
	listener string   // lines inside both listener blocks
	tls      string   // lines inside the tls block, which has the certificates already
	timeouts string   // lines inside the timeouts block, which sets failure_delay already
	level    string   // of the log; "" leaves the default
	admin    string   // lines inside the admin block, which sets the socket already
	ports    [2]int   // of the listeners; zero: free ones
	stderr   *os.File // where the log goes; nil: the test keeps it

	// run is the command that popgate's arguments are added to; nil: the program under test.
	run []string
	env []string // for popgate, beside the test's own
}

// backend returns the block of a backend at a port, with more lines if there are any.
func backend(name string, port int, lines ...string) string {
	return fmt.Sprintf("backend %q {\n  address = %q\n  %s\n}\n", name, loopback(port), strings.Join(lines, "\n  "))
}

// failureDelay is the delay of refusals that the tests set, shorter than the default for the sake of their own time.
const failureDelay = "300ms"

// text returns the configuration as a file's content.
func (s settings) text(keys keyFiles) string {
	var b strings.Builder
	fmt.Fprintf(&b, "hostname = %q\nadmin {\n  socket = \"admin.sock\"\n  %s\n}\n", host, s.admin)
	for i, mode := range []security{implicitTLS, startTLS} {
		fmt.Fprintf(&b, "listener %q {\n  address = %q\n  tls = %q\n  %s\n}\n",
			"pop3-"+string(mode), loopback(s.ports[i]), mode, s.listener)
	}
	fmt.Fprintln(&b, "tls {")
	for _, name := range s.hosts {
		fmt.Fprintf(&b, "  certificate %q {\n    cert_file = %q\n    key_file = %q\n  }\n",
			name, keys.cert(name), keys.key(name))
	}
	fmt.Fprintf(&b, "%s}\n", s.tls)
	fmt.Fprintf(&b, "timeouts {\n  failure_delay = %q\n  %s\n}\n", failureDelay, s.timeouts)
	if s.level != "" {
		fmt.Fprintf(&b, "log {\n  level = %q\n}\n", s.level)
	}
	return b.String() + s.backends
}

// startPopgate runs popgate for the test with the settings, their zero values filled in.
func startPopgate(t testing.TB, s settings) *popgate {
	t.Helper()
	s = s.filled(t)
	dir := folder(t)
	keys := newKeys(t, dir, s.hosts...)
	p := &popgate{config: write(t, filepath.Join(dir, "config.hcl"), s.text(keys))}
	p.implicit = endpoint{host: s.hosts[0], port: s.ports[0], security: implicitTLS, version: "1.3", ca: keys.ca()}
	p.starttls = p.implicit
	p.starttls.port, p.starttls.security = s.ports[1], startTLS
	p.begin(t, s)
	return p
}

// begin runs the program, and waits until it is there.
func (p *popgate) begin(t testing.TB, s settings) {
	t.Helper()
	run := append(slices.Clone(s.run), "serve", "--config", p.config)
	if s.run == nil {
		run = append([]string{program}, run...)
	}
	cmd := commandOf(run[0], run[1:]...)
	cmd.Env = append(cmd.Env, s.env...)
	if s.stderr != nil {
		cmd.Stderr = s.stderr
	}
	process := start(t, "popgate", cmd)
	p.process = process
	t.Cleanup(func() { process.check(t) })
	for _, port := range s.ports {
		awaitPort(t, p.process, port, func(c net.Conn) bool {
			// Without a PROXY header, which isn't sent here, this is a client like any other.
			if port == p.starttls.port && s.listener == "" {
				w := &wire{t: t}
				w.use(c)
				w.greeting()
			}
			return true
		})
	}
}

// filled returns the settings with free ports and the usual host where they have none.
func (s settings) filled(t testing.TB) settings {
	t.Helper()
	for i := range s.ports {
		if s.ports[i] == 0 {
			s.ports[i] = freePort(t)
		}
	}
	if s.hosts == nil {
		s.hosts = []string{host}
	}
	return s
}

// check looks into the whole log of a popgate for what must never be there.
func (p *process) check(t testing.TB) {
	t.Helper()
	p.stop()
	log := p.log.text()
	if form := leaks([]byte(log)); form != "" {
		t.Errorf("popgate's log holds a password (%s)", form)
	}
	for _, word := range []string{"panic", "DATA RACE", "goroutine "} {
		if strings.Contains(log, word) {
			t.Errorf("popgate's log holds %q:\n%s", word, log)
		}
	}
}

// via returns the endpoint with this security and TLS version.
func (p *popgate) via(mode security, version string) endpoint {
	e := p.implicit
	if mode == startTLS {
		e = p.starttls
	}
	e.version = version
	return e
}
