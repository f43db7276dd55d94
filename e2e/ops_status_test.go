package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestStatusTellsAll: one answer says how everything is.
func TestStatusTellsAll(t *testing.T) {
	t.Parallel()
	o := openOffice(t, false, settings{})
	w := dial(t, o.implicit)
	insistLogin(t, w, o.joe, in)
	var status struct {
		Version, Hostname string
		Ready             bool
		Started           time.Time
		ConfigLoaded      time.Time `json:"config_loaded"`
		LogLevel          string    `json:"log_level"`
		Connections       int
		Goroutines        int
		Backends          []backendView
		Certificates      []struct{ Name, Source, State string }
	}
	o.tcp.get(t, "/v1/status", &status)
	if !status.Ready || status.Hostname != host || status.LogLevel != "info" || status.Connections < 1 || status.Goroutines < 1 ||
		time.Since(status.Started) > time.Hour || status.ConfigLoaded.Before(status.Started) || status.Version == "" ||
		len(status.Backends) != 1 || status.Backends[0].State != "up" ||
		len(status.Certificates) != 1 || status.Certificates[0].State != "valid" || status.Certificates[0].Source != "file" {
		t.Errorf("status: %+v", status)
	}
	var list struct {
		Certificates []struct {
			Name     string
			Names    []string
			DaysLeft *int `json:"days_left"`
		}
	}
	o.tcp.get(t, "/v1/certificates", &list)
	if len(list.Certificates) != 1 || list.Certificates[0].Names[0] != host || *list.Certificates[0].DaysLeft != 0 {
		t.Errorf("certificates: %+v", list)
	}
	o.socket.refuses(t, http.MethodPost, "/v1/certificates/"+host+"/renew", "", http.StatusConflict, "not_automatic")
	w.quit()
	for _, call := range []struct {
		method, path string
		status       int
	}{{"GET", "/v2/status", 404}, {"POST", "/v1/status", 405}, {"GET", "/v1//status", 404}, {"DELETE", "/metrics", 405}} {
		if got := o.socket.ask(t, call.method, call.path, ""); got.status != call.status {
			t.Errorf("%s %s was answered %d", call.method, call.path, got.status)
		}
	}
}

// TestNumbersFollowSessions: what happened stands in the metrics, and nothing of whom it happened to.
func TestNumbersFollowSessions(t *testing.T) {
	t.Parallel()
	o := openOffice(t, false, settings{})
	w := dial(t, o.implicit)
	insistLogin(t, w, o.joe, in)
	w.multi("RETR 1")
	w.quit()
	insistLogin(t, dial(t, o.implicit), account{"zoe-nobody", newPassword()}, refused)
	eventually(t, "the session's end is counted", func() bool {
		text := o.tcp.ask(t, http.MethodGet, "/metrics", "").body
		return strings.Contains(text, `end="quit"`)
	})
	text := o.tcp.ask(t, http.MethodGet, "/metrics", "").body
	for _, name := range []string{"popgate_sessions_ended_total", "popgate_tls_handshakes_total", "popgate_logins_total",
		"popgate_backend_dials_total", "popgate_relayed_bytes_total", "go_goroutines", "process_open_fds"} {
		if !strings.Contains(text, "\n"+name) {
			t.Errorf("there is no %s", name)
		}
	}
	for _, stranger := range []string{"joe", "zoe-nobody"} {
		if strings.Contains(text, stranger) {
			t.Errorf("the numbers hold the name %s", stranger)
		}
	}
}
