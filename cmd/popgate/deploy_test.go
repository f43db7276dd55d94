package main

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"popgate/internal/metrics"
)

// What deploy/ has about the numbers.
const (
	alertRules = "deploy/prometheus/popgate.rules.yml"
	alertTests = "deploy/prometheus/popgate.rules.test.yml"
	dashboard  = "deploy/grafana/popgate.json"
)

// described matches how a description of client_golang is printed.
var described = regexp.MustCompile(`fqName: "(\w+)".*variableLabels: \{([\w,]*)\}`)

// labelsOf are the labels of each number that popgate can show.
func labelsOf(t testing.TB) map[string][]string {
	t.Helper()
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		metrics.New().Registry.Describe(descs)
	}()
	found := make(map[string][]string)
	for desc := range descs {
		if m := described.FindStringSubmatch(desc.String()); m != nil {
			found[m[1]] = strings.FieldsFunc(m[2], func(r rune) bool { return r == ',' })
		}
	}
	if len(found) < 60 || !slices.Contains(found["popgate_sessions"], "tenant") {
		t.Fatalf("only %d are found: is this test blind?", len(found))
	}
	return found
}

// Parts of PromQL: a number with its matchers; a matcher; what is grouped by.
var (
	selectors = regexp.MustCompile(`\b((?:popgate|process|go)_[a-z_]*[a-z])\b(?:\{([^}]*)\})?`)
	matchers  = regexp.MustCompile(`(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"`)
	groupings = regexp.MustCompile(`\b(?:by|on|group_left|without)\s*\(([^)]*)\)`)
)

// fromPrometheus are the labels that Prometheus adds by itself.
var fromPrometheus = []string{"job", "instance", "le"}

// promQL checks that everything that an expression names is there.
func promQL(t *testing.T, expr string, known map[string][]string) (names []string) {
	t.Helper()
	labels := slices.Clone(fromPrometheus)
	for _, m := range selectors.FindAllStringSubmatch(expr, -1) {
		name := m[1]
		if _, exact := known[name]; !exact { // of a histogram
			name = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		}
		own, there := known[name]
		if !there {
			t.Errorf("there is no %s, in %s", m[1], expr)
		}
		names, labels = append(names, name), append(labels, own...)
		for _, matcher := range matchers.FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(own, matcher[1]) && !slices.Contains(fromPrometheus, matcher[1]) {
				t.Errorf("%s has no label %s, in %s", name, matcher[1], expr)
			}
			if name != "popgate_admin_refusals_total" { // its words are not of proxy and authz
				promWords(t, matcher[1], matcher[3])
			}
		}
	}
	for _, m := range groupings.FindAllStringSubmatch(expr, -1) {
		for _, label := range strings.FieldsFunc(m[1], func(r rune) bool { return r == ',' || r == ' ' }) {
			if !slices.Contains(labels, label) {
				t.Errorf("nothing has the label %s, in %s", label, expr)
			}
		}
	}
	return names
}

// promWords checks the words that a label is compared with, where popgate has a
// fixed set of them.
func promWords(t *testing.T, label, words string) {
	t.Helper()
	var known []string
	switch label {
	case "reason":
		known = append(reasonsOf(t), checksOf(t)...)
	case "result":
		known = append(reasonsOf(t), "ok", "refused", "error", "answered", "unknown")
	case "check":
		known = append(checksOf(t), "backend_connections", "policy")
	case "state":
		known = []string{"before_login", "logged_in"}
	default:
		return
	}
	for _, word := range strings.Split(words, "|") {
		if word != "" && !slices.Contains(known, word) {
			t.Errorf("%s is never %q", label, word)
		}
	}
}

// expressions are those of a file of rules: what is behind expr, on its line or
// folded below it, and the series of the tests.
func expressions(t *testing.T, file string) (list []string) {
	t.Helper()
	lines := strings.Split(document(t, file), "\n")
	for i, line := range lines {
		_, expr, found := strings.Cut(line, "expr: ")
		if series, ok := strings.CutPrefix(strings.TrimSpace(line), "- series: "); ok {
			expr, found = series, true
		}
		if !found {
			continue
		}
		if expr == ">-" {
			expr = ""
			for _, more := range lines[i+1:] {
				if !strings.HasPrefix(more, "          ") {
					break
				}
				expr += strings.TrimSpace(more) + " "
			}
		}
		list = append(list, expr)
	}
	if len(list) < 20 {
		t.Fatalf("only %d expressions in %s: is this test blind?", len(list), file)
	}
	return list
}

// TestAlertsNameWhatIsThere: the numbers, labels and words of the alerts and of
// their tests are popgate's.
func TestAlertsNameWhatIsThere(t *testing.T) {
	known := labelsOf(t)
	for _, file := range []string{alertRules, alertTests} {
		for _, expr := range expressions(t, file) {
			promQL(t, expr, known)
		}
	}
}

