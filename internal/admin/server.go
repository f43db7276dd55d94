package admin

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"
)

// Options are what a Server works with. All must be set, but Refused.
type Options struct {
	Certificates Certificates
	Logins       Logins
	Sessions     Sessions
	Backends     Backends
	Process      Process
	Metrics      prometheus.Gatherer
	Logger       hclog.Logger

	// Refused is told the code with which a request over TCP was refused.
	Refused func(code string)
}

// What a connection may take.
const (
	headerTime  = 10 * time.Second // for a request's header
	requestTime = 30 * time.Second // for the whole of it
	sendTime    = 30 * time.Second // for an answer, once it is there
	idleTime    = time.Minute      // between two requests

	maxHeader      = 16 << 10 // octets
	maxBody        = 64 << 10 // octets
	maxConnections = 64       // at once, of each listener
	maxPerClient   = 16       // of these, over TCP from one address beyond loopback
)

// Server answers operators' commands. Its methods can be called at any time,
// from any goroutine.
type Server struct {
	certificates Certificates
	logins       Logins
	sessions     Sessions
	backends     Backends
	process      Process
	metrics      http.Handler
	refused      func(code string)
	log          hclog.Logger

	http      http.Server
	visitors  Visitors
	access    atomic.Pointer[Access]
	strangers connections // over TCP
	tries     tries

	// ending is done when the server ends, with ErrShuttingDown for its cause.
	// Deliberate: a context in a struct, as net/http asks a function without
	// arguments for the one that all requests' contexts come from.
	ending context.Context
	end    context.CancelCauseFunc
}

// New returns a Server that serves nothing yet.
func New(opts Options) (*Server, error) {
	if opts.Certificates == nil || opts.Logins == nil || opts.Sessions == nil || opts.Backends == nil ||
		opts.Process == nil || opts.Metrics == nil || opts.Logger == nil {
		return nil, errors.New("admin server: all options but Refused must be set")
	}
	s := &Server{
		certificates: opts.Certificates, logins: opts.Logins, sessions: opts.Sessions, backends: opts.Backends,
		process: opts.Process, metrics: metricsHandler(opts.Metrics), refused: opts.Refused, log: opts.Logger,
	}
	if s.refused == nil {
		s.refused = func(string) {}
	}
	s.SetAccess(Access{})
	s.ending, s.end = context.WithCancelCause(context.Background())
	s.http = http.Server{
		Handler:           s.guard(s.mux()),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       requestTime,
		WriteTimeout:      sendTime, // for what net/http itself says; send has the same for the rest
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(complaints{s.log}, "", 0),
		BaseContext:       func(net.Listener) context.Context { return s.ending },
		ConnContext:       transport,
		ConnState:         s.visitors.Count,

		DisableGeneralOptionsHandler: true, // OPTIONS * is as unknown as the rest
	}
	return s, nil
}

// Serve answers on l until l is closed or the server ends; neither is an error.
// Several listeners can be served, also one after the other: requests that came
// over one that is closed are answered all the same. Serve closes l.
func (s *Server) Serve(l net.Listener) error {
	err := s.http.Serve(limited{Listener: l, places: s.newPlaces(l)})
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", l.Addr(), err)
}

// newPlaces are those for a listener. On a loopback address all clients have the
// same one: there is no telling them apart.
func (s *Server) newPlaces(l net.Listener) *places {
	p := &places{all: maxConnections, full: s.noPlace, strangers: &s.strangers, from: make(map[netip.Addr]int)}
	if tcp, ok := l.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		p.each = maxPerClient
	}
	return p
}

// noPlace tells of a connection that was closed, as there are too many.
func (s *Server) noPlace(conn net.Conn) {
	s.refused("no_place")
	s.log.Warn("too many admin connections, one was closed", "address", conn.LocalAddr().String())
}

// Shutdown closes the listeners, tells those who wait for an order that it is
// over ([ErrShuttingDown]), and waits for the answers to be sent. When ctx ends,
// it closes what is left, connections that have sent half a request among it,
// and says so.
func (s *Server) Shutdown(ctx context.Context) error {
	s.end(ErrShuttingDown)
	if err := s.http.Shutdown(ctx); err != nil {
		_ = s.http.Close()
		return fmt.Errorf("shut down admin server: %w", err)
	}
	return nil
}

// Close closes listeners and connections, whatever they are doing.
func (s *Server) Close() error {
	s.end(ErrShuttingDown)
	if err := s.http.Close(); err != nil {
		return fmt.Errorf("close admin server: %w", err)
	}
	return nil
}

// complaints takes what net/http has to say of clients.
type complaints struct{ log hclog.Logger }

func (c complaints) Write(text []byte) (int, error) {
	if c.log.IsDebug() {
		c.log.Debug("trouble with a client", "error", quoted(strings.TrimSpace(string(text))))
	}
	return len(text), nil
}
