package e2e

import (
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// startDemo runs `popgate demo` until it has said what to try.
func startDemo(t *testing.T) *process {
	t.Helper()
	cmd := command("demo")
	cmd.Dir = t.TempDir()
	p := start(t, "popgate demo", cmd)
	p.log.wait(t, 1, `^\s*curl `)
	p.log.wait(t, 1, `^\s*openssl s_client `)
	return p
}

// TestDemoLinesCanBePasted: each line that the demo prints works in a shell as it stands.
func TestDemoLinesCanBePasted(t *testing.T) {
	t.Parallel()
	p := startDemo(t)
	need(t, "curl")
	need(t, "openssl")
	for _, line := range p.log.lines(`^\s*(curl|openssl|printf) `) {
		// The line that wants to be typed into gets one command; the others have what they need.
		out, r := run(t, t.TempDir(), "QUIT\n", "/bin/sh", "-c", line)
		r.ok(t)
		if len(out) == 0 {
			t.Errorf("%s\nprints nothing", line)
		}
	}
}

// TestDemoServesMail: the user, password and certificate authority that the demo prints are good for its mails, and it
// stops cleanly on Ctrl-C.
func TestDemoServesMail(t *testing.T) {
	t.Parallel()
	p := startDemo(t)
	line := p.log.lines(`^\s*curl `)[0]
	part := func(pattern string) []string {
		t.Helper()
		found := regexp.MustCompile(pattern).FindStringSubmatch(line)
		if found == nil {
			t.Fatalf("nothing like %s in %q", pattern, line)
		}
		return found[1:]
	}
	url := part(`pop3s://([^:/]+):(\d+)`)
	port, err := strconv.Atoi(url[1])
	if err != nil {
		t.Fatal(err)
	}
	ca := strings.Trim(part(`--cacert\s+(\S+)`)[0], `"'`)
	login := part(`(?:-u|--user)\s+['"]?([^:\s]+):([^\s'"]+)`)
	w := dial(t, endpoint{host: url[0], port: port, security: implicitTLS, ca: ca})
	if answer := w.login(account{login[0], login[1]}); !strings.HasPrefix(answer, "+OK") {
		t.Fatal(answer)
	}
	if got := len(w.fetch()); got == 0 {
		t.Error("the demo has no mails")
	}
	p.signal(t, syscall.SIGINT)
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code %d after Ctrl-C, want 0", code)
	}
}
