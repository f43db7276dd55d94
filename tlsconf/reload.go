package tlsconf

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// grace is how long a pair may be wrong on disk before that is reported: tools
// and people replace two files one after the other, and write in place.
const grace = 5 * time.Second

// maxHostsLogged bounds how many hosts without a certificate a line names.
const maxHostsLogged = 10

// file is one certificate block and what is known of it. It belongs to New,
// then to Run's goroutine.
type file struct {
	Files
	served  *pair
	expired bool     // that served has expired was reported
	wrong   *problem // what is wrong on disk; nil: it holds what is served
}

// problem is one state of the files that can't be served.
type problem struct {
	err      error
	sum      [32]byte // of the files' bytes; zero if they can't be read
	since    time.Time
	reported bool
}

// lastError is what is wrong with a block, as far as it has been reported.
func (f *file) lastError() error {
	switch {
	case f.wrong != nil && f.wrong.reported:
		return f.wrong.err
	case f.expired:
		return fmt.Errorf("certificate %q: %w", f.Name, errExpired)
	}
	return nil
}

// refresh looks at every file once, takes over what is new and good, and tells
// whether some pair must be looked at again after the grace time.
//
// Files are always read, not just their times compared: two writes within one
// tick of the file system's clock leave times and size the same.
func (s *Source) refresh() (again bool) {
	now := s.now()
	s.rotateTickets(now)
	changed := s.renewStandIn(now)
	for _, f := range s.files {
		news, pending := s.check(f, now)
		changed = changed || news
		again = again || pending
	}
	if changed {
		s.publish()
	}
	return again
}

// check compares one block with its files. It tells whether the snapshot has
// to be made anew, and whether something is wrong that isn't reported yet.
func (s *Source) check(f *file, now time.Time) (changed, pending bool) {
	var next *pair
	var sum [32]byte
	c, err := read(f.Files)
	if err == nil {
		if sum = c.sum(); sum != f.served.sum {
			next, err = parse(f.Files, c, now)
		}
	}
	switch {
	case err != nil:
		changed, pending = s.refuse(f, err, sum, now)
	case next != nil:
		f.served, f.wrong, f.expired = next, nil, false
		s.reportLoaded(f)
		changed = true
	case f.wrong != nil:
		changed = s.mended(f)
	}
	if !f.expired && f.served.expired(now) {
		f.expired = true
		changed = true
		s.log.Error("certificate has expired and is still served",
			"certificate", f.Name, "not_after", f.served.notAfter())
		s.observer.CertificateExpired(SourceFile, f.Name)
	}
	return changed, pending
}

// refuse notes that the files can't be served, and reports it once, when the
// same is still so after the grace time.
func (s *Source) refuse(f *file, err error, sum [32]byte, now time.Time) (changed, pending bool) {
	if f.wrong == nil || f.wrong.sum != sum || f.wrong.err.Error() != err.Error() {
		f.wrong = &problem{err: err, sum: sum, since: now}
	}
	if f.wrong.reported {
		return false, false
	}
	if now.Sub(f.wrong.since) < grace {
		return false, true
	}
	f.wrong.reported = true
	s.log.Warn("new certificate refused, the old one stays",
		"certificate", f.Name, "not_after", f.served.notAfter(), "error", quoted(err.Error()))
	s.observer.CertificateFailed(f.Name)
	return true, false
}

// mended notes that the files hold what is served again.
func (s *Source) mended(f *file) (changed bool) {
	changed = f.wrong.reported
	f.wrong = nil
	if changed {
		s.log.Info("certificate files are as served again", "certificate", f.Name)
	}
	return changed
}

// reportLoaded tells that a block's pair is served from now on.
func (s *Source) reportLoaded(f *file) {
	p := f.served
	s.log.Info("certificate loaded", "certificate", f.Name, "cert_file", f.CertFile,
		"names", quoted(strings.Join(p.names, " ")), "not_after", p.notAfter())
	if p.exposed {
		// Deliberate: not refused, as Kubernetes mounts secrets like that.
		s.log.Warn("private key is readable by every user of this machine",
			"certificate", f.Name, "key_file", f.KeyFile)
	}
	if len(p.names) == 0 {
		s.log.Warn("certificate covers no host name", "certificate", f.Name, "cert_file", f.CertFile)
	}
	s.observer.CertificateLoaded(SourceFile, f.Name, p.notAfter())
}

// publish makes the snapshot that handshakes read from now on.
func (s *Source) publish() {
	now := s.now()
	from := stock{standIn: s.standIn, defaultHost: s.defaultHost, unknownToDefault: s.unknownToDefault}
	list := make([]Certificate, 0, len(s.files))
	for _, f := range s.files {
		from.pairs = append(from.pairs, f.served)
		c := Certificate{Name: f.Name, Source: SourceFile, Names: f.served.names, LastError: f.lastError()}
		c.describe(f.served.cert.Leaf)
		list = append(list, c)
	}
	if s.acme != nil {
		s.want(from.pairs, now)
		from.hosts, from.issued = len(s.wanted), s.issued()
	}
	next := newSnapshot(from, now)
	next.list = list
	s.current.Store(next)
	s.warnUncovered(next)
}

// warnUncovered logs the hosts that no file covers, when those have changed.
func (s *Source) warnUncovered(t *snapshot) {
	uncovered := slices.DeleteFunc(slices.Clone(s.hosts), func(name string) bool {
		// What a CA is asked for has lines of its own.
		_, ordered := slices.BinarySearch(s.wanted, name)
		return t.covers(name) || ordered
	})
	if slices.Equal(uncovered, s.uncovered) {
		return
	}
	s.uncovered = uncovered
	if len(uncovered) == 0 {
		return
	}
	message := "hosts without a certificate, clients that name them are refused"
	if s.standIn != nil {
		message = "hosts without a certificate, the self-signed one stands in"
	}
	named := uncovered[:min(len(uncovered), maxHostsLogged)]
	s.log.Warn(message, "count", len(uncovered), "hosts", quoted(strings.Join(named, " ")))
}
