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
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/hashicorp/go-hclog"
)

// Options is what a Source is made of. Certificates or SelfSigned must be
// given; everything else may be left at its zero value.
type Options struct {
	// MinVersion is the lowest TLS version spoken, tls.VersionTLS12 or
	// tls.VersionTLS13. Zero is TLS 1.2; nothing lower is accepted.
	MinVersion uint16

	// DefaultHost names the host whose certificate a client without a server
	// name gets. Empty: the only certificate there is, if there is only one.
	DefaultHost string

	// SelfSigned lets a self-signed certificate, made in memory, stand in for
	// every name that no file covers. Clients can't verify it: for trials only.
	SelfSigned bool

	// Hosts are the host names served here. One warning is logged for those
	// that no certificate covers; nothing else depends on them.
	Hosts []string

	// Certificates are the pairs of files to serve, in any order.
	Certificates []Files

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
	SourceSelfSigned = "self_signed"
)

// Certificate is the state of one certificate, for people and for commands.
type Certificate struct {
	Name     string    // the block's label; SourceSelfSigned for the stand-in
	Source   string    // SourceFile or SourceSelfSigned
	Names    []string  // host names it covers, lower case, wildcards as "*.…"
	NotAfter time.Time // end of the served certificate's validity

	// LastError is why the files on disk aren't what is served, or that what
	// is served has expired. Nil: all is well.
	LastError error
}

// Source holds the certificates and the one tls.Config that serves them. Its
// methods may be called from many goroutines.
type Source struct {
	log         hclog.Logger
	observer    Observer
	now         func() time.Time
	poll        time.Duration
	openWatcher func() (*fsnotify.Watcher, error) // a test's way to have none

	defaultHost string   // folded; "" for none
	hosts       []string // folded, sorted, with defaultHost, without addresses

	// Written by New, then by Run's goroutine alone.
	files     []*file
	standIn   *pair    // nil: not asked for
	uncovered []string // hosts without a certificate, as last logged

	running atomic.Bool
	current atomic.Pointer[snapshot]
	config  *tls.Config
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
	for _, f := range s.files {
		s.reportLoaded(f)
	}
	if s.standIn != nil {
		s.reportStandIn()
	}
	s.publish()
	return s, nil
}

// newSource checks the options and makes a Source that has no certificates yet.
func newSource(opts Options) (*Source, error) {
	if len(opts.Certificates) == 0 && !opts.SelfSigned {
		return nil, errors.New("no certificates: add a certificate block, or self_signed = true for a trial")
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
	config, err := s.serverConfig(opts.MinVersion)
	if err != nil {
		return nil, err
	}
	s.config = config
	return s, nil
}

// ServerConfig returns the configuration that all listeners share. It stays
// the same for the Source's life and always serves the newest certificates;
// it must not be changed.
func (s *Source) ServerConfig() *tls.Config { return s.config }

// Certificates returns the state of every certificate, blocks in the order of
// the configuration, then the stand-in. The slice is the caller's own.
func (s *Source) Certificates() []Certificate {
	list := slices.Clone(s.current.Load().list)
	for i := range list {
		list[i].Names = slices.Clone(list[i].Names)
	}
	return list
}

// Run keeps the certificates fresh until ctx ends, and then returns nil. It
// watches the files' folders and also looks at all files every PollInterval,
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
	return s.watch(ctx)
}