// An alert's parts.
var (
	alertName = regexp.MustCompile(`(?m)^      - alert: (\w+)$`)
	runbook   = regexp.MustCompile(`docs/operations\.md#what-to-do-when, "([^"]+)"`)
)

// TestAlertsSayWhatToDo: each has a time to wait, a severity and a summary, names
// a row of docs/operations.md, and is tested.
func TestAlertsSayWhatToDo(t *testing.T) {
	_, rows, _ := strings.Cut(document(t, operations), "| you see | do |\n")
	var seen []string
	for line := range strings.Lines(rows) {
		if first, _, more := strings.Cut(strings.TrimPrefix(line, "| "), " | "); more {
			seen = append(seen, strings.ReplaceAll(first, "`", ""))
		}
	}
	text, tests := document(t, alertRules), document(t, alertTests)
	names := alertName.FindAllStringSubmatchIndex(text, -1)
	for i, at := range names {
		name, end := text[at[2]:at[3]], len(text)
		if i+1 < len(names) {
			end = names[i+1][0]
		}
		alert := text[at[0]:end]
		if !regexp.MustCompile(`\n        for: \w+\n.*\n          severity: (critical|warning)\n`).MatchString(alert) || !strings.Contains(alert, "summary: ") {
			t.Errorf("%s lacks for, severity or summary", name)
		}
		row := runbook.FindStringSubmatch(alert)
		if row == nil || !slices.ContainsFunc(seen, func(first string) bool { return strings.Contains(first, row[1]) }) {
			t.Errorf("%s names no row of %s: %q", name, operations, row)
		}
		fires := `alertname: ` + name + "\n        exp_alerts:\n"
		if !strings.Contains(tests, fires) || !strings.Contains(tests, "alertname: "+name+"\n        exp_alerts: []\n") {
			t.Errorf("%s isn't tested, both ways", name)
		}
	}
	if len(names) < 20 {
		t.Errorf("only %d alerts are found: is this test blind?", len(names))
	}
}

// TestDashboardNamesWhatIsThere: it is JSON; each panel has a title, a place of
// its own and the chosen data source; and the numbers that it asks for are there.
func TestDashboardNamesWhatIsThere(t *testing.T) {
	type target struct {
		Expr    string
		Instant bool
	}
	var board struct {
		Panels []struct {
			ID                int
			Type, Title       string
			GridPos           struct{ X, Y, W, H int }
			Datasource        struct{ UID string }
			Targets           []target
			Description, Unit string
		}
		Templating struct {
			List []struct{ Name, Type, Definition string }
		}
		Annotations struct{ List []target }
	}
	if err := json.Unmarshal([]byte(document(t, dashboard)), &board); err != nil {
		t.Fatal(err)
	}
	known, ids, taken := labelsOf(t), make(map[int]bool), make(map[[2]int]string)
	var exprs []string
	for _, p := range board.Panels {
		if p.Title == "" || ids[p.ID] {
			t.Errorf("panel %d %q has no title, or another's id", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, there := taken[[2]int{x, y}]; there || x >= 24 {
					t.Fatalf("%q lies over %q, or outside", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type != "row" && (p.Datasource.UID != "${datasource}" || len(p.Targets) == 0) {
			t.Errorf("%q does not ask the chosen data source", p.Title)
		}
		for _, target := range p.Targets {
			exprs = append(exprs, target.Expr)
			if (p.Type == "stat" || p.Type == "bargauge") && !target.Instant {
				// It would show the last value of a popgate that is gone.
				t.Errorf("%q shows what was, not what is", p.Title)
			}
			if p.Title == "Ready" && !strings.Contains(target.Expr, " / count(up{") {
				t.Errorf("%q misses those that are gone", p.Title)
			}
		}
	}
	for _, a := range board.Annotations.List {
		exprs = append(exprs, a.Expr)
	}
	shown := make(map[string]bool)
	for _, expr := range exprs {
		if !strings.Contains(expr, `job="$job"`) {
			t.Errorf("not of the chosen popgate: %s", expr)
		}
		for _, name := range promQL(t, strings.ReplaceAll(strings.ReplaceAll(expr, "$job", "x"), "$instance", "x"), known) {
			shown[name] = true
		}
	}
	for _, v := range board.Templating.List {
		promQL(t, v.Definition, known)
	}
	if len(board.Templating.List) == 0 || board.Templating.List[0].Type != "datasource" || len(shown) < 25 {
		t.Errorf("no data source to choose, or too little is shown: %v", slices.Sorted(maps.Keys(shown)))
	}
}
