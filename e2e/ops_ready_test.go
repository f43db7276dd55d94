package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// readiness is the answer to /readyz.
type readiness struct {
	Ready   bool
	Reasons []string
}

// TestReadyWhileDraining: /readyz says 200 until popgate drains, then 503 and why, as long as sessions go on, by whatever it
// was told to drain; /healthz says ok all the while.
func TestReadyWhileDraining(t *testing.T) {
	t.Parallel()
	for name, drain := range map[string]func(*office){
		"call":    func(o *office) { o.socket.do(t, http.MethodPost, "/v1/drain", "", nil) },
		"SIGTERM": func(o *office) { o.signal(t, syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := openOffice(t, false, settings{})
			w := dial(t, o.implicit)
			insistLogin(t, w, o.joe, in)
			var ready readiness
			o.tcp.get(t, "/readyz", &ready)
			if !ready.Ready || len(ready.Reasons) > 0 {
				t.Errorf("before: %+v", ready)
			}
			drain(o)
			for _, d := range []desk{o.socket, o.tcp} {
				eventually(t, "popgate isn't ready", func() bool { return d.ask(t, http.MethodGet, "/readyz", "").status != http.StatusOK })
				got := d.ask(t, http.MethodGet, "/readyz", "")
				if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "draining") {
					t.Errorf("%s: draining: %d %s", d.name, got.status, got.body)
				}
				d.do(t, http.MethodGet, "/healthz", "", nil)
				d.refusesReload(t)
			}
			w.ok("NOOP")
			w.quit()
			if code := o.exit(t); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
		})
	}
}

// refusesReload insists that a popgate that drains reloads no more, where that may be asked.
func (d desk) refusesReload(t *testing.T) {
	t.Helper()
	if d.name == "socket" {
		d.refuses(t, http.MethodPost, "/v1/reload", "", http.StatusServiceUnavailable, "shutting_down")
	}
}

// TestNotReadyWithoutCertificate: as long as a CA hasn't issued one, clients can't be served.
func TestNotReadyWithoutCertificate(t *testing.T) {
	t.Parallel()
	dead := freePort(t)
	cache := t.TempDir()
	b := startBuiltin(t)
	port := freePort(t)
	dir := folder(t)
	config := write(t, dir+"/config.hcl", fmt.Sprintf(`
hostname = "localhost"
listener "pop3s" { address = "127.0.0.1:0" }
tls {
  acme {
    hosts         = ["pop.example.com"]
    directory     = "https://%s/directory"
    cache         = %q
    http_address  = "127.0.0.1:%d"
    https_address = "off"
  }
}
admin {
  socket  = "admin.sock"
  address = %q
}
`, loopback(dead), cache, freePort(t), loopback(port))+backend("legacy", b.port()))
	p := start(t, "popgate", command("serve", "--config", config))
	p.log.wait(t, 1, "status page and metrics are served")
	got := tcpDesk(port, "").ask(t, http.MethodGet, "/readyz", "")
	if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "certificate") {
		t.Errorf("without a certificate: %d %s", got.status, got.body)
	}
}
