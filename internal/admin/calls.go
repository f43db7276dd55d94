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
	limit   time.Duration
	answer  func(*http.Request) (any, error)
}

// How long a call may take. An order takes autocert five minutes at most, and
// may have to wait for another one.
const (
	quickTime = 20 * time.Second
	renewTime = 11 * time.Minute
)

// calls is the API. What it says is a contract: paths and words may be added
// under /v1/, and never change their meaning. Every answer is JSON, but for what
// net/http refuses before it is a request: those are a status and plain text.
func (s *Server) calls() []call {
	return []call{
		{name: "list certificates", method: http.MethodGet, path: "/v1/certificates",
			limit: quickTime, answer: s.listCertificates},
		{name: "renew certificate", method: http.MethodPost, path: "/v1/certificates/{host}/renew", subject: "host",
			changes: true, limit: renewTime, answer: s.renewCertificate},
		{name: "probe", method: http.MethodPost, path: "/v1/certificates/{host}/probe", subject: "host",
			changes: true, limit: quickTime, answer: s.probeCertificate},
		{name: "explain", method: http.MethodPost, path: "/v1/explain",
			body: true, limit: quickTime, answer: s.explainLogin},
		{name: "list blocks", method: http.MethodGet, path: "/v1/blocks",
			limit: quickTime, answer: s.listBlocks},
		{name: "clear blocks", method: http.MethodDelete, path: "/v1/blocks/{address}", subject: "address", query: "user",
			changes: true, limit: quickTime, answer: s.clearBlocks},
	}
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

// roundabout tells whether a path is not its own shortest form. http.ServeMux
// would answer it with a redirection, and the API has none.
func roundabout(r *http.Request) bool {
	escaped := r.URL.EscapedPath()
	return !strings.HasPrefix(escaped, "/") || path.Clean(escaped) != escaped
}
