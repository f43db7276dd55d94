package metrics

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

const namespace = "popgate"

// The upper ends of histograms' buckets, in seconds. Few, as each is a series
// for each value of the labels.
var (
	// waitBuckets are for what somebody waits for. A handshake takes some
	// milliseconds of ours and two ways through the net, a login at a backend
	// nearby some tens; beyond a second the user notices. 10, 30 and 120 s are
	// the defaults of timeouts: what is there has hit one, or almost.
	waitBuckets = []float64{0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 3, 10, 30, 120}
	// sessionBuckets are for sessions: a look for new mail takes less than a
	// second or some, a download minutes; 10 minutes is the default idle time.
	sessionBuckets = []float64{0.1, 0.3, 1, 3, 10, 30, 120, 600, 3600}
)

// registry makes numbers and registers them.
type registry struct{ *prometheus.Registry }

// registered registers a number that has just been made.
func registered[C prometheus.Collector](r registry, c C) C {
	r.MustRegister(c)
	return c
}

func (r registry) counter(name, help string, labels ...string) *prometheus.CounterVec {
	return registered(r, prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels))
}

func (r registry) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	return registered(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels))
}

func (r registry) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	opts := prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}
	return registered(r, prometheus.NewHistogramVec(opts, labels))
}

// plain is a counter without labels.
func (r registry) plain(name, help string) prometheus.Counter {
	return registered(r, prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}))
}

// total is a counter without labels that can be read, too.
type total struct {
	prometheus.Collector
	n atomic.Uint64
}

func (r registry) total(name, help string) *total {
	t := new(total)
	opts := prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}
	t.Collector = registered(r, prometheus.NewCounterFunc(opts, func() float64 { return float64(t.n.Load()) }))
	return t
}

// instant is a gauge without labels, mostly for a point in time.
func (r registry) instant(name, help string) prometheus.Gauge {
	return registered(r, prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}))
}

// duration is a histogram without labels.
func (r registry) duration(name, help string, buckets []float64) prometheus.Histogram {
	opts := prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}
	return registered(r, prometheus.NewHistogram(opts))
}
