package admin

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"
)

// TestMetrics: the registry's numbers in Prometheus' text format.
func TestMetrics(t *testing.T) {
	numbers := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "popgate_things_total", Help: "Things."})
	numbers.MustRegister(counter)
	counter.Add(7)
	s, err := New(Options{Certificates: stock{}, Logins: stock{}, Sessions: stock{}, Backends: stock{}, Process: stock{},
		Metrics: numbers, Logger: hclog.NewNullLogger()})
	must(t, err)
	address := serveTCP(t, s)
	answer, body := askTCP(t, address, "GET /metrics", "Host: 127.0.0.1", "Accept-Encoding: gzip")
	if answer.StatusCode != 200 || !strings.Contains(string(body), "# HELP popgate_things_total Things.\n# TYPE popgate_things_total counter\npopgate_things_total 7\n") {
		t.Errorf("%s: %s", answer.Status, body)
	}
	if got := answer.Header.Get("Content-Encoding"); got != "" {
		t.Errorf("encoded as %q", got)
	}
	shielded(t, answer)
	if kind := answer.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain; version=0.0.4") {
		t.Error(kind)
	}
	if head, body := askTCP(t, address, "HEAD /metrics", "Host: 127.0.0.1"); head.StatusCode != 200 || len(body) > 0 {
		t.Errorf("HEAD: %s", head.Status)
	}
}

// TestProfiles: profiles are off, and if they are on they are for whoever may do
// everything.
func TestProfiles(t *testing.T) {
	r := newCounted(t, Access{Token: testToken})
	token := "Authorization: Bearer " + testToken
	for _, name := range []string{"", "heap", "goroutine?debug=1", "profile", "trace", "symbol"} {
		answer, body := askTCP(t, r.address, "GET /debug/pprof/"+name, "Host: localhost", token)
		if failed := refusal(t, body); answer.StatusCode != 404 || failed.Code != CodeNotFound || !strings.Contains(failed.Message, "pprof = true") {
			t.Errorf("%q, off: %s: %+v", name, answer.Status, failed)
		}
	}
	r.server.SetAccess(Access{Token: testToken, Pprof: true})
	for name, want := range map[string]struct {
		status int
		say    string
	}{
		"": {200, "<html>"}, "goroutine?debug=1": {200, "goroutine profile: total "}, "heap?debug=1": {200, "heap profile: "},
		"profile?seconds=1": {200, "\x1f\x8b"}, "trace?seconds=0.1": {200, "go 1."}, "symbol": {200, "num_symbols"},
		"nothing": {404, "Unknown profile"}, "cmdline": {404, "no such profile"},
	} {
		line := "GET /debug/pprof/" + name
		if answer, body := askTCP(t, r.address, line, "Host: localhost", token); answer.StatusCode != want.status || !strings.Contains(string(body), want.say) {
			t.Errorf("%q, on: %s: %.200s", name, answer.Status, body)
		}
		if answer, _ := askTCP(t, r.address, line, "Host: localhost"); answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%q, without the token: %s", name, answer.Status)
		}
	}
	r.server.SetAccess(Access{Pprof: true})
	if answer, _ := askTCP(t, r.address, "GET /debug/pprof/heap", "Host: localhost"); answer.StatusCode != http.StatusForbidden {
		t.Errorf("on loopback without a token: %s", answer.Status)
	}
}

// shielded fails the test unless an answer can't be kept, framed or read by others' pages.
func shielded(t *testing.T, answer *http.Response) {
	t.Helper()
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
	} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
