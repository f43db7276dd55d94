package autoconfig

import (
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
)

// Settings are how a domain's users reach their mail.
type Settings struct {
	// Server is the name that clients connect to, and check the certificate by.
	Server string
	Port   int
	// StartTLS: the connection begins in clear, and STLS follows. Otherwise TLS
	// comes first.
	StartTLS bool
	// LocalPart: users log in with what stands before the @ of their address.
	// Otherwise with the whole of it.
	LocalPart bool
	// Outgoing is where mail is sent. With an empty Server nothing is told of that.
	Outgoing Outgoing
}

// Outgoing is a server that takes mail from users, who log in as they do for theirs.
type Outgoing struct {
	Server   string
	Port     int
	StartTLS bool // as in Settings
}

// Domains are the settings of each domain that is served, by its name in ASCII
// lower case. They are not changed once they are in use.
type Domains map[string]Settings

// Options are what a Server works with; each may be left at its zero value.
type Options struct {
	// Next is who answers what no mail client asks for. Nil: it isn't found.
	Next http.Handler
	// Count is told of each request: its kind and what became of it, one of the
	// constants. Nil: nobody is.
	Count func(kind, result string)
	// Logger gets a line at level debug for each request; no name is in it that the
	// client sent. Nil: no line.
	Logger hclog.Logger
}

// The kinds of requests, for Options.Count.
const (
	KindThunderbird  = "thunderbird"
	KindAutodiscover = "autodiscover"
)

// The results of requests, for Options.Count.
const (
	ResultAnswered = "answered"
	ResultUnknown  = "unknown_domain"
	ResultRefused  = "refused" // it can't be understood, or not here
)

// Server answers mail clients. As an [http.Handler] it may be served anywhere; see
// also [Server.ServeConn]. Its methods may be called from many goroutines.
type Server struct {
	opts    Options
	domains atomic.Pointer[Domains]
}

// New returns a Server that serves no domain yet.
func New(opts Options) *Server {
	if opts.Next == nil {
		opts.Next = http.NotFoundHandler()
	}
	if opts.Count == nil {
		opts.Count = func(string, string) {}
	}
	if opts.Logger == nil {
		opts.Logger = hclog.NewNullLogger()
	}
	return &Server{opts: opts}
}

// Use makes domains those that are served from now on. Without any, requests of mail
// clients go to Options.Next like all others.
func (s *Server) Use(domains Domains) { s.domains.Store(&domains) }

// The paths that clients ask for.
const (
	pathThunderbird = "/mail/config-v1.1.xml"
	pathWellKnown   = "/.well-known/autoconfig/mail/config-v1.1.xml"
	// pathAutodiscover comes in any case: Outlook writes /AutoDiscover/AutoDiscover.xml,
	// too.
	pathAutodiscover = "/autodiscover/autodiscover.xml"
)

// ServeHTTP answers a mail client, and leaves all others to Options.Next.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	known := s.domains.Load()
	if known == nil || len(*known) == 0 {
		s.opts.Next.ServeHTTP(w, r)
		return
	}
	var kind string
	var serve func(http.ResponseWriter, *http.Request, Domains) answer
	switch {
	case r.URL.Path == pathThunderbird, r.URL.Path == pathWellKnown:
		kind, serve = KindThunderbird, thunderbird
	case strings.EqualFold(r.URL.Path, pathAutodiscover):
		kind, serve = KindAutodiscover, autodiscover
	default:
		s.opts.Next.ServeHTTP(w, r)
		return
	}
	a := serve(w, r, *known)
	s.opts.Count(kind, a.result())
	s.opts.Logger.Debug("autoconfig request", "kind", kind, "result", a.result(), "status", a.status, "client", r.RemoteAddr)
	a.send(w)
}
