package metrics

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Build says what runs. revision is that of the source, "" if it isn't known.
func (m *Metrics) Build(version, goVersion, revision string) {
	m.build.WithLabelValues(version, goVersion, revision).Set(1)
}

// ConfigLoaded notes when the configuration was loaded that is in force now.
func (m *Metrics) ConfigLoaded(at time.Time) {
	m.configLoaded.Set(float64(at.Unix()))
	m.configFresh.Set(1)
}

// Reloaded counts a change of configuration; result is "ok" or "error". After an
// error the old one is in force.
func (m *Metrics) Reloaded(result string) {
	m.reloads.WithLabelValues(result).Inc()
	if result != "ok" {
		m.configFresh.Set(0)
	}
}

// Ready shows from now on what ask says, which is asked at each look and must
// not wait.
func (m *Metrics) Ready(ask func() bool) { m.ready.ask.Store(&ask) }

// readiness is asked when somebody looks; until it can be, it isn't shown.
type readiness struct {
	desc *prometheus.Desc
	ask  atomic.Pointer[func() bool]
}

func newReadiness() *readiness {
	return &readiness{desc: prometheus.NewDesc(namespace+"_ready", "Whether popgate can serve mail clients: 1 or 0.", nil, nil)}
}

// Describe is for the registry.
func (r *readiness) Describe(to chan<- *prometheus.Desc) { to <- r.desc }

// Collect is for the registry.
func (r *readiness) Collect(to chan<- prometheus.Metric) {
	ask := r.ask.Load()
	if ask == nil {
		return
	}
	to <- prometheus.MustNewConstMetric(r.desc, prometheus.GaugeValue, oneIf((*ask)()))
}
