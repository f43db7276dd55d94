package metrics

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// series are popgate's own numbers, by name and labels.
func series(t *testing.T, m *Metrics) map[string]float64 {
	t.Helper()
	families, err := m.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]float64)
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), namespace+"_") {
			continue
		}
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, pair := range metric.GetLabel() {
				labels = append(labels, pair.GetName()+"="+pair.GetValue())
			}
			key := family.GetName()
			if len(labels) > 0 {
				slices.Sort(labels)
				key += "{" + strings.Join(labels, ",") + "}"
			}
			if h := metric.GetHistogram(); h != nil {
				found[key+" count"], found[key+" sum"] = float64(h.GetSampleCount()), h.GetSampleSum()
				continue
			}
			found[key] = metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
		}
	}
	return found
}

// TestCalls: each method changes the numbers that it should, by as much as it
// should, and no others.
func TestCalls(t *testing.T) {
	for _, c := range calls {
		t.Run(c.method, func(t *testing.T) {
			m := New()
			c.do(m)
			got := series(t, m)
			maps.DeleteFunc(got, func(_ string, value float64) bool { return value == 0 })
			if !maps.Equal(got, c.want) {
				t.Errorf("changed %v, want %v", got, c.want)
			}
		})
	}
}

// readers are the methods that change nothing.
var readers = []string{"LogLost", "LoginHistory", "Sessions"}

// TestCallsAreComplete insists on a row for each method.
func TestCallsAreComplete(t *testing.T) {
	methods := reflect.TypeFor[*Metrics]()
	for i := range methods.NumMethod() {
		name := methods.Method(i).Name
		if !slices.Contains(readers, name) && !slices.ContainsFunc(calls, func(c call) bool { return c.method == name }) {
			t.Errorf("no row for %s", name)
		}
	}
}

// TestEveryMetricIsShown: once everything has happened, each number that there
// is has a series.
func TestEveryMetricIsShown(t *testing.T) {
	m := happened()
	shown := make(map[string]bool)
	for key := range series(t, m) {
		shown[strings.FieldsFunc(key, func(r rune) bool { return r == '{' || r == ' ' })[0]] = true
	}
	for desc := range described(m) {
		if strings.HasPrefix(desc, namespace+"_") && !shown[desc] {
			t.Errorf("%s has no series", desc)
		}
	}
	if len(shown) < 30 {
		t.Errorf("only %d are shown: %v", len(shown), slices.Sorted(maps.Keys(shown)))
	}
}

// described are the names that a set can show.
func described(m *Metrics) map[string]bool {
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		m.Registry.Describe(descs)
	}()
	names := make(map[string]bool)
	for desc := range descs {
		_, rest, _ := strings.Cut(desc.String(), `fqName: "`)
		name, _, _ := strings.Cut(rest, `"`)
		names[name] = true
	}
	return names
}

// happened is a set in which everything has happened once.
func happened() *Metrics {
	m := New()
	for _, c := range calls {
		c.do(m)
	}
	return m
}

// TestLint: names, types, units and help are as Prometheus wants them, for
// those of Go and of the process too.
func TestLint(t *testing.T) {
	families, err := happened().Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	kinds := make(map[string]bool)
	for _, family := range families {
		kind, _, _ := strings.Cut(family.GetName(), "_")
		kinds[kind] = true
		if help := family.GetHelp(); kind == namespace && (len(help) < 20 || !strings.HasSuffix(help, ".")) {
			t.Errorf("%s: help %q, want a sentence", family.GetName(), help)
		}
	}
	for _, kind := range []string{"go", "process", namespace} {
		if !kinds[kind] {
			t.Errorf("no numbers of %s", kind)
		}
	}
}

// labels are those that a metric may have. Their values are words of popgate's
// source or labels of the configuration's blocks; a user, a client's address or
// a server name must never be among them.
var labels = []string{
	"backend", "certificate", "check", "cipher", "direction", "end", "go_version", "kind", "listener", "mechanism",
	"operation", "policy", "problem", "reason", "result", "resumed", "revision", "source", "state", "tenant", "type", "version",
}

// TestLabels: no metric has a label of another kind.
func TestLabels(t *testing.T) {
	families, err := happened().Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), namespace+"_") {
			continue
		}
		for _, metric := range family.GetMetric() {
			for _, pair := range metric.GetLabel() {
				seen[pair.GetName()] = true
				if !slices.Contains(labels, pair.GetName()) {
					t.Errorf("%s has a label %q", family.GetName(), pair.GetName())
				}
			}
		}
	}
	for _, label := range labels {
		if !seen[label] {
			t.Errorf("no metric has the label %q any more", label)
		}
	}
}

// TestRepetitionAddsNoSeries (L2): what happens again is counted where it was
// counted before, and what has no word to it (an unknown server name, an
// injection) is one number, whoever did it.
func TestRepetitionAddsNoSeries(t *testing.T) {
	m := happened()
	before := len(series(t, m))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 250 {
				for _, c := range calls {
					c.do(m)
				}
			}
		})
	}
	all.Wait()
	after := series(t, m)
	if len(after) != before {
		t.Errorf("%d series, %d before", len(after), before)
	}
	for _, c := range calls {
		for key, once := range c.want {
			want := 1001 * once
			if stays(key) {
				want = once
			}
			if after[key] != want {
				t.Errorf("%s is %v after 1001 times, want %v", key, after[key], want)
			}
		}
	}
}

// stays reports whether a series is set, rather than added to.
func stays(key string) bool {
	name, labels, _ := strings.Cut(key, "{")
	switch name {
	case "popgate_backend_up", "popgate_backend_draining", "popgate_build_info", "popgate_config_last_reload_successful", "popgate_ready":
		return true
	}
	return strings.HasSuffix(name, "_seconds") && !strings.Contains(labels, " ")
}

// TestNothingIsGlobal: two sets have numbers and registries of their own.
func TestNothingIsGlobal(t *testing.T) {
	a, b := happened(), New()
	if got, fresh := fmt.Sprint(series(t, b)), fmt.Sprint(series(t, New())); got != fresh {
		t.Errorf("a fresh set has %s, want %s", got, fresh)
	}
	if a.Registry == b.Registry {
		t.Error("two sets share a registry")
	}
}
