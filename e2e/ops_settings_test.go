package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestLogLevelForATime: an operator can look closely for a while, and the log calms down by itself.
func TestLogLevelForATime(t *testing.T) {
	t.Parallel()
	o := openOffice(t, false, settings{})
	level := func() (level string) {
		var now struct {
			Level string
			Until *time.Time
		}
		o.tcp.get(t, "/v1/log", &now)
		if (now.Until != nil) != (now.Level == "debug") {
			t.Errorf("the level %s ends at %v", now.Level, now.Until)
		}
		return now.Level
	}
	if got := level(); got != "info" {
		t.Errorf("at first the level is %s", got)
	}
	o.socket.do(t, http.MethodPut, "/v1/log", `{"level":"debug","for":"2s"}`, nil)
	if got := level(); got != "debug" {
		t.Errorf("then the level is %s", got)
	}
	insistLogin(t, dial(t, o.implicit), account{"joe", newPassword()}, refused)
	o.log.wait(t, 1, `\[DEBUG\]`)
	eventually(t, "the level is as configured", func() bool { return level() == "info" })
	o.socket.do(t, http.MethodPut, "/v1/log", `{"level":"warn"}`, nil)
	if got := level(); got != "warn" {
		t.Errorf("then the level is %s", got)
	}
	o.socket.do(t, http.MethodPost, "/v1/reload", "", nil)
	if got := level(); got != "info" {
		t.Errorf("after a reload the level is %s", got)
	}
	for _, body := range []string{`{"level":"loud"}`, `{"level":"debug","for":"soon"}`, `{"level":"debug","for":"48h"}`, `{}`, ``} {
		o.socket.refuses(t, http.MethodPut, "/v1/log", body, http.StatusBadRequest, "bad_request")
	}
}

// TestPprofIsOffUnlessAsked: profiles are there where the configuration says so, and follow a reload.
func TestPprofIsOffUnlessAsked(t *testing.T) {
	t.Parallel()
	o := openOffice(t, true, settings{})
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/goroutine", "/debug/pprof/cmdline"} {
		o.socket.refuses(t, http.MethodGet, path, "", http.StatusNotFound, "not_found")
		o.tcp.refuses(t, http.MethodGet, path, "", http.StatusNotFound, "not_found")
	}
	on := openOffice(t, true, settings{admin: "pprof = true"})
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/goroutine?debug=1", "/debug/pprof/profile?seconds=1"} {
		on.socket.do(t, http.MethodGet, path, "", nil)
		on.tcp.do(t, http.MethodGet, path, "", nil)
	}
	on.socket.refuses(t, http.MethodGet, "/debug/pprof/cmdline", "", http.StatusNotFound, "not_found")
}

// TestConfigurationIsShownWithoutSecrets: the configuration in force, defaults and all, shows no secret, wherever that came
// from; nor does any other answer.
func TestConfigurationIsShownWithoutSecrets(t *testing.T) {
	t.Parallel()
	const ticket, eab = "CanaryPw7-ticket-secret-of-forty-octets!", "Q2FuYXJ5UHc3LWtleS1vZi1lYWItMzItb2N0ZXRzISE"
	b := startBuiltin(t)
	dir := folder(t)
	newKeys(t, dir, host)
	port := freePort(t)
	config := write(t, dir+"/config.hcl", fmt.Sprintf(`
hostname = "localhost"
listener "pop3s" { address = "127.0.0.1:0" }
tls {
  ticket_secret = env("E2E_TICKET")
  certificate "localhost" {
    cert_file = "localhost.crt"
    key_file  = "localhost.key"
  }
  acme {
    hosts         = ["pop.example.com"]
    directory     = "https://%s/directory"
    cache         = %q
    http_address  = "127.0.0.1:%d"
    https_address = "off"
    eab {
      key_id   = "kid-1"
      hmac_key = %q
    }
  }
}
admin {
  socket  = "admin.sock"
  address = %q
}
`, loopback(freePort(t)), t.TempDir(), freePort(t), eab, loopback(port))+backend("legacy", b.port()))
	cmd := command("serve", "--config", config)
	cmd.Env = append(cmd.Env, "E2E_TICKET="+ticket)
	p := start(t, "popgate", cmd)
	t.Cleanup(func() { p.check(t) })
	p.log.wait(t, 1, "status page and metrics are served")
	d := socketDesk(t, &popgate{process: p, config: config})
	var shown struct{ HCL string }
	d.get(t, "/v1/config", &shown)
	if form := leaks([]byte(shown.HCL)); form != "" || strings.Contains(shown.HCL, eab) {
		t.Errorf("the configuration shows a secret (%s):\n%s", form, shown.HCL)
	}
	for _, want := range []string{"ticket_secret", "hmac_key", "kid-1", `backend "legacy"`, "failure_delay", "login_attempts"} {
		if !strings.Contains(shown.HCL, want) {
			t.Errorf("the configuration has no %s:\n%s", want, shown.HCL)
		}
	}
	for _, path := range reading {
		for _, d := range []desk{d, tcpDesk(port, "")} {
			got := d.ask(t, http.MethodGet, path, "")
			if strings.Contains(got.body, eab) || leaks([]byte(got.body)) != "" {
				t.Errorf("%s shows a secret: %s", path, got.body)
			}
		}
	}
	if strings.Contains(p.log.text(), eab) {
		t.Error("the log has the key of external account binding")
	}
}
