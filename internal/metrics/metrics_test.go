package metrics

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// moment is when the certificates of these tests expire, began when they were
// ordered.
var moment, began = time.Unix(1_900_000_000, 0), time.Unix(1_800_000_000, 0)

// call is one way to count.
type call struct {
	method string
	do     func(*Metrics)
	want   map[string]float64 // the series that it changes, and by how much
}

// calls are all of them.
var calls = []call{
	{"SessionOpened", func(m *Metrics) { m.SessionOpened("before_login") },
		map[string]float64{`popgate_sessions{state=before_login}`: 1}},
	{"SessionClosed", func(m *Metrics) { m.SessionClosed("logged_in") },
		map[string]float64{`popgate_sessions{state=logged_in}`: -1}},
	{"SessionEnded", func(m *Metrics) { m.SessionEnded("pop3s", "quit") },
		map[string]float64{`popgate_sessions_ended_total{end=quit,listener=pop3s}`: 1}},
	{"Handshake", func(m *Metrics) { m.Handshake("TLS 1.3", "ok") },
		map[string]float64{`popgate_tls_handshakes_total{result=ok,version=TLS 1.3}`: 1}},
	{"Login", func(m *Metrics) { m.Login("USER", "password_refused") },
		map[string]float64{`popgate_logins_total{mechanism=USER,result=password_refused}`: 1}},
	{"Denied", func(m *Metrics) { m.Denied("connections") },
		map[string]float64{`popgate_denials_total{check=connections}`: 1}},
	{"Tried", func(m *Metrics) { m.Tried("office") }, map[string]float64{`popgate_policy_trials_total{policy=office}`: 1}},
	{"Blocked", func(m *Metrics) { m.Blocked("blocked_ip") }, map[string]float64{`popgate_blocks_total{check=blocked_ip}`: 1}},
	{"Dialed", func(m *Metrics) { m.Dialed("legacy", "backend_unreachable") },
		map[string]float64{`popgate_backend_dials_total{backend=legacy,result=backend_unreachable}`: 1}},
	{"Relayed", func(m *Metrics) { m.Relayed(7, 5_000_000_000) },
		map[string]float64{
			`popgate_relayed_bytes_total{direction=from_client}`:  7,
			`popgate_relayed_bytes_total{direction=from_backend}`: 5_000_000_000,
		}},
	{"Injected", (*Metrics).Injected, map[string]float64{`popgate_stls_injections_total`: 1}},
	{"AcceptFailed", (*Metrics).AcceptFailed, map[string]float64{`popgate_accept_errors_total`: 1}},
	{"Panicked", (*Metrics).Panicked, map[string]float64{`popgate_panics_total`: 1}},
	{"Reloaded", func(m *Metrics) { m.Reloaded("error") },
		map[string]float64{`popgate_reloads_total{result=error}`: 1}},
	{"ServerNameMissing", (*Metrics).ServerNameMissing, map[string]float64{`popgate_tls_no_server_name_total`: 1}},
	{"ServerNameUnknown", (*Metrics).ServerNameUnknown, map[string]float64{`popgate_tls_unknown_server_name_total`: 1}},
	{"StandInServed", (*Metrics).StandInServed, map[string]float64{`popgate_tls_stand_ins_total`: 1}},
	{"CertificateLoaded", func(m *Metrics) { m.CertificateLoaded("file", "main", moment) },
		map[string]float64{
			`popgate_certificate_loads_total{certificate=main,result=ok,source=file}`: 1,
			`popgate_certificate_not_after_seconds{certificate=main,source=file}`:     1_900_000_000,
		}},
	{"CertificateFailed", func(m *Metrics) { m.CertificateFailed("main") },
		map[string]float64{`popgate_certificate_loads_total{certificate=main,result=error,source=file}`: 1}},
	{"CertificateExpired", func(m *Metrics) { m.CertificateExpired("acme", "pop.example.com") },
		map[string]float64{`popgate_certificates_expired_total{source=acme}`: 1}},
	{"CertificateDropped", func(m *Metrics) { m.CertificateDropped("acme", "gone.example.com") }, nil},
	{"CertificateOrdered", (*Metrics).CertificateOrdered, map[string]float64{`popgate_acme_orders_total`: 1}},
	{"CertificateIssued", func(m *Metrics) { m.CertificateIssued("pop.example.com", began, moment, true) },
		map[string]float64{
			`popgate_acme_certificates_issued_total{kind=renewal}`:                           1,
			`popgate_acme_last_issue_seconds`:                                                1_800_000_000,
			`popgate_certificate_not_after_seconds{certificate=pop.example.com,source=acme}`: 1_900_000_000,
		}},
	{"CertificateOrderFailed", func(m *Metrics) { m.CertificateOrderFailed("rateLimited", began) },
		map[string]float64{
			`popgate_acme_order_failures_total{problem=rateLimited}`: 1,
			`popgate_acme_last_failure_seconds`:                      1_800_000_000,
		}},
	{"ChallengeAnswered", func(m *Metrics) { m.ChallengeAnswered("http-01", false) },
		map[string]float64{`popgate_acme_challenges_total{result=unknown,type=http-01}`: 1}},
	{"CacheFailed", func(m *Metrics) { m.CacheFailed("write_account") },
		map[string]float64{`popgate_certificate_cache_errors_total{operation=write_account}`: 1}},
}

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

// TestCallsAreComplete insists on a row for each method.
func TestCallsAreComplete(t *testing.T) {
	methods := reflect.TypeFor[*Metrics]()
	for i := range methods.NumMethod() {
		name := methods.Method(i).Name
		if !slices.ContainsFunc(calls, func(c call) bool { return c.method == name }) {
			t.Errorf("no row for %s", name)
		}
	}
}

// TestEveryMetricIsRegistered: once everything has happened, there are as many
// families as there are fields beside the registry.
func TestEveryMetricIsRegistered(t *testing.T) {
	names := make(map[string]bool)
	for key := range series(t, happened()) {
		name, _, _ := strings.Cut(key, "{")
		names[name] = true
	}
	// The registry and the embedded certificates are none.
	if want := reflect.TypeFor[Metrics]().NumField() - 2 + reflect.TypeFor[certificates]().NumField(); len(names) != want {
		t.Errorf("%d metrics are shown, the set has %d: %v", len(names), want, slices.Sorted(maps.Keys(names)))
	}
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
	"backend", "certificate", "check", "direction", "end", "kind", "listener", "mechanism", "operation", "policy", "problem",
	"result", "source", "state", "type", "version",
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
			if strings.HasSuffix(key, "_seconds") || strings.Contains(key, "_seconds{") {
				want = once
			}
			if after[key] != want {
				t.Errorf("%s is %v after 1001 times, want %v", key, after[key], want)
			}
		}
	}
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
