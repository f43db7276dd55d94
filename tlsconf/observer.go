package tlsconf

import (
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
	// CertificateLoaded tells that the block's pair is served from now on.
	CertificateLoaded(name string, notAfter time.Time)
	// CertificateFailed tells that the block's new pair was refused, or that
	// the one served has expired; once for each time that is logged.
	CertificateFailed(name string)
}

// silent is the Observer of those who want none.
type silent struct{}

func (silent) ServerNameMissing()                  {}
func (silent) ServerNameUnknown()                  {}
func (silent) StandInServed()                      {}
func (silent) CertificateLoaded(string, time.Time) {}
func (silent) CertificateFailed(string)            {}

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
