package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// certificates are the numbers about certificates. The hosts in labels are
// those of the configuration, never what a client named.
type certificates struct {
	noServerName      prometheus.Counter
	unknownServerName prometheus.Counter
	standIns          prometheus.Counter

	loads       *prometheus.CounterVec
	expirations *prometheus.CounterVec
	notAfter    *prometheus.GaugeVec

	orders      prometheus.Counter
	issues      *prometheus.CounterVec
	failures    *prometheus.CounterVec
	lastIssue   prometheus.Gauge
	lastFailure prometheus.Gauge
	challenges  *prometheus.CounterVec
	cacheErrors *prometheus.CounterVec
}

func newCertificates(r registry) *certificates {
	return &certificates{
		noServerName:      r.plain("tls_no_server_name_total", "Handshakes of clients that sent no server name."),
		unknownServerName: r.plain("tls_unknown_server_name_total", "Handshakes for a server name without a certificate."),
		standIns:          r.plain("tls_stand_ins_total", "Handshakes served with a self-signed certificate."),

		loads:       r.counter("certificate_loads_total", "Certificates read from files or from the cache, by result.", "source", "certificate", "result"),
		expirations: r.counter("certificates_expired_total", "Certificates that expired while they were served.", "source"),
		notAfter:    r.gauge("certificate_not_after_seconds", "When a certificate expires, in Unix time.", "source", "certificate"),

		orders:      r.plain("acme_orders_total", "Orders of certificates at a CA."),
		issues:      r.counter("acme_certificates_issued_total", "Certificates that a CA has issued, by kind.", "kind"),
		failures:    r.counter("acme_order_failures_total", "Orders that failed, by the CA's word for the problem.", "problem"),
		lastIssue:   r.instant("acme_last_issue_seconds", "When a CA last issued a certificate, in Unix time."),
		lastFailure: r.instant("acme_last_failure_seconds", "When an order last failed, in Unix time."),
		challenges:  r.counter("acme_challenges_total", "Challenges that were asked for, by type and result.", "type", "result"),
		cacheErrors: r.counter("certificate_cache_errors_total", "Failed changes of the certificate cache, by operation.", "operation"),
	}
}

// ServerNameMissing counts a hello without a server name.
func (c *certificates) ServerNameMissing() { c.noServerName.Inc() }

// ServerNameUnknown counts a hello for a name that no certificate covers.
func (c *certificates) ServerNameUnknown() { c.unknownServerName.Inc() }

// StandInServed counts a self-signed certificate handed out.
func (c *certificates) StandInServed() { c.standIns.Inc() }

// CertificateLoaded notes the pair of a block, or a host's from the cache.
func (c *certificates) CertificateLoaded(source, name string, notAfter time.Time) {
	c.loads.WithLabelValues(source, name, "ok").Inc()
	c.notAfter.WithLabelValues(source, name).Set(float64(notAfter.Unix()))
}

// CertificateFailed notes files of a block that could not be used.
func (c *certificates) CertificateFailed(name string) {
	c.loads.WithLabelValues("file", name, "error").Inc()
}

// CertificateExpired counts a certificate that is served beyond its end.
func (c *certificates) CertificateExpired(source, _ string) {
	c.expirations.WithLabelValues(source).Inc()
}

// CertificateDropped forgets a certificate that is not served any more.
func (c *certificates) CertificateDropped(source, name string) {
	c.notAfter.DeleteLabelValues(source, name)
	for _, result := range []string{"ok", "error"} {
		c.loads.DeleteLabelValues(source, name, result)
	}
}

// CertificateOrdered counts an order.
func (c *certificates) CertificateOrdered() { c.orders.Inc() }

// CertificateIssued notes a host's new certificate.
func (c *certificates) CertificateIssued(host string, at, notAfter time.Time, renewal bool) {
	kind := "first"
	if renewal {
		kind = "renewal"
	}
	c.issues.WithLabelValues(kind).Inc()
	c.lastIssue.Set(float64(at.Unix()))
	c.notAfter.WithLabelValues("acme", host).Set(float64(notAfter.Unix()))
}

// CertificateOrderFailed counts a failed order.
func (c *certificates) CertificateOrderFailed(problem string, at time.Time) {
	c.failures.WithLabelValues(problem).Inc()
	c.lastFailure.Set(float64(at.Unix()))
}

// ChallengeAnswered counts a challenge that was asked for.
func (c *certificates) ChallengeAnswered(challenge string, found bool) {
	result := "unknown"
	if found {
		result = "answered"
	}
	c.challenges.WithLabelValues(challenge, result).Inc()
}

// CacheFailed counts a failed change of the cache.
func (c *certificates) CacheFailed(operation string) {
	c.cacheErrors.WithLabelValues(operation).Inc()
}
