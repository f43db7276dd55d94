package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// backends are the numbers about backends. Whoever counts there has a place
// taken: a backend that a reload takes away loses its series with its last one.
type backends struct {
	mu         sync.Mutex
	configured map[string]bool // nil: nobody has said yet, and all stay
	open       map[string]int  // places taken
	drained    map[string]bool // also such as aren't configured now: they may come back

	sessions *prometheus.GaugeVec
	up       *prometheus.GaugeVec
	draining *prometheus.GaugeVec
	dials    *prometheus.CounterVec
	logins   *prometheus.HistogramVec
}

func newBackends(r registry) *backends {
	return &backends{
		open:     make(map[string]int),
		drained:  make(map[string]bool),
		sessions: r.gauge("backend_sessions", "Places taken at a backend, also by logins under way.", "backend"),
		up:       r.gauge("backend_up", "Whether the last connection to a backend came about: 1 or 0, and nothing before the first.", "backend"),
		draining: r.gauge("backend_draining", "1 while an operator lets nobody new in at a backend, else 0.", "backend"),
		dials:    r.counter("backend_dials_total", "Connections to backends that were tried, by backend and result.", "backend", "result"),
		logins: r.histogram("backend_login_duration_seconds", "Time from dialing to a backend's answer to the password, be it yes, no, or none in time.",
			waitBuckets, "backend"),
	}
}

// Backends says which backends are configured. Others lose their series, as soon
// as nobody is there any more.
func (b *backends) Backends(names []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.configured = make(map[string]bool)
	for _, name := range names {
		b.configured[name] = true
		b.show(name)
	}
	for name := range b.open {
		b.forget(name)
	}
}

// BackendTaken counts a place at a backend, until it is given back: once, and
// after everything else was counted about it.
func (b *backends) BackendTaken(backend string) (giveBack func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(backend, 1)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.add(backend, -1)
		b.forget(backend)
	}
}

// add needs the lock, as do the following.
func (b *backends) add(backend string, places int) {
	b.open[backend] += places
	b.show(backend)
}

func (b *backends) show(backend string) {
	b.open[backend] += 0
	b.sessions.WithLabelValues(backend).Set(float64(b.open[backend]))
	b.draining.WithLabelValues(backend).Set(oneIf(b.drained[backend]))
}

// forget takes a backend's series away, unless it is configured or in use.
func (b *backends) forget(backend string) {
	if b.configured == nil || b.configured[backend] || b.open[backend] > 0 {
		return
	}
	delete(b.open, backend)
	b.sessions.DeleteLabelValues(backend)
	b.up.DeleteLabelValues(backend)
	b.draining.DeleteLabelValues(backend)
	b.logins.DeleteLabelValues(backend)
	b.dials.DeletePartialMatch(prometheus.Labels{"backend": backend})
}

// BackendUp notes whether a backend could be reached.
func (b *backends) BackendUp(backend string, up bool) {
	b.up.WithLabelValues(backend).Set(oneIf(up))
}

// BackendDraining notes whether nobody new is let in at a backend, as an operator
// wants it.
func (b *backends) BackendDraining(backend string, draining bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if draining {
		b.drained[backend] = true
	} else {
		delete(b.drained, backend)
	}
	b.show(backend)
	b.forget(backend)
}

// oneIf is how a gauge says yes and no.
func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// Dialed counts a connection to a backend, or a try. One that nobody has waited for
// is none.
func (b *backends) Dialed(backend, result string) { b.dials.WithLabelValues(backend, result).Inc() }

// BackendAnswered notes how long a backend took from the first dial to its
// answer to the password, or to the end of the time for that.
func (b *backends) BackendAnswered(backend string, took time.Duration) {
	b.logins.WithLabelValues(backend).Observe(took.Seconds())
}
