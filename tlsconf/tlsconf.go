// Package tlsconf knows where the server's certificates come from, which of
// them a handshake gets, and what TLS the server speaks to mail clients. It
// knows nothing of POP3, of tenants or of the configuration file's syntax, and
// it imports nothing else of popgate: numbers leave through the Observer.
//
// Start with Source. New loads every certificate, ServerConfig is what all
// listeners share, and Run keeps the certificates fresh. A handshake never
// waits for a file: it reads one immutable snapshot, which Run replaces.
package tlsconf

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/hashicorp/go-hclog"
)

// Options is what a Source is made of. Certificates, ACME or SelfSigned must be
// given; everything else may be left at its zero value.
type Options struct {
	// MinVersion is the lowest TLS version spoken, tls.VersionTLS12 or
	// tls.VersionTLS13. Zero is TLS 1.2; nothing lower is accepted.
	MinVersion uint16

	// DefaultHost names the host whose certificate a client without a server
	// name gets. Empty: the only certificate there is, if there is only one.
	DefaultHost string

	// UnknownToDefault gives DefaultHost's certificate to clients that name a
	// host without one, rather than to refuse them.
	UnknownToDefault bool

	// SelfSigned lets a self-signed certificate, made in memory, stand in for
	// every name that nothing else covers. Clients can't verify it: for trials
	// only.
	SelfSigned bool

	// Hosts are the host names served here. One warning is logged for those
	// that no certificate covers; nothing else depends on them.
	Hosts []string

	// Certificates are the pairs of files to serve, in any order. They win over
	// ACME for the names that they cover, as long as they are valid.
	Certificates []Files

	// HTTP offers "http/1.1" in ChallengeConfig, beside POP3. Clients that agree
	// on it must not be taken for mail clients.
	HTTP bool

	// ACME orders certificates. Nil: none are.
	ACME *ACME
	// Automatic keeps ACME's state over reloads. Nil: one of the Source's own.
	Automatic *Automatic
	// Tickets has the keys of session tickets. Nil: random ones of its own.
	Tickets *Tickets

	Logger   hclog.Logger     // nil: nothing is logged
	Observer Observer         // nil: nothing is counted
	Now      func() time.Time // decides what has expired; nil: time.Now

	// PollInterval is the time between two looks at all files, for changes
	// that the folder watch can't see. Zero: one minute.
	PollInterval time.Duration
}

// Files is one certificate block: a pair of PEM files kept by other tools.
type Files struct {
	Name     string // the block's label, for logs, numbers and errors
	CertFile string // the server's certificate first, then its issuers
	KeyFile  string // that certificate's private key, not encrypted
}

// The values of Certificate.Source.
const (
	SourceFile       = "file"
	SourceACME       = "acme"
	SourceSelfSigned = "self_signed"
)

// Certificate is the state of one certificate, for people and for commands.
type Certificate struct {
	// Name is the block's label, the host that a CA's certificate is for, or
	// SourceSelfSigned for the stand-in.
	Name   string
	Source string   // one of the Source constants
	Names  []string // host names it covers, lower case, wildcards as "*.…"

	// Of the certificate that is served; zero where a CA hasn't issued one yet.
	Issuer              string
	NotBefore, NotAfter time.Time

	// LastError is why the files on disk aren't what is served, or that what
	// is served has expired, or why the last order failed. Nil: all is well.
	LastError error

	// ACME is set for those of a CA.
	ACME *HostState
}

// Source holds the certificates and the one tls.Config that serves them. Its
// methods may be called from many goroutines.
type Source struct {
	log         hclog.Logger
	observer    Observer
	now         func() time.Time
	poll        time.Duration
	openWatcher func() (*fsnotify.Watcher, error) // a test's way to have none

	defaultHost      string   // folded; "" for none
	unknownToDefault bool     // names that nothing covers get its certificate
	hosts            []string // folded, sorted, with defaultHost, without addresses

	acme      *ACME       // nil: none; its Hosts are folded, sorted and orderable
	automatic *Automatic  // nil: no ACME
	found     *inventory  // of the cache, when it was looked through
	idle      []HostState // of the hosts as long as it doesn't run; never changed
	tickets   *Tickets

	// Written by New, then by Run's goroutine alone.
	files     []*file
	standIn   *pair                     // nil: not asked for
	authority atomic.Pointer[authority] // nil: not running, or no ACME
	published uint64                    // the authority's version that is served
	wanted    []string                  // hosts to have a certificate of a CA, sorted
	ownsACME  bool                      // Automatic ends with Run
	answers   []string                  // types of challenges that can be answered
	ticketDay atomic.Int64              // of the keys in use, in days
	uncovered []string                  // hosts without a certificate, as last logged

	missing, stoodIn occasional // log lines

	running    atomic.Bool
	current    atomic.Pointer[snapshot]
	config     *tls.Config
	challenged *tls.Config
}

