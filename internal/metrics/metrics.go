// Package metrics keeps popgate's numbers.
//
// It knows names, labels and types of the numbers and nothing of where they
// come from. The set is made once and handed to those who count; nothing is
// global. No label ever holds a user, an address or a server name: the number
// of series does not depend on what strangers do. docs/operations.md explains
// each number.
//
// Start with [Metrics].
package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics is the set of numbers of one popgate. Its methods may be called from
// any goroutine.
type Metrics struct {
	// Registry has them all, for whoever shows them.
	Registry *prometheus.Registry

	sessions *sessions
	history  history
	ready    *readiness

	sessionsEnded   *prometheus.CounterVec
	sessionDuration prometheus.Histogram
	bytes           *prometheus.CounterVec

	handshakes        *prometheus.CounterVec
	handshakeDuration prometheus.Histogram
	logins            *prometheus.CounterVec
	loginDuration     *prometheus.HistogramVec

	denials    *prometheus.CounterVec
	trials     *prometheus.CounterVec
	blocks     *prometheus.CounterVec
	injections prometheus.Counter

	acceptErrors  prometheus.Counter
	panics        prometheus.Counter
	logDropped    *total
	adminRefusals *prometheus.CounterVec
	autoconfigs   *prometheus.CounterVec

	build        *prometheus.GaugeVec
	reloads      *prometheus.CounterVec
	configLoaded prometheus.Gauge
	configFresh  prometheus.Gauge

	*backends
	*certificates
}

// New returns a fresh set, with Go's runtime and the process beside it.
func New() *Metrics {
	r := registry{prometheus.NewRegistry()}
	m := &Metrics{
		Registry: r.Registry,
		sessions: newSessions(),
		ready:    newReadiness(),

		sessionsEnded:   r.counter("sessions_ended_total", "Sessions ended, by listener and how.", "listener", "end"),
		sessionDuration: r.duration("session_duration_seconds", "Time from accept to end of sessions that had logged in.", sessionBuckets),
		bytes:           r.counter("relayed_bytes_total", "Octets relayed after login, without TLS; those of a session are added when it ends.", "direction"),

		handshakes:        r.counter("tls_handshakes_total", "TLS handshakes, by what was agreed on and result.", "version", "cipher", "resumed", "result"),
		handshakeDuration: r.duration("tls_handshake_duration_seconds", "Time of TLS handshakes that came about.", waitBuckets),
		logins:            r.counter("logins_total", "Login attempts, by mechanism, result and reason.", "mechanism", "result", "reason"),
		loginDuration:     r.histogram("login_duration_seconds", "Time from complete credentials to the outcome, without the failure delay.", waitBuckets, "result"),

		denials:    r.counter("denials_total", "Denials by limits and policies, by check.", "check"),
		trials:     r.counter("policy_trials_total", "Logins about which a policy on trial had something to say.", "policy"),
		blocks:     r.counter("blocks_total", "Blocks of addresses that wrong passwords have led to, by check.", "check"),
		injections: r.plain("stls_injections_total", "Connections aborted as octets came in clear behind STLS."),

		acceptErrors:  r.plain("accept_errors_total", "Errors of accepting connections, such as no descriptor left."),
		panics:        r.plain("panics_total", "Sessions ended by a bug of popgate."),
		logDropped:    r.total("log_lines_dropped_total", "Log lines dropped as their target did not take them."),
		adminRefusals: r.counter("admin_refusals_total", "Requests that the admin interface has refused, by reason.", "reason"),
		autoconfigs:   r.counter("autoconfig_requests_total", "Requests of mail clients for the settings of an account, by kind and result.", "kind", "result"),

		build:        r.gauge("build_info", "What runs: always 1, its labels say it.", "version", "go_version", "revision"),
		reloads:      r.counter("reloads_total", "Changes of configuration, by result.", "result"),
		configLoaded: r.instant("config_loaded_seconds", "When the configuration in force was loaded, in Unix time."),
		configFresh:  r.instant("config_last_reload_successful", "1 if the last configuration that was read is in force, 0 if it was refused."),

		backends:     newBackends(r),
		certificates: newCertificates(r),
	}
	// The first failure has to be a step from 0, which increase() sees.
	m.reloads.WithLabelValues("ok")
	m.reloads.WithLabelValues("error")
	// And so has the first login that succeeds: who waits for one would miss it.
	for _, mechanism := range []string{"USER", "PLAIN", "LOGIN"} {
		m.logins.WithLabelValues(mechanism, "ok", "")
	}
	r.MustRegister(m.sessions, m.ready,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// SessionEnded counts a session's end.
func (m *Metrics) SessionEnded(listener, end string) {
	m.sessionsEnded.WithLabelValues(listener, end).Inc()
}

// SessionLasted notes how long a session was there that had logged in.
func (m *Metrics) SessionLasted(d time.Duration) { m.sessionDuration.Observe(d.Seconds()) }

// Handshake is one TLS handshake.
type Handshake struct {
	// Version and Cipher are what was agreed on, as crypto/tls names them; ""
	// if nothing was.
	Version, Cipher string
	// Resumed: by a ticket, without a certificate.
	Resumed bool
	// Result is "ok", or a word for what went wrong.
	Result string
	Took   time.Duration
}

// Handshake counts a TLS handshake. Its time is noted if it came about: what a
// client that says nothing takes is the limit, which everybody knows.
func (m *Metrics) Handshake(h Handshake) {
	resumed := "false"
	if h.Resumed {
		resumed = "true"
	}
	m.handshakes.WithLabelValues(h.Version, h.Cipher, resumed, h.Result).Inc()
	if h.Result == "ok" {
		m.handshakeDuration.Observe(h.Took.Seconds())
	}
}

// Denied counts a denial.
func (m *Metrics) Denied(check string) { m.denials.WithLabelValues(check).Inc() }

// Tried counts a policy that would have decided, were it not on trial.
func (m *Metrics) Tried(policy string) { m.trials.WithLabelValues(policy).Inc() }

// Blocked counts a block.
func (m *Metrics) Blocked(check string) { m.blocks.WithLabelValues(check).Inc() }

// Relayed counts the octets of a session, at its end.
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

// LogDropped counts log lines that nobody will read; lines must not be negative.
func (m *Metrics) LogDropped(lines int) { m.logDropped.n.Add(uint64(lines)) }

// LogLost is how many lines LogDropped has counted.
func (m *Metrics) LogLost() uint64 { return m.logDropped.n.Load() }

// AdminRefused counts a refused request for operators. reason is a word of
// popgate's source, never one of the request.
func (m *Metrics) AdminRefused(reason string) { m.adminRefusals.WithLabelValues(reason).Inc() }

// AutoconfigAsked counts a request for the settings of an account. Both words are of
// popgate's source, never of the request.
func (m *Metrics) AutoconfigAsked(kind, result string) {
	m.autoconfigs.WithLabelValues(kind, result).Inc()
}
