// Package metrics keeps popgate's numbers.
//
// It knows names, labels and types of the numbers and nothing of where they
// come from. The set is made once and handed to those who count; nothing is
// global. No label ever holds a user, an address or a server name: the number
// of series does not depend on what strangers do.
//
// Start with [Metrics].
package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics is the set of numbers of one popgate. Its methods may be called from
// any goroutine.
type Metrics struct {
	// Registry has them all, for whoever shows them.
	Registry *prometheus.Registry

	sessionsOpen  *prometheus.GaugeVec
	sessionsEnded *prometheus.CounterVec
	handshakes    *prometheus.CounterVec
	logins        *prometheus.CounterVec
	denials       *prometheus.CounterVec
	trials        *prometheus.CounterVec
	blocks        *prometheus.CounterVec
	dials         *prometheus.CounterVec
	bytes         *prometheus.CounterVec
	injections    prometheus.Counter
	acceptErrors  prometheus.Counter
	panics        prometheus.Counter
	reloads       *prometheus.CounterVec

	*certificates
}

// New returns a fresh set, with Go's runtime and the process beside it.
func New() *Metrics {
	m := &Metrics{
		Registry:      prometheus.NewRegistry(),
		sessionsOpen:  gauge("sessions", "Sessions open now, by state.", "state"),
		sessionsEnded: counter("sessions_ended_total", "Sessions ended, by listener and how.", "listener", "end"),
		handshakes:    counter("tls_handshakes_total", "TLS handshakes, by version and result.", "version", "result"),
		logins:        counter("logins_total", "Login attempts, by mechanism and result.", "mechanism", "result"),
		denials:       counter("denials_total", "Denials by limits and policies, by check.", "check"),
		trials:        counter("policy_trials_total", "Logins about which a policy on trial had something to say.", "policy"),
		blocks:        counter("blocks_total", "Blocks of addresses that wrong passwords have led to, by check.", "check"),
		dials:         counter("backend_dials_total", "Connections made to backends, by backend and result.", "backend", "result"),
		bytes:         counter("relayed_bytes_total", "Octets relayed after login, without TLS.", "direction"),
		injections:    plain("stls_injections_total", "Connections aborted as octets came in clear behind STLS."),
		acceptErrors:  plain("accept_errors_total", "Errors of accepting connections, such as no descriptor left."),
		panics:        plain("panics_total", "Sessions ended by a bug of popgate."),
		reloads:       counter("reloads_total", "Changes of configuration, by result.", "result"),

		certificates: newCertificates(),
	}
	m.certificates.register(m.Registry)
	m.Registry.MustRegister(m.sessionsOpen, m.sessionsEnded, m.handshakes, m.logins, m.denials, m.trials, m.blocks, m.dials,
		m.bytes, m.injections, m.acceptErrors, m.panics, m.reloads,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

const namespace = "popgate"

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func plain(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
}

// SessionOpened counts a session in state "before_login" or "logged_in".
func (m *Metrics) SessionOpened(state string) { m.sessionsOpen.WithLabelValues(state).Inc() }

// SessionClosed counts a session out of a state.
func (m *Metrics) SessionClosed(state string) { m.sessionsOpen.WithLabelValues(state).Dec() }

// SessionEnded counts a session's end.
func (m *Metrics) SessionEnded(listener, end string) {
	m.sessionsEnded.WithLabelValues(listener, end).Inc()
}

// Handshake counts a TLS handshake; version is "" if none was agreed on.
func (m *Metrics) Handshake(version, result string) {
	m.handshakes.WithLabelValues(version, result).Inc()
}

// Login counts a login attempt.
func (m *Metrics) Login(mechanism, result string) { m.logins.WithLabelValues(mechanism, result).Inc() }

// Denied counts a denial.
func (m *Metrics) Denied(check string) { m.denials.WithLabelValues(check).Inc() }

// Tried counts a policy that would have decided, were it not on trial.
func (m *Metrics) Tried(policy string) { m.trials.WithLabelValues(policy).Inc() }

// Blocked counts a block.
func (m *Metrics) Blocked(check string) { m.blocks.WithLabelValues(check).Inc() }

// Dialed counts a connection to a backend, or a try.
func (m *Metrics) Dialed(backend, result string) { m.dials.WithLabelValues(backend, result).Inc() }

// Relayed counts the octets of a session.
func (m *Metrics) Relayed(fromClient, fromBackend int64) {
	m.bytes.WithLabelValues("from_client").Add(float64(fromClient))
	m.bytes.WithLabelValues("from_backend").Add(float64(fromBackend))
}

// Injected counts an attempt to slip commands behind STLS.
func (m *Metrics) Injected() { m.injections.Inc() }

// AcceptFailed counts an error of accept.
func (m *Metrics) AcceptFailed() { m.acceptErrors.Inc() }

// Panicked counts a session that met a bug.
func (m *Metrics) Panicked() { m.panics.Inc() }

// Reloaded counts a change of configuration; result is "ok" or "error".
func (m *Metrics) Reloaded(result string) { m.reloads.WithLabelValues(result).Inc() }