// New loads and checks every certificate. All problems are reported in one
// joined error; each problem of a file is a *FileError, which names the block
// and the file and says how to mend it. Nothing is watched before Run.
func New(opts Options) (*Source, error) {
	s, err := newSource(opts)
	if err != nil {
		return nil, err
	}
	var problems []error
	for _, f := range opts.Certificates {
		p, err := load(f, s.now())
		if err != nil {
			problems = append(problems, err)
			continue
		}
		s.files = append(s.files, &file{Files: f, served: p})
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if opts.SelfSigned {
		if s.standIn, err = newStandIn(s.hosts, s.now()); err != nil {
			return nil, err
		}
	}
	if s.acme != nil {
		s.found = take(context.Background(), s.acme.Cache, s.acme.Hosts)
		if s.found.problem != nil {
			s.log.Warn("certificate cache can't be read, what it lacks is ordered", "error", quoted(s.found.problem.Error()))
		}
	}
	for _, f := range s.files {
		s.reportLoaded(f)
	}
	if s.standIn != nil {
		s.reportStandIn()
	}
	s.rotateTickets(s.now())
	s.publish()
	if s.acme != nil {
		s.idle = s.idleStates()
	}
	return s, nil
}

// newSource checks the options and makes a Source that has no certificates yet.
func newSource(opts Options) (*Source, error) {
	if len(opts.Certificates) == 0 && opts.ACME == nil && !opts.SelfSigned {
		return nil, errors.New("no certificates: add an acme block, a certificate block, or self_signed = true for a trial")
	}
	if opts.PollInterval < 0 {
		return nil, fmt.Errorf("poll interval %v is negative", opts.PollInterval)
	}
	s := &Source{
		log:         hclog.NewNullLogger(),
		observer:    opts.Observer,
		now:         opts.Now,
		poll:        opts.PollInterval,
		openWatcher: fsnotify.NewWatcher,
		defaultHost: fold(opts.DefaultHost),
		hosts:       hostNames(append(slices.Clone(opts.Hosts), opts.DefaultHost)),
		tickets:     opts.Tickets,

		unknownToDefault: opts.UnknownToDefault,
	}
	if opts.Logger != nil {
		s.log = opts.Logger.Named("tls")
	}
	if s.observer == nil {
		s.observer = silent{}
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.poll == 0 {
		s.poll = time.Minute
	}
	if s.tickets == nil {
		s.tickets = NewTickets()
	}
	config, err := s.serverConfig(opts.MinVersion)
	if err != nil {
		return nil, err
	}
	s.config = config
	s.challenged = s.challengeConfig(config, opts.HTTP)
	return s, s.prepareACME(opts)
}

// prepareACME checks the ACME options.
func (s *Source) prepareACME(opts Options) error {
	s.automatic = opts.Automatic
	if opts.ACME == nil {
		return nil
	}
	acme := *opts.ACME
	if acme.Directory == "" || acme.Cache == nil {
		return errors.New("acme: directory or cache is missing")
	}
	wanted := hostNames(acme.Hosts)
	acme.Hosts = slices.DeleteFunc(slices.Clone(wanted), func(name string) bool { return !orderable(name) })
	if n := len(wanted) - len(acme.Hosts); n > 0 {
		never := slices.DeleteFunc(wanted, orderable)
		s.log.Warn("hosts that no CA issues certificates for", "count", n,
			"hosts", quoted(strings.Join(never[:min(n, maxHostsLogged)], " ")))
	}
	s.acme = &acme
	s.hosts = hostNames(append(s.hosts, acme.Hosts...))
	if s.automatic == nil {
		s.automatic = NewAutomatic(AutomaticOptions{Logger: opts.Logger, Observer: opts.Observer, Now: opts.Now})
		s.ownsACME = true
	}
	return nil
}

// ServerConfig returns the configuration that all listeners share. It stays
// the same for the Source's life and always serves the newest certificates;
// it must not be changed.
func (s *Source) ServerConfig() *tls.Config { return s.config }

// ChallengeConfig is ServerConfig for a listener that a CA reaches at port 443:
// it answers TLS-ALPN-01 challenges, too. After such a handshake, whose
// negotiated protocol is "acme-tls/1", the connection has to be closed. With
// Options.HTTP it may also be "http/1.1".
func (s *Source) ChallengeConfig() *tls.Config { return s.challenged }

// Answer says which types of challenges can be answered, HTTP01 or TLSALPN01, in
// the order in which to try them. It must be called before Run; nothing is
// ordered otherwise.
func (s *Source) Answer(types ...string) { s.answers = types }

// Certificates returns the state of every certificate: blocks in the order of
// the configuration, then those of the CA by host, then the stand-in. The slice
// is the caller's own.
func (s *Source) Certificates() []Certificate {
	t := s.current.Load()
	list := slices.Clone(t.list)
	for i := range list {
		list[i].Names = slices.Clone(list[i].Names)
	}
	for _, state := range s.hostStates() {
		c := Certificate{Name: state.Name, Source: SourceACME, Names: []string{state.Name}, ACME: &state,
			Issuer: state.Issuer, NotBefore: state.NotBefore, NotAfter: state.NotAfter}
		if state.LastError != nil {
			c.LastError = state.LastError
		}
		list = append(list, c)
	}
	if p := t.standIn; p != nil {
		c := Certificate{Name: SourceSelfSigned, Source: SourceSelfSigned, Names: slices.Clone(p.names)}
		c.describe(p.cert.Leaf)
		list = append(list, c)
	}
	return list
}

// describe fills in what a leaf says.
func (c *Certificate) describe(leaf *x509.Certificate) {
	c.Issuer, c.NotBefore, c.NotAfter = issuerOf(leaf), leaf.NotBefore, leaf.NotAfter
}

// Run keeps the certificates fresh until ctx ends, and then returns nil: it
// orders what is missing or due, as [Source.Answer] allows, and changes the keys
// of session tickets daily. Of two Sources with one Automatic, only the one in
// force may run.
//
// It watches the files' folders and also looks at all files every PollInterval,
// as symlinks further up the path can be swapped without the folder changing.
//
// A new pair is taken over as a whole once it parses, matches and is valid.
// Otherwise the old one stays, and if that is still so after a grace time, as
// tools replace two files one after the other, it is reported once. The only
// error is that Run is already running.
func (s *Source) Run(ctx context.Context) error {
	if !s.running.CompareAndSwap(false, true) {
		return errors.New("watch certificates: already running")
	}
	defer s.running.Store(false)
	if s.automatic != nil {
		s.follow()
		if s.ownsACME {
			defer s.automatic.Close()
		}
	}
	return s.watch(ctx)
}
