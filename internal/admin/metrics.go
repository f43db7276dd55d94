package admin

import (
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metricsHandler shows numbers in Prometheus' text format. Scraping is bounded
// by the connections that a listener takes.
func metricsHandler(numbers prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(numbers, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, DisableCompression: true})
}

func (s *Server) showMetrics(w http.ResponseWriter, r *http.Request) error {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(sendTime))
	s.metrics.ServeHTTP(w, r)
	return nil
}

// profileTime is how long a profile may take; pprof's own default is 30 s.
const profileTime = 5 * time.Minute

// profile serves Go's profiles. They show code, addresses and counts, and no
// contents of memory.
func (s *Server) profile(w http.ResponseWriter, r *http.Request) error {
	if !s.access.Load().Pprof {
		return &Error{Code: CodeNotFound, Message: "profiles are off: admin { pprof = true }"}
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Now().Add(profileTime))
	switch r.PathValue("name") {
	case "profile":
		pprof.Profile(w, r)
	case "trace":
		pprof.Trace(w, r)
	case "symbol":
		pprof.Symbol(w, r)
	case "cmdline":
		// The command line may hold what it shouldn't.
		return &Error{Code: CodeNotFound, Message: "there is no such profile"}
	default:
		pprof.Index(w, r)
	}
	return nil
}
