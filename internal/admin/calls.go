package admin

import (
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// call is one thing that can be asked for.
type call struct {
	name    string // for the log
	method  string
	path    string // a pattern of http.ServeMux, without a method
	subject string // the wildcard in path, and the log key for what it stands for
	query   string // the one parameter that may follow the path, and its log key; "": none is looked at
	body    bool   // it takes one
	changes bool   // something: it is logged at level info
	need    need   // of whoever asks over TCP
	limit   time.Duration

	// answer returns what is sent as JSON. serve is for whatever else there is;
	// an error that it returns is sent, so that it must not have begun then.
	answer func(*http.Request) (any, error)
	serve  func(http.ResponseWriter, *http.Request) error
}

// How long a call may take. An order takes autocert five minutes at most, and
// may have to wait for another one.
const (
	quickTime = 20 * time.Second
	renewTime = 11 * time.Minute

	// upgradeTime is what a new process has, and some seconds to be ended in.
	upgradeTime = time.Minute
)

// calls is the API. What it says is a contract: paths and words may be added
// under /v1/, and never change their meaning. Every answer is JSON, but for the
// page, the metrics, profiles, and what net/http refuses before it is a request:
// those are a status and plain text.
//
// What changes something needs the socket or the token (needAll, the zero
// value), and so does what tells of a user: a trace, an explanation, and the
// configuration, whose conditions and networks name users and clients.
func (s *Server) calls() []call {
	return slices.Concat(s.probes(), s.views(), []call{
		{name: "show page", method: http.MethodGet, path: "/{$}", need: needRead, limit: quickTime, serve: s.showPage},
		{name: "renew certificate", method: http.MethodPost, path: "/v1/certificates/{host}/renew", subject: "host",
			changes: true, limit: renewTime, answer: s.renewCertificate},
		{name: "probe", method: http.MethodPost, path: "/v1/certificates/{host}/probe", subject: "host",
			changes: true, limit: quickTime, answer: s.probeCertificate},
		{name: "show configuration", method: http.MethodGet, path: "/v1/config", limit: quickTime, answer: s.showConfig},
		{name: "explain", method: http.MethodPost, path: "/v1/explain",
			body: true, limit: quickTime, answer: s.explainLogin},
		{name: "clear blocks", method: http.MethodDelete, path: "/v1/blocks/{address}", subject: "address", query: "user",
			changes: true, limit: quickTime, answer: s.clearBlocks},
		{name: "kick session", method: http.MethodDelete, path: "/v1/sessions/{id}", subject: "id",
			changes: true, limit: quickTime, answer: s.kickSession},
		{name: "drain backend", method: http.MethodPost, path: "/v1/backends/{backend}/drain", subject: "backend",
			changes: true, limit: quickTime, answer: s.drainBackend},
		{name: "undrain backend", method: http.MethodPost, path: "/v1/backends/{backend}/undrain", subject: "backend",
			changes: true, limit: quickTime, answer: s.undrainBackend},
		{name: "reload", method: http.MethodPost, path: "/v1/reload",
			changes: true, limit: quickTime, serve: s.reload},
		{name: "drain", method: http.MethodPost, path: "/v1/drain",
			changes: true, limit: quickTime, answer: s.drain},
		{name: "upgrade", method: http.MethodPost, path: "/v1/upgrade",
			changes: true, limit: upgradeTime, answer: s.upgrade},
		{name: "set log level", method: http.MethodPut, path: "/v1/log",
			body: true, changes: true, limit: quickTime, answer: s.setLogLevel},
		{name: "trace", method: http.MethodPost, path: "/v1/trace",
			body: true, changes: true, limit: maxTraceTime, serve: s.traceUser},
		{name: "profile", method: http.MethodGet, path: profilesPath + "{name...}",
			limit: profileTime, serve: s.profile},
	})
}

// probes are asked by machines.
func (s *Server) probes() []call {
	return []call{
		{name: "health", method: http.MethodGet, path: "/healthz", need: needNone, limit: quickTime, answer: s.healthz},
		{name: "readiness", method: http.MethodGet, path: "/readyz", need: needNone, limit: quickTime, serve: s.readyz},
		{name: "metrics", method: http.MethodGet, path: "/metrics", need: needRead, limit: quickTime, serve: s.showMetrics},
	}
}

// views show how things are.
func (s *Server) views() []call {
	var list []call
	for _, view := range []struct {
		name, path string
		answer     func(*http.Request) (any, error)
	}{
		{"status", "/v1/status", s.showStatus},
		{"list certificates", "/v1/certificates", s.listCertificates},
		{"list blocks", "/v1/blocks", s.listBlocks},
		{"list sessions", "/v1/sessions", s.listSessions},
		{"show session", "/v1/sessions/{id}", s.oneSession},
		{"list backends", "/v1/backends", s.listBackends},
		{"show log level", "/v1/log", s.showLogLevel},
	} {
		list = append(list, call{name: view.name, method: http.MethodGet, path: view.path,
			need: needRead, limit: quickTime, answer: view.answer})
	}
	return list
}

// mux finds a request's call.
func (s *Server) mux() *http.ServeMux {
	resources := make(map[string]resource)
	for _, c := range s.calls() {
		if resources[c.path] == nil {
			resources[c.path] = make(resource)
		}
		resources[c.path][c.method] = c
	}
	mux := http.NewServeMux()
	for pattern, calls := range resources {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.choose(w, r, calls) })
	}
	mux.HandleFunc("/", s.notFound)
	// Without it, http.ServeMux would answer with a redirection to profilesPath.
	mux.HandleFunc(strings.TrimSuffix(profilesPath, "/"), s.notFound)
	return mux
}

// resource is the calls that share a path, by method.
type resource map[string]call

// choose runs the call for the request's method.
func (s *Server) choose(w http.ResponseWriter, r *http.Request, calls resource) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet // net/http leaves the body out
	}
	if c, ok := calls[method]; ok {
		s.run(w, r, c)
		return
	}
	w.Header().Set("Allow", calls.allowed())
	s.fail(w, &Error{Code: CodeMethodNotAllowed, Message: "this path can be asked with " + calls.allowed() + " only"})
}

// allowed lists the methods of a resource.
func (calls resource) allowed() string {
	var methods []string
	for method := range calls {
		methods = append(methods, method)
		if method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}

func (s *Server) notFound(w http.ResponseWriter, _ *http.Request) {
	s.fail(w, &Error{Code: CodeNotFound, Message: "there is no such path"})
}

const profilesPath = "/debug/pprof/"

// roundabout tells whether a path is not its own shortest form. http.ServeMux
// would answer it with a redirection, and the API has none.
func roundabout(r *http.Request) bool {
	escaped := r.URL.EscapedPath()
	if escaped == profilesPath {
		return false // the links on it need the slash at its end
	}
	return !strings.HasPrefix(escaped, "/") || path.Clean(escaped) != escaped
}
