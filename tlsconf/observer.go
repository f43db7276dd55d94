package tlsconf

import (
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Observer counts what happens to certificates. Its methods are called during
// handshakes, by many goroutines at once, and must not block.
//
// ServerNameMissing, ServerNameUnknown and StandInServed count choices of a
// certificate: a session resumed under TLS 1.3 needs none and isn't counted.
type Observer interface {
	// ServerNameMissing counts a client that named no host, served or not.
	ServerNameMissing()
	// ServerNameUnknown counts a client refused because nothing covers the
	// host that it named.
	ServerNameUnknown()
	// StandInServed counts a client that was given the self-signed stand-in.
	StandInServed()
	// CertificateLoaded tells that the pair of a block, or a host's from the
	// cache, is served from now on.
	CertificateLoaded(source, name string, notAfter time.Time)
	// CertificateFailed tells that the block's new pair was refused; once for
	// each time that is logged.
	CertificateFailed(name string)
	// CertificateExpired tells that what is served has expired; once.
	CertificateExpired(source, name string)
	// CertificateDropped tells that a block or host is not served any more.
	CertificateDropped(source, name string)

	// CertificateOrdered counts an order at a CA.
	CertificateOrdered()
	// CertificateIssued tells that a CA has now, at, issued a host's certificate, its
	// first or, if renewal is true, another.
	CertificateIssued(host string, at, notAfter time.Time, renewal bool)
	// CertificateOrderFailed counts an order that failed, by the CA's word for
	// the problem, of which there is a limited number.
	CertificateOrderFailed(problem string, at time.Time)
	// ChallengeAnswered counts a challenge of this type that was asked for;
	// found is false where there was nothing to answer.
	ChallengeAnswered(challenge string, found bool)
	// CacheFailed counts a failed change of the certificate cache.
	CacheFailed(operation string)
}

// silent is the Observer of those who want none.
type silent struct{}

func (silent) ServerNameMissing() {}
func (silent) ServerNameUnknown() {}
func (silent) StandInServed()     {}

func (silent) CertificateLoaded(string, string, time.Time) {}
func (silent) CertificateFailed(string)                    {}
func (silent) CertificateExpired(string, string)           {}
func (silent) CertificateDropped(string, string)           {}

func (silent) CertificateOrdered()                                  {}
func (silent) CertificateIssued(string, time.Time, time.Time, bool) {}
func (silent) CertificateOrderFailed(string, time.Time)             {}
func (silent) ChallengeAnswered(string, bool)                       {}
func (silent) CacheFailed(string)                                   {}

// logged is a time for a log line: without the reading of the monotonic clock,
// which would be printed too.
func logged(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// maxLogged bounds foreign text in a log line, in bytes.
const maxLogged = 300

// quoted makes foreign text fit for a log line: bounded and always in quotes,
// so that neither a name in a certificate nor a client can forge a second key.
func quoted(text string) hclog.Quote {
	if len(text) > maxLogged {
		text = text[:maxLogged] + "…"
	}
	return hclog.Quote(text)
}

// occasional is a log line about something that may happen at each handshake: it
// comes once a minute at most, and tells how often.
type occasional struct {
	mu   sync.Mutex
	n    int
	last time.Time
}

// occasionally is the time between two lines of one kind.
const occasionally = time.Minute

// happened counts, and logs message if the last line is long ago.
func (o *occasional) happened(log hclog.Logger, message string) {
	o.mu.Lock()
	o.n++
	n, now := o.n, time.Now()
	say := o.last.IsZero() || now.Sub(o.last) >= occasionally
	if say {
		o.n, o.last = 0, now
	}
	o.mu.Unlock()
	if say {
		log.Info(message, "count", n)
	}
}
