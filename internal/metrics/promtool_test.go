package metrics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// The files for Prometheus and Grafana.
const (
	rulesFile     = "../../deploy/prometheus/popgate.rules.yml"
	rulesTestFile = "../../deploy/prometheus/popgate.rules.test.yml"
	scrapeFile    = "../../deploy/prometheus/scrape.yml"
	dashboardFile = "../../deploy/grafana/popgate.json"
)

// promtool runs Prometheus's own tool. Where it is missing the test is skipped,
// or fails if POPGATE_E2E_REQUIRE=1 says that everything has to be there.
func promtool(t *testing.T, stdin []byte, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		const text = "promtool is not installed (Debian package prometheus)"
		if os.Getenv("POPGATE_E2E_REQUIRE") == "1" {
			t.Fatal("POPGATE_E2E_REQUIRE=1, but " + text)
		}
		t.Skip("SKIPPED: " + text)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestPromtoolLikesTheMetrics: the text of a popgate in which everything has
// happened once, as Prometheus gets it.
func TestPromtoolLikesTheMetrics(t *testing.T) {
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(happened().Registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	text := answer.Body.Bytes()
	for _, want := range []string{
		`popgate_sessions{listener="pop3s",state="before_login",tenant=""} 1`,
		`popgate_login_duration_seconds_bucket{result="refused",le="0.5"} 1`,
		`process_start_time_seconds `,
	} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
	promtool(t, text, "check", "metrics")
}

// TestPromtoolLikesTheRules, and what the example says of them.
func TestPromtoolLikesTheRules(t *testing.T) {
	promtool(t, nil, "check", "rules", rulesFile)
	promtool(t, nil, "check", "config", scrapeFile)
}

// TestAlertsFire where they should, and not where they should not.
func TestAlertsFire(t *testing.T) {
	promtool(t, nil, "test", "rules", rulesTestFile)
}

// TestPromtoolLikesTheExampleWithToken, which stands in scrape.yml as a comment.
func TestPromtoolLikesTheExampleWithToken(t *testing.T) {
	text, err := os.ReadFile(scrapeFile)
	if err != nil {
		t.Fatal(err)
	}
	_, example, found := strings.Cut(string(text), "  # - job_name: popgate\n")
	if !found {
		t.Fatal("there is no such example")
	}
	example = "scrape_configs:\n  - job_name: popgate\n" + strings.ReplaceAll(example, "  # ", "  ")
	file := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(file, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	// The token's file is nowhere: nothing but the syntax can be looked at.
	promtool(t, nil, "check", "config", "--syntax-only", file)
}

// TestPromtoolLikesTheDashboard: each of its expressions is PromQL.
func TestPromtoolLikesTheDashboard(t *testing.T) {
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	rules := "groups:\n- name: dashboard\n  rules:\n"
	variables, n := strings.NewReplacer("$__rate_interval", "5m", "$job", "popgate", "$instance", ".*"), 0
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			n++
			rules += fmt.Sprintf("  - record: dashboard:%d\n    expr: %q\n", n, variables.Replace(target.Expr))
		}
	}
	if n < 30 {
		t.Errorf("only %d expressions", n)
	}
	file := filepath.Join(t.TempDir(), "dashboard.yml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, nil, "check", "rules", file)
}
