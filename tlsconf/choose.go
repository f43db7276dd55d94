package tlsconf

import (
	"crypto/tls"
)

// getCertificate chooses the certificate for one handshake from the current
// snapshot; it does no I/O, takes no lock and, where one certificate covers the
// name, allocates nothing.
//
// A name is matched exactly first, then by a wildcard for its left-most label.
// Several certificates for it (RSA and ECDSA, say) are told apart by what the
// client supports.
//
// A client that names no host gets default_host's certificate; without
// default_host, the only one there is. Old mail clients are like that, and
// those that were set up with an IP address: RFC 6066 §3 permits no address as
// a server name, so one that is sent all the same says no more than none.
//
// A name that nothing covers is refused with the alert unrecognized_name,
// even if there is just one certificate. RFC 6066 §3 would let the handshake
// continue, but RFC 9325 §3.7 says that it should not: the client asked for
// somebody else (ALPACA), and a wrong certificate would only teach people to
// click the warning away. Whoever still reaches this server under an old alias
// needs that alias in the certificate; the debug log names it.
//
// With unknown_host = "default" that client gets default_host's certificate.
// With self_signed = true the stand-in takes the place of every refusal but
// that of a name too long to be one.
func (s *Source) getCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	t := s.current.Load()
	name := fold(hello.ServerName)
	nameless := name == "" || isAddress(name)

	var best *pair
	if nameless {
		s.observer.ServerNameMissing()
		s.missing.happened(s.log, "clients without a server name")
		best = pick(hello, t.nameless, nil)
	} else {
		exact, wild := t.lookup(name)
		best = pick(hello, exact, wild)
	}
	if best == nil && !nameless && len(t.unknown) > 0 {
		s.observer.ServerNameUnknown()
		best = pick(hello, t.unknown, nil)
	}
	if best != nil {
		return &best.cert, nil
	}
	if t.standIn != nil && len(name) <= maxName {
		s.observer.StandInServed()
		s.stoodIn.happened(s.log, "clients were shown the self-signed certificate")
		return &t.standIn.cert, nil
	}
	if !nameless {
		s.observer.ServerNameUnknown()
	}
	if s.log.IsDebug() {
		s.log.Debug("no certificate for this server name", "server_name", quoted(hello.ServerName))
	}
	// crypto/tls sends unrecognized_name for this answer, and only for this one:
	// any error of ours would become internal_error.
	return nil, nil
}

// answers tells whether a client with this server name would get a certificate.
func (t *snapshot) answers(serverName string) bool {
	name := fold(serverName)
	switch {
	case t.standIn != nil && len(name) <= maxName:
		return true
	case name == "" || isAddress(name):
		return len(t.nameless) > 0
	default:
		return t.covers(name) || len(t.unknown) > 0
	}
}

// pick returns the first candidate that the client supports, or else the first
// of all, with which the handshake fails in a way that tells the reason. Nil:
// there is no candidate.
func pick(hello *tls.ClientHelloInfo, exact, wild []*pair) *pair {
	switch {
	case len(exact) == 1 && len(wild) == 0:
		return exact[0]
	case len(exact) == 0 && len(wild) == 1:
		return wild[0]
	case len(exact) == 0 && len(wild) == 0:
		return nil
	}
	// The name has been dealt with. Left in, it would be checked a second time,
	// and the default certificate fails that check.
	unnamed := *hello
	unnamed.ServerName = ""
	for _, candidates := range [...][]*pair{exact, wild} {
		for _, p := range candidates {
			if unnamed.SupportsCertificate(&p.cert) == nil {
				return p
			}
		}
	}
	if len(exact) > 0 {
		return exact[0]
	}
	return wild[0]
}
