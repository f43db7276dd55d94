package proxy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"popgate/authz"
	"popgate/internal/metrics"
)

// Options are what a Server works with as long as it lives. Guard, Metrics and
// Logger must be set.
type Options struct {
	Guard   *authz.Guard
	Metrics *metrics.Metrics
	Logger  hclog.Logger

	// Polite is how many connections over the limit are told so at once; all
	// others are just closed. Each takes a descriptor. 0 is 64.
	Polite int

	// SmallBuffers has the kernel keep some 0.4 MiB at most of a session whose
	// client doesn't take its mail, for where that counts as this process' memory;
	// without it, that can be several MiB. Large mails take more CPU with it.
	SmallBuffers bool

	// Given returns a listener on a socket that the process was given for an
	// address as configured; nil: it was given none, and opens the address. Nil
	// likewise.
	Given func(address string) (net.Listener, error)
	// Hold holds accepting back until it is closed. Nil: nothing does.
	Hold <-chan struct{}

	// Listen, Dial and LookUp replace the network in tests; nil is the real one.
	Listen func(ctx context.Context, address string) (net.Listener, error)
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
	LookUp func(ctx context.Context, host string) ([]netip.Addr, error)
}

// Server accepts clients and runs their sessions.
type Server struct {
	opts    Options
	guard   *authz.Guard
	metrics *metrics.Metrics
	log     hclog.Logger

	current  atomic.Pointer[snapshot]
	backends backends
	traces   traces
	polite   chan struct{} // places for connections that are told of no room
	boot     string        // begins every session's id
	count    atomic.Uint64 // ends it

	applying sync.Mutex // one Apply at a time

	mu        sync.Mutex
	acceptors map[string]*acceptor // by address as configured
	open      map[string]*Record   // the sessions that are open, by id
	expired   bool                 // draining is over: no relay may go on

	accepting sync.WaitGroup
	sessions  sync.WaitGroup
}

// politePlaces is the default of Options.Polite.
const politePlaces = 64

// New returns a Server without listeners; see [Server.Apply].
func New(opts Options) *Server {
	if opts.Listen == nil {
		opts.Listen = listen
	}
	if opts.Given == nil {
		opts.Given = func(string) (net.Listener, error) { return nil, nil }
	}
	if opts.Dial == nil {
		opts.Dial = dialer.DialContext
	}
	if opts.LookUp == nil {
		opts.LookUp = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if opts.Polite == 0 {
		opts.Polite = politePlaces
	}
	return &Server{
		opts: opts, guard: opts.Guard, metrics: opts.Metrics, log: opts.Logger,
		polite:    make(chan struct{}, opts.Polite),
		boot:      strings.ToLower(rand.Text()[:5]),
		acceptors: make(map[string]*acceptor),
		open:      make(map[string]*Record),
	}
}

// Apply makes settings the ones of sessions to come: it opens the listeners
// that are new, swaps the settings in, and closes the listeners that are gone.
// If one can't be opened that is not optional, nothing has changed. Sessions under way keep what
// they began with. The end of ctx, the same at each call, begins the draining:
// no new session, and those before login are sent away.
func (s *Server) Apply(ctx context.Context, settings Settings) error {
	s.applying.Lock()
	defer s.applying.Unlock()
	opened, err := s.listen(ctx, settings.Listeners)
	if err != nil {
		return err
	}
	s.current.Store(newSnapshot(settings))
	for _, gone := range s.replace(opened, settings.Listeners) {
		_ = gone.listener.Close()
		s.log.Info("listener closed", "address", gone.address)
	}
	for _, a := range opened {
		s.log.Info("listening", "address", a.listener.Addr().String())
		s.accepting.Go(func() { a.run(ctx) })
	}
	return nil
}

// listen opens the listeners that are not there yet, all or none.
func (s *Server) listen(ctx context.Context, listeners []Listener) ([]*acceptor, error) {
	var opened []*acceptor
	var errs []error
	for _, l := range listeners {
		s.mu.Lock()
		_, have := s.acceptors[l.Address]
		s.mu.Unlock()
		if have {
			continue
		}
		ln, err := s.enter(ctx, l.Address)
		if err != nil && l.Optional {
			s.log.Warn("listener can't be opened, popgate does without it", "listener", l.Name, "address", l.Address, "error", err)
			continue
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("listener %q: %w", l.Name, err))
			continue
		}
		opened = append(opened, &acceptor{srv: s, address: l.Address, listener: ln})
	}
	if len(errs) > 0 {
		for _, a := range opened {
			_ = a.listener.Close()
		}
		return nil, errors.Join(errs...)
	}
	return opened, nil
}

// replace makes the set of acceptors that of listeners, and returns those that
// are not in it any more.
func (s *Server) replace(opened []*acceptor, listeners []Listener) (gone []*acceptor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range opened {
		s.acceptors[a.address] = a
	}
	wanted := make(map[string]bool)
	for _, l := range listeners {
		wanted[l.Address] = true
	}
	for address, a := range s.acceptors {
		if !wanted[address] {
			gone = append(gone, a)
			delete(s.acceptors, address)
		}
	}
	return gone
}

// Addrs returns where the server listens.
func (s *Server) Addrs() []net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	addrs := make([]net.Addr, 0, len(s.acceptors))
	for _, a := range s.acceptors {
		addrs = append(addrs, a.listener.Addr())
	}
	return addrs
}

// Addr returns where the listener with an address as configured listens, which
// tells the port that ":0" became; nil if there is none.
func (s *Server) Addr(configured string) net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.acceptors[configured]; a != nil {
		return a.listener.Addr()
	}
	return nil
}

// start begins the session of a connection, if there is room.
func (s *Server) start(ctx context.Context, conn net.Conn, address string) {
	set := s.current.Load()
	listener, ok := set.listener(address)
	if !ok {
		_ = conn.Close()
		return
	}
	ses := &session{srv: s, set: set, listener: listener, raw: conn}
	ses.client = newClient(conn, nil)
	ses.rec = &Record{
		ID: s.newID(), Listener: listener.Name, Client: peerOf(conn),
		began: time.Now(), state: StateConnecting, names: set.FailedUsers,
	}
	lease, denial := s.guard.Ask(ctx, authz.Accept, ses.subject())
	if denial != nil {
		s.metrics.Denied(denial.Check)
		select {
		case s.polite <- struct{}{}:
			ses.overflow = true
		default:
			_ = conn.Close()
			return
		}
	}
	if s.opts.SmallBuffers {
		clientBuffers.bound(conn)
	}
	ses.holds.slot = lease
	ses.rec.open = s.metrics.SessionOpened(beforeLogin, listener.Name, "")
	ctx, cancel := context.WithCancelCause(ctx)
	ses.rec.cancel = cancel
	s.opened(ses.rec)
	s.sessions.Add(1)
	go func() {
		defer cancel(nil)
		ses.run(ctx)
	}()
}

func (s *Server) newID() string { return s.boot + "-" + strconv.FormatUint(s.count.Add(1), 36) }

// The states of a session, for metrics.
const (
	beforeLogin = "before_login"
	loggedIn    = "logged_in"
)
